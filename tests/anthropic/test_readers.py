"""Anthropic's readers, without the SDK: blocks, messages, tools, events of a stream, batches, counts."""

from __future__ import annotations

import pytest

from genspan.anthropic import messages
from genspan.anthropic.batches import Results
from genspan.anthropic.parts import read_blocks, read_message, read_tools
from genspan.anthropic.text_completions import TextCompletions
from genspan.anthropic.token_count import TokenCount
from genspan_semconv.model import Response, Usage

HI = {"type": "text", "content": "hi"}
TEXT = {"type": "text", "text": "hi"}
TIER, SPEED = "anthropic.response.service_tier", "anthropic.response.speed"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"max_tokens": 7}, {"max_tokens": 7}),
        ({"max_tokens_to_sample": 7}, {"max_tokens": 7}),
        ({"temperature": 0}, {"temperature": 0.0}),
        ({"top_p": 0.5}, {"top_p": 0.5}),
        ({"top_k": 5}, {"top_k": 5}),
        ({"stop_sequences": ["x"]}, {"stop_sequences": ["x"]}),
        ({"stop_sequences": []}, {}),
        ({"output_config": {"effort": "low"}}, {"reasoning_level": "low"}),
        ({"output_config": {"format": {"type": "json_schema"}}}, {"output_type": "json"}),
        ({"output_format": {"type": "json_schema"}}, {"output_type": "json"}),
        ({"output_format": {"type": "text"}}, {}),
        ({"thread": {"previous_message_id": "p"}}, {"previous_response_id": "p"}),
        ({"service_tier": "auto"}, {"anthropic.request.service_tier": "auto"}),
        ({"speed": "fast"}, {"anthropic.request.speed": "fast"}),
        ({"temperature": "hot", "max_tokens": 1.5, "speed": 1}, {}),
    ],
)
def test_params(body, expected):
    assert messages.params(body) == expected
    assert TextCompletions.params(body) == expected


def made(**fields):
    return Response(**{"complete": False, "attributes": {TIER: None, SPEED: None}, **fields})


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (
            {
                "id": "m",
                "model": "c",
                "stop_reason": "end_turn",
                "usage": {"input_tokens": 9, "output_tokens": 4, "service_tier": "priority", "speed": "fast"},
            },
            made(
                id="m",
                model="c",
                finish_reasons=["end_turn"],
                usage=Usage(9, 4),
                complete=True,
                final=True,
                attributes={TIER: "priority", SPEED: "fast"},
            ),
        ),
        ({}, made()),
        ({"stop_reason": "error"}, made(finish_reasons=["error"], complete=True, final=True, error="error")),
        ({"type": "error", "error": {"type": "overloaded_error"}}, made(error="overloaded_error")),
        (
            {
                "usage": {
                    "iterations": [{"type": "message"}, {"type": "compaction", "input_tokens": 3}],
                    "input_tokens": 9,
                }
            },
            made(usage=Usage(9, additional={"compaction": (3, None)}), compacted=True),
        ),
        (
            {"usage": {"input_tokens": 9}, "declined": [{"input_tokens": 5, "output_tokens": 1}]},
            made(usage=Usage(9, additional={"fallback": (5, 1)})),
        ),
    ],
)
def test_response(data, expected):
    assert messages.response(data) == expected


