"""Converters of anthropic are total: whatever JSON is sent, they return what the registry allows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genspan.anthropic import messages
from genspan.anthropic.batches import Results
from genspan.anthropic.sessions import ModelRequest
from genspan.anthropic.text_completions import TextCompletions
from genspan.anthropic.token_count import TokenCount
from tests.support.totality import check, few, objects

WORDS = """
advisor_message base64 blob blob_omitted cache_control cache_creation cache_creation_input_tokens
cache_read_input_tokens citation citations citations_delta compaction compaction_delta completion container_upload
content content_block content_block_delta content_block_start context custom data declined delta description document
effort encrypted_content ephemeral_1h_input_tokens ephemeral_5m_input_tokens error explanation fallback
fallback_message file file_id format id image index input input_json_delta input_schema input_tokens is_error
iterations json_schema max_tokens mcp_server_name mcp_servers mcp_tool_result mcp_tool_use media_type message
message_delta message_start messages model model_usage name output_config output_tokens output_tokens_details
partial_json prompt reasoning redacted_thinking refusal result role search_result server_tool_call
server_tool_call_response server_tool_use service_tier session signature source speed stop_details stop_reason
stop_sequences succeeded system text text_delta thinking thinking_delta thinking_tokens thread title tool_call
tool_call_response tool_result tool_use tool_use_id tools type uri url usage user web_search_requests
web_search_tool_result
"""

APIS = {
    "messages": messages,
    "count_tokens": TokenCount(),
    "complete": TextCompletions(),
    "batch": Results(lambda _: True),
    "session": ModelRequest(),
}
OBJECTS = objects(WORDS)
KINDS = ("tool_call", "tool_call_response", "blob", "uri", "file", "reasoning", "server_tool_call", "new", "compaction")


@pytest.mark.parametrize("name", APIS)
@few
@given(body=OBJECTS, chunks=st.lists(OBJECTS, max_size=4))
def test_any_json(name, body, chunks):
    check(APIS[name], body, chunks)


@pytest.mark.parametrize("kind", KINDS)
def test_an_odd_block_does_not_pose_as_a_part_of_the_conventions(kind):
    block = {"type": kind, "mine": 1}
    body = {"system": [block], "messages": [{"role": "user", "content": [block]}], "content": [block]}
    check(messages, body, [{"type": "content_block_start", "content_block": block}])
