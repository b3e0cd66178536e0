"""Answers of every kind, whole: as the conventions' messages and as MLflow's, alike for plain ones and streams."""

from __future__ import annotations

import json

import pytest

from tests.anthropic.calls import attributes_of, call, message, telemetry

__all__ = ["telemetry"]

pytestmark = pytest.mark.filterwarnings("ignore:Pydantic serializer warnings:UserWarning")

SEARCHED = {
    "type": "web_search_result_location",
    "url": "https://example.com",
    "title": "A page",
    "cited_text": "Sunny.",
    "encrypted_index": "c2VjcmV0",
}
FOUND = {"type": "web_search_result", "url": "https://example.com", "title": "A page", "page_age": "1 day"}
FETCHED = {
    "type": "web_fetch_result",
    "url": "https://example.com/a.pdf",
    "retrieved_at": "2026-08-01",
    "content": {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERg=="}},
}
RAN = {"type": "code_execution_result", "stdout": "4\n", "stderr": "", "return_code": 0, "content": []}
REFUSED = {"type": "refusal", "category": "cyber", "explanation": "No."}


def server(name, given, kind="server_tool_use", **more):
    called = {"type": kind, "name": name, "input": given, **more}
    return {"type": "server_tool_call", "id": "srvtoolu_1", "name": name, "server_tool_call": called}


def returned(kind, content, **more):
    result = {"type": kind, "content": content, **more}
    return {"type": "server_tool_call_response", "id": "srvtoolu_1", "server_tool_call_response": result}


# Blocks of an answer, as they are on the wire, and as the conventions have them.
ANSWERS = {
    "text": (
        [{"type": "text", "text": "It is sunny.", "citations": None}],
        [{"type": "text", "content": "It is sunny."}],
    ),
    "texts": (
        [{"type": "text", "text": "One, "}, {"type": "text", "text": "two."}],
        [{"type": "text", "content": "One, "}, {"type": "text", "content": "two."}],
    ),
    "empty": ([], []),
    "thinking": (
        [
            {"type": "thinking", "thinking": "Let me think about it.", "signature": "c2ln"},
            {"type": "redacted_thinking", "data": "ZW5jcnlwdGVk"},
            {"type": "text", "text": "Yes."},
        ],
        [
            {"type": "reasoning", "content": "Let me think about it."},
            {"type": "reasoning", "content": "", "redacted": True},
            {"type": "text", "content": "Yes."},
        ],
    ),
    "tools": (
        [
            call("tool_use", "get_weather", {"city": "Paris", "days": [1, 2]}, "toolu_1"),
            call("tool_use", "get_time", {}, "toolu_2", caller={"type": "direct"}),
        ],
        [
            {
                "type": "tool_call",
                "id": "toolu_1",
                "name": "get_weather",
                "arguments": {"city": "Paris", "days": [1, 2]},
            },
            {"type": "tool_call", "id": "toolu_2", "name": "get_time", "arguments": {}},
        ],
    ),
    "citations": (
        [{"type": "text", "text": "Sunny.", "citations": [SEARCHED]}],
        [
            {
                "type": "text",
                "content": "Sunny.",
                "citations": [{k: v for k, v in SEARCHED.items() if k != "encrypted_index"}],
            }
        ],
    ),
    "search": (
        [
            call("server_tool_use", "web_search", {"query": "the weather"}),
            {
                "type": "web_search_tool_result",
                "tool_use_id": "srvtoolu_1",
                "content": [{**FOUND, "encrypted_content": "c2VjcmV0"}],
            },
        ],
        [server("web_search", {"query": "the weather"}), returned("web_search_tool_result", [FOUND])],
    ),
    "search-failed": (
        [{"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": {"type": "e", "error_code": "x"}}],
        [returned("web_search_tool_result", {"type": "e", "error_code": "x"})],
    ),
    "fetch": (
        [
            call("server_tool_use", "web_fetch", {"url": "https://example.com/a.pdf"}),
            {"type": "web_fetch_tool_result", "tool_use_id": "srvtoolu_1", "content": FETCHED},
        ],
        [
            server("web_fetch", {"url": "https://example.com/a.pdf"}),
            returned(
                "web_fetch_tool_result",
                {
                    **FETCHED,
                    "content": {
                        "type": "document",
                        "source": {
                            "type": "blob",
                            "modality": "document",
                            "mime_type": "application/pdf",
                            "content": "JVBERg==",
                        },
                    },
                },
            ),
        ],
    ),
    "code": (
        [
            call("server_tool_use", "code_execution", {"code": "print(2 + 2)"}),
            {"type": "code_execution_tool_result", "tool_use_id": "srvtoolu_1", "content": RAN},
            {"type": "container_upload", "file_id": "file_1"},
        ],
        [
            server("code_execution", {"code": "print(2 + 2)"}),
            returned("code_execution_tool_result", RAN),
            {"type": "file", "modality": "document", "file_id": "file_1"},
        ],
    ),
    "mcp": (
        [
            call("mcp_tool_use", "read", {"path": "/a"}, server_name="files"),
            {
                "type": "mcp_tool_result",
                "tool_use_id": "srvtoolu_1",
                "is_error": False,
                "content": [{"type": "text", "text": "a file"}],
            },
        ],
        [
            server("read", {"path": "/a"}, "mcp_tool_use", server_name="files"),
            returned("mcp_tool_result", [{"type": "text", "text": "a file"}], is_error=False),
        ],
    ),
    "compaction": (
        [{"type": "compaction", "content": "What was said so far.", "encrypted_content": "c2VjcmV0"}],
        [{"type": "compaction", "content": "What was said so far."}],
    ),
    "fallback": (
        [
            {"type": "fallback", "from": {"model": "a"}, "to": {"model": "b"}, "trigger": {"type": "refusal"}},
            {"type": "text", "text": "Yes."},
        ],
        [
            {"type": "fallback", "from": {"model": "a"}, "to": {"model": "b"}, "trigger": {"type": "refusal"}},
            {"type": "text", "content": "Yes."},
        ],
    ),
    "of-the-future": (
        [{"type": "hologram", "shape": "cube", "encrypted_content": "c2VjcmV0"}, {"type": "blob", "mine": 1}],
        [{"type": "hologram", "shape": "cube"}, {"type": "anthropic_blob", "mine": 1}],
    ),
}

# The same as a message of MLflow's chat view.
SHOWN = {
    "text": {"content": "It is sunny."},
    "texts": {"content": "One, two."},
    "empty": {"content": None},
    "thinking": {"content": "Yes.", "reasoning": "Let me think about it."},
    "tools": {
        "content": None,
        "tool_calls": [
            {
                "id": "toolu_1",
                "type": "function",
                "function": {"name": "get_weather", "arguments": '{"city":"Paris","days":[1,2]}'},
            },
            {"id": "toolu_2", "type": "function", "function": {"name": "get_time", "arguments": "{}"}},
        ],
    },
    "citations": {"content": "Sunny."},
    "compaction": {"content": [{"type": "text", "text": '[compaction] {"content":"What was said so far."}'}]},
    "code": {
        "content": [
            {"type": "text", "text": '[server_tool_use] {"name":"code_execution","input":{"code":"print(2 + 2)"}}'},
            {
                "type": "text",
                "text": '[code_execution_tool_result] {"content":{"type":"code_execution_result","stdout":"4\\n",'
                '"stderr":"","return_code":0,"content":[]}}',
            },
            {"type": "text", "text": "[document: file_1]"},
        ]
    },
}

# Why it stopped: on the wire, by the conventions, and the attribute for it.
STOPS = {
    "end_turn": ("stop", None),
    "max_tokens": ("length", None),
    "model_context_window_exceeded": ("length", None),
    "stop_sequence": ("stop", None),
    "tool_use": ("tool_call", None),
    "pause_turn": ("pause_turn", None),
    "compaction": ("compaction", None),
    "refusal": ("content_filter", REFUSED),
}


@pytest.mark.parametrize("kind", ANSWERS)
def test_answers(telemetry, provider, kind):
    blocks, parts = ANSWERS[kind]
    found = attributes_of(telemetry, provider, message(blocks))
    (answer,) = json.loads(found["gen_ai.output.messages"])
    assert answer == {"role": "assistant", "parts": parts, "finish_reason": "stop"}
    (choice,) = json.loads(found["mlflow.spanOutputs"])["choices"]
    if kind in SHOWN:
        assert choice == {"index": 0, "message": {"role": "assistant", **SHOWN[kind]}, "finish_reason": "stop"}
    assert "c2VjcmV0" not in found["gen_ai.output.messages"] + found["mlflow.spanOutputs"]
    assert json.loads(found["mlflow.chat.tokenUsage"]) == {
        "input_tokens": 16, "output_tokens": 7, "total_tokens": 23,
        "cache_read_input_tokens": 3, "cache_creation_input_tokens": 2,
    }  # fmt: skip


@pytest.mark.parametrize("reason", STOPS)
def test_why_it_stopped(telemetry, provider, reason):
    finish, details = STOPS[reason]
    found = attributes_of(telemetry, provider, message([{"type": "text", "text": "So."}], reason, details))
    (answer,) = json.loads(found["gen_ai.output.messages"])
    parts = [{"type": "text", "content": "So."}, *([details] if details else [])]
    assert answer == {"role": "assistant", "parts": parts, "finish_reason": finish}
    assert found["gen_ai.response.finish_reasons"] == (reason,)
