"""Converters are total: whatever JSON a provider or a program sends, they return what the registry allows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genspan._core.routes.seen_ids import Counted
from genspan._core.routes.stored_responses import Fetched, Once
from genspan.dialects import openai_chat, openai_embeddings
from genspan.dialects.openai_media import Media
from genspan.openai import chat, responses
from genspan.openai.agents import Turn
from genspan.openai.jobs import Job
from genspan.openai.judgements import Decisions, Moderation, TokenCount
from genspan.openai.sockets import Realtime
from tests.support.totality import allowed, check, few, objects

WORDS = """
answers arguments assistant audio b64_json background blob cached_tokens call_id choices code compaction
completed completion_tokens content conversation custom data data: delta details effort embedding endpoint
error file file_id finish_reason flagged format function function_call function_call_output id
image_generation.completed image_url incomplete incomplete_details index input input_audio input_text
input_tokens instructions item length message messages name num_requests output output_index output_text
output_tokens parameters predicate prompt prompt_tokens prompt_tokens_details reason reasoning refusal
response response.completed response.output_item.added response.output_text.delta results role
server_tool_call starting_after status stop summary svg_usage text thinking tool tool_call tool_call_response
tool_calls tool_usage tools total_tokens transcript type uri url usage user web_search
"""

APIS = {
    "chat": chat,
    "gemini": chat.Gemini(),
    "completions": chat.Completions(),
    "responses": responses,
    "once": Once(responses, Counted()),
    "fetched": Fetched(responses, Counted()),
    "job": Fetched(Job(), Counted()),
    "dialect": openai_chat,
    "embeddings": openai_embeddings,
    "media": Media("image"),
    "moderation": Moderation(),
    "tokens": TokenCount(),
    "decisions": Decisions(),
    "realtime": Realtime(),
    "turn": Turn(),
}

OBJECTS = objects(WORDS)


@pytest.mark.parametrize("name", APIS)
@few
@given(body=OBJECTS, chunks=st.lists(OBJECTS, max_size=4))
def test_any_json(name, body, chunks):
    check(APIS[name], body, chunks)


@pytest.mark.parametrize(
    "kind", ["tool_call", "blob", "uri", "file", "reasoning", "compaction", "server_tool_call", "new"]
)
def test_an_odd_part_does_not_pose_as_one_of_the_conventions(kind):
    part = {"type": kind, "mine": 1}
    body = {"messages": [{"role": "user", "content": [part]}], "input": [{"role": "user", "content": [part]}, part]}
    data = {"choices": [{"message": {"content": [part]}}], "output": [part, {"type": "message", "content": [part]}]}
    for api in (chat, responses):
        allowed(api.params(body), api.response(data), api.prompt(body), api.answer(data))