def source(**fields):
    return {"type": "image", "source": fields}


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ("hi", [HI]),
        (TEXT, [HI]),
        ({**TEXT, "citations": [{"url": "u"}]}, [{**HI, "citations": [{"url": "u"}]}]),
        ({**TEXT, "cache_control": {"type": "ephemeral"}}, [{**HI, "cache_control": {"type": "ephemeral"}}]),
        ({**TEXT, "citations": [{"url": "u", "encrypted_index": "x"}]}, [{**HI, "citations": [{"url": "u"}]}]),
        ({**TEXT, "citations": []}, [HI]),
        (
            source(type="base64", media_type="image/png", data="QUJD"),
            [{"type": "blob", "modality": "image", "mime_type": "image/png", "content": "QUJD"}],
        ),
        (source(type="url", url="https://h/a"), [{"type": "uri", "modality": "image", "uri": "https://h/a"}]),
        (source(type="file", file_id="f"), [{"type": "file", "modality": "image", "file_id": "f"}]),
        (
            {"type": "document", "title": "t", "context": "c", "source": {"type": "text", "data": "hi"}},
            [{**HI, "title": "t", "context": "c"}],
        ),
        (
            {"type": "document", "title": "t", "source": {"type": "content", "content": [TEXT, TEXT]}},
            [HI, {**HI, "title": "t"}],
        ),
        ({"type": "document", "source": {"type": "content", "content": "hi"}}, [HI]),
        ({"type": "container_upload", "file_id": "f"}, [{"type": "file", "modality": "document", "file_id": "f"}]),
        ({"type": "thinking", "thinking": "hm", "signature": "x"}, [{"type": "reasoning", "content": "hm"}]),
        ({"type": "redacted_thinking", "data": "x"}, [{"type": "reasoning", "content": "", "redacted": True}]),
        (
            {"type": "tool_use", "id": "c", "name": "f", "input": {"x": 1}},
            [{"type": "tool_call", "name": "f", "arguments": {"x": 1}, "id": "c"}],
        ),
        (
            {"type": "tool_use", "name": "f", "input": '{"x": 1}'},
            [{"type": "tool_call", "name": "f", "arguments": {"x": 1}}],
        ),
        (
            {"type": "tool_result", "tool_use_id": "c", "content": "42"},
            [{"type": "tool_call_response", "response": "42", "id": "c"}],
        ),
        (
            {"type": "tool_result", "tool_use_id": "c", "content": [TEXT, TEXT], "is_error": True},
            [{"type": "tool_call_response", "response": "hihi", "is_error": True, "id": "c"}],
        ),
        (
            {"type": "tool_result", "content": [TEXT, source(type="url", url="u")], "is_error": False},
            [{"type": "tool_call_response", "response": [HI, {"type": "uri", "modality": "image", "uri": "u"}]}],
        ),
        (
            {"type": "tool_result", "content": [{**TEXT, "cache_control": {"type": "ephemeral"}}]},
            [{"type": "tool_call_response", "response": [{**HI, "cache_control": {"type": "ephemeral"}}]}],
        ),
        (
            {"type": "tool_result", "content": "42", "cache_control": {"type": "ephemeral"}},
            [{"type": "tool_call_response", "response": "42", "cache_control": {"type": "ephemeral"}}],
        ),
        *(
            (
                {"type": kind, "id": "c", "name": "web_search", "input": {"q": "x"}},
                [
                    {
                        "type": "server_tool_call",
                        "name": "web_search",
                        "server_tool_call": {"type": kind, "name": "web_search", "input": {"q": "x"}},
                        "id": "c",
                    }
                ],
            )
            for kind in ("server_tool_use", "mcp_tool_use")
        ),
        (
            {"type": "web_search_tool_result", "tool_use_id": "c", "content": [{"url": "u", "encrypted_content": "x"}]},
            [
                {
                    "type": "server_tool_call_response",
                    "server_tool_call_response": {"type": "web_search_tool_result", "content": [{"url": "u"}]},
                    "id": "c",
                }
            ],
        ),
        ({"type": "compaction", "content": "short"}, [{"type": "compaction", "content": "short"}]),
        (
            {"type": "new", "encrypted_x": 1, "source": {"type": "base64", "media_type": "m", "data": "QUJD"}},
            [{"type": "new", "source": {"type": "blob", "modality": "document", "mime_type": "m", "content": "QUJD"}}],
        ),
        ({"type": "blob", "x": 1}, [{"type": "anthropic_blob", "x": 1}]),
        ({}, [{"type": "unknown"}]),
    ],
)
def test_blocks(block, expected):
    assert read_blocks([block]) == expected


@pytest.mark.parametrize(
    ("content", "expected"), [("hi", [HI]), ("", []), (None, []), ([], []), ([TEXT, "hi"], [HI, HI])]
)
def test_contents(content, expected):
    assert read_blocks(content) == expected


RESULT = {"type": "tool_result", "tool_use_id": "c", "content": "42"}


@pytest.mark.parametrize(
    ("message", "role"),
    [
        ({"role": "user", "content": "hi"}, "user"),
        ({"role": "assistant", "content": "hi"}, "assistant"),
        ({"content": "hi"}, "assistant"),
        ({"role": "user", "content": [RESULT, RESULT]}, "tool"),
        ({"role": "user", "content": [RESULT, TEXT]}, "user"),
        ({"role": "user", "content": []}, "user"),
    ],
)
def test_roles(message, role):
    assert read_message(message)["role"] == role


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            {"tools": [{"name": "f", "description": "d", "input_schema": {"type": "object"}}]},
            [{"type": "function", "name": "f", "description": "d", "parameters": {"type": "object"}}],
        ),
        ({"tools": [{"type": "custom", "name": "f"}]}, [{"type": "function", "name": "f"}]),
        (
            {"tools": [{"type": "web_search_20250305", "name": "web_search"}]},
            [{"type": "web_search_20250305", "name": "web_search"}],
        ),
        ({"tools": [{"type": "x"}]}, [{"type": "x", "name": "x"}]),
        ({"tools": [{"type": "mcp_toolset", "mcp_server_name": "s"}]}, [{"type": "mcp_toolset", "name": "s"}]),
        (
            {"mcp_servers": [{"type": "url", "name": "s", "url": "u"}, {"name": "t"}]},
            [{"type": "mcp", "name": "s"}, {"type": "mcp", "name": "t"}],
        ),
        ({}, []),
    ],
)
def test_tools(body, expected):
    assert read_tools(body) == expected


def test_prompt():
    body = {"system": [TEXT], "messages": [{"role": "user", "content": "hi"}], "tools": [{"name": "f"}]}
    expected = ([HI], [{"role": "user", "parts": [HI]}], [{"type": "function", "name": "f"}])
    assert messages.prompt(body) == TokenCount().prompt(body) == expected
    assert messages.prompt({"system": "hi"}) == ([HI], [], [])
    assert TextCompletions().prompt({"prompt": "hi"}) == ([], [{"role": "user", "parts": [HI]}], [])


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("tool_use", "tool_call"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("refusal", "content_filter"),
        ("pause_turn", "pause_turn"),
        ("compaction", "compaction"),
    ],
)
def test_finish_reasons(reason, expected):
    assert messages.answer({"content": [TEXT], "stop_reason": reason}) == [
        {"role": "assistant", "parts": [HI], "finish_reason": expected}
    ]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"content": [TEXT]}, [{"role": "assistant", "parts": [HI]}]),
        ({"stop_reason": "end_turn"}, [{"role": "assistant", "parts": [], "finish_reason": "stop"}]),
        ({"content": []}, []),
        (
            {"content": [], "stop_reason": "refusal", "stop_details": {"category": "cyber", "encrypted_x": 1}},
            [
                {
                    "role": "assistant",
                    "parts": [{"type": "stop_details", "category": "cyber"}],
                    "finish_reason": "content_filter",
                }
            ],
        ),
    ],
)
def test_answer(data, expected):
    assert messages.answer(data) == expected


def test_text_completions():
    api = TextCompletions()
    data = {"completion": "hi", "stop_reason": "stop_sequence", "model": "c"}
    assert api.answer(data) == [{"role": "assistant", "parts": [HI], "finish_reason": "stop"}]
    assert api.answer({"content": [TEXT]}) == [{"role": "assistant", "parts": [HI]}]
    assert api.response(data) == made(model="c", finish_reasons=["stop_sequence"], complete=True, final=True)


def result(usage=None, model="c", kind="succeeded"):
    message = {"model": model, "usage": usage} if usage is not None else None
    return {"custom_id": "1", "result": {"type": kind, "message": message}}


def test_results_of_a_batch():
    api = Results(lambda number: number != 1)
    fold = api.Fold()
    for line in (
        result({"input_tokens": 9, "output_tokens": 4}),
        result({"input_tokens": 100, "output_tokens": 100}),  # counted by an earlier reading
        result({"input_tokens": 1, "output_tokens": 2}),
        result(kind="errored"),
        {"result": {}},
    ):
        fold.metadata(line)
        fold.content(line)
    assert api.response(fold.data()) == Response(
        model="c",
        usage=Usage(10, 6),
        operation="chat",
        attributes={TIER: "batch"},
        summary={"succeeded": 3, "errored": 1, "unknown": 1},
    )
    assert api.params({"id": "b"}) == {"response_id": "b"}


def test_results_of_two_models_or_of_none():
    api = Results(lambda number: True)
    fold = api.Fold()
    fold.metadata(result({"input_tokens": 9}))
    fold.metadata(result({"input_tokens": 9}, model="d"))
    assert api.response(fold.data()).model is None
    assert api.response(fold.data()).usage == Usage(18)
    nothing = Results(lambda number: False)
    fold = nothing.Fold()
    fold.metadata(result({"input_tokens": 9}))
    assert nothing.response(fold.data()) == Response(attributes={TIER: None}, summary={"succeeded": 1})


def test_count_of_tokens():
    assert TokenCount().response({"input_tokens": 0}) == Response(summary={"input_tokens": 0})
    assert TokenCount().response({}) == Response()
