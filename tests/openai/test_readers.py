"""OpenAI's own readers, without the SDK: the Responses API, its events, jobs, agents and judgements."""

from __future__ import annotations

import pytest

from genspan.openai import chat, responses
from genspan.openai.agents import Turn
from genspan.openai.jobs import Job
from genspan.openai.judgements import Decisions, Moderation, TokenCount
from genspan_semconv.model import Response, Usage
from tests.support.folding import folded

USAGE = {
    "input_tokens": 9,
    "input_tokens_details": {"cached_tokens": 2},
    "output_tokens": 4,
    "output_tokens_details": {"reasoning_tokens": 3},
    "total_tokens": 13,
}
READ = Usage(9, 4, 13, cache_read=2, reasoning=3)
HI = {"type": "text", "content": "hi"}
SAID = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "hi"}]}
CALL = {"type": "function_call", "id": "i", "call_id": "c", "name": "f", "arguments": '{"x":1}'}
CALLED = {"type": "tool_call", "name": "f", "arguments": {"x": 1}, "id": "c"}
TIER = "openai.response.service_tier"


def made(**fields):
    return Response(**{"attributes": {TIER: None}, "continuable": True, **fields})


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (
            {"id": "r", "model": "m", "status": "completed", "usage": USAGE, "service_tier": "flex"},
            made(
                id="r",
                model="m",
                finish_reasons=["completed"],
                status="completed",
                usage=READ,
                final=True,
                attributes={TIER: "flex"},
            ),
        ),
        (
            {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}, "usage": USAGE},
            made(finish_reasons=["max_output_tokens"], status="incomplete", usage=READ, final=True),
        ),
        ({"status": "incomplete"}, made(finish_reasons=["incomplete"], status="incomplete", final=True)),
        (
            {"status": "completed", "incomplete_details": {"reason": "x"}},
            made(finish_reasons=["completed"], status="completed", final=True),
        ),
        (
            {"status": "failed", "error": {"code": "server_error"}, "usage": USAGE},
            made(finish_reasons=["failed"], status="failed", usage=READ, final=True, error="server_error"),
        ),
        ({"status": "failed"}, made(finish_reasons=["failed"], status="failed", final=True, error="failed")),
        ({"status": "cancelled"}, made(finish_reasons=["cancelled"], status="cancelled", final=True)),
        ({"status": "queued"}, made(status="queued", complete=False)),
        ({"status": "in_progress"}, made(status="in_progress", complete=False)),
        ({"status": "unknown"}, made(finish_reasons=["unknown"])),
        ({"background": True, "status": "queued"}, made(status="queued", complete=False, operation="chat")),
        ({"background": False}, made(complete=False)),
        ({"conversation": {"id": "c"}}, made(complete=False, conversation_id="c")),
        ({"output": [{"type": "compaction"}]}, made(complete=False, compacted=True)),
        ({"output": [SAID]}, made(complete=False)),
        ({}, made(complete=False)),
    ],
)
def test_response(data, expected):
    assert responses.response(data) == expected


def test_params():
    body = {"max_output_tokens": 5, "service_tier": "priority"}
    assert responses.params(body) == {
        "openai.api.type": "responses",
        "max_tokens": 5,
        "openai.request.service_tier": "priority",
    }
    assert chat.params({"service_tier": "auto"}) == {"openai.api.type": "chat_completions"}
    for tier in ("default", "flex", "priority", "scale"):
        assert chat.Completions().params({"service_tier": tier}) == {"openai.request.service_tier": tier}


@pytest.mark.parametrize(
    ("item", "role", "parts"),
    [
        ({"role": "user", "content": "hi"}, "user", [HI]),
        (
            {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "hi"}]},
            "developer",
            [HI],
        ),
        (SAID, "assistant", [HI]),
        ({"content": "hi"}, "assistant", [HI]),
        (CALL, "assistant", [CALLED]),
        (
            {"type": "custom_tool_call", "call_id": "c", "name": "f", "input": "free"},
            "assistant",
            [{**CALLED, "arguments": "free"}],
        ),
        (
            {"type": "function_call_output", "call_id": "c", "output": "42"},
            "tool",
            [{"type": "tool_call_response", "id": "c", "response": "42"}],
        ),
        (
            {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_text", "text": "42"}]},
            "tool",
            [{"type": "tool_call_response", "id": "c", "response": "42"}],
        ),
        (
            {"type": "shell_call_output", "call_id": "c", "id": "i", "status": "completed", "stdout": "42"},
            "tool",
            [{"type": "tool_call_response", "id": "c", "response": {"stdout": "42"}}],
        ),
        (
            {"type": "function_call_output", "role": "user", "output": "42"},
            "tool",
            [{"type": "tool_call_response", "id": "", "response": "42"}],
        ),
        (
            {"type": "reasoning", "summary": [{"text": "h"}], "content": [{"text": "m"}], "encrypted_content": "x"},
            "assistant",
            [{"type": "reasoning", "content": "h"}, {"type": "reasoning", "content": "m"}],
        ),
        ({"type": "compaction", "id": "i", "encrypted_content": "x"}, "assistant", [{"type": "compaction", "id": "i"}]),
        (
            {"type": "web_search_call", "id": "i", "action": {"query": "q"}},
            "assistant",
            [
                {
                    "type": "server_tool_call",
                    "name": "web_search_call",
                    "id": "i",
                    "server_tool_call": {"type": "web_search_call", "id": "i", "action": {"query": "q"}},
                }
            ],
        ),
        ({"type": "new", "x": 1}, "assistant", [{"type": "new", "x": 1}]),
    ],
)
def test_items(item, role, parts):
    assert responses.prompt({"input": [item]}).messages == [{"role": role, "parts": parts}]


def test_prompt():
    body = {"instructions": "s", "input": "hi", "tools": [{"type": "function", "name": "f"}]}
    assert responses.prompt(body) == (
        [{"type": "text", "content": "s"}],
        [{"role": "user", "parts": [HI]}],
        [{"type": "function", "name": "f"}],
    )
    turns = [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}, SAID, CALL, {"type": "reasoning"}]
    assert [(one["role"], len(one["parts"])) for one in responses.prompt({"input": turns}).messages] == [
        ("user", 2),
        ("assistant", 2),
    ]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"status": "completed", "output": [SAID]}, [{"role": "assistant", "parts": [HI], "finish_reason": "stop"}]),
        (
            {"status": "completed", "output": [SAID, CALL]},
            [{"role": "assistant", "parts": [HI, CALLED], "finish_reason": "tool_call"}],
        ),
        (
            {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}, "output": [SAID, CALL]},
            [{"role": "assistant", "parts": [HI, CALLED], "finish_reason": "length"}],
        ),
        (
            {"status": "incomplete", "incomplete_details": {"reason": "content_filter"}, "output": [SAID]},
            [{"role": "assistant", "parts": [HI], "finish_reason": "content_filter"}],
        ),
        ({"status": "failed", "output": [SAID]}, [{"role": "assistant", "parts": [HI], "finish_reason": "error"}]),
        ({"status": "in_progress", "output": [SAID]}, [{"role": "assistant", "parts": [HI]}]),
        ({"status": "completed", "output": []}, []),
    ],
)
def test_answer(data, expected):
    assert responses.answer(data) == expected


CREATED = {"type": "response.created", "response": {"id": "r", "model": "m", "status": "in_progress", "output": []}}


@pytest.mark.parametrize("metadata_alone", [False, True])
def test_the_last_event_has_it_all(metadata_alone):
    last = {"id": "r", "model": "m", "status": "completed", "usage": USAGE, "output": [SAID], "error": None}
    data = folded(responses, CREATED, {"type": "response.completed", "response": last}, metadata_alone=metadata_alone)
    assert responses.response(data) == made(
        id="r", model="m", finish_reasons=["completed"], status="completed", usage=READ, final=True
    )
    assert responses.answer(data) == [{"role": "assistant", "parts": [HI], "finish_reason": "stop"}]


@pytest.mark.parametrize(
    ("events", "parts"),
    [
        ([("output_text", "h"), ("output_text", "i")], [HI]),
        ([("refusal", "n"), ("refusal", "o")], [{"type": "refusal", "content": "no"}]),
        ([("reasoning_summary_text", "h"), ("reasoning_summary_text", "m")], [{"type": "reasoning", "content": "hm"}]),
        ([("output_audio_transcript", "h"), ("audio_transcript", "i")], [HI]),
    ],
)
@pytest.mark.parametrize("done", [False, True])
def test_pieces(events, parts, done):
    chunks = [{"type": f"response.{kind}.delta", "output_index": 0, "delta": delta} for kind, delta in events]
    kind, joined = events[-1][0], "".join(delta for _, delta in events)
    if done:
        field = "refusal" if kind == "refusal" else "transcript" if "transcript" in kind else "text"
        chunks.append({"type": f"response.{kind}.done", "output_index": 0, field: joined})
    (message,) = responses.answer(folded(responses, CREATED, *chunks))
    assert message["parts"] == parts


@pytest.mark.parametrize("whole", ["item", "arguments", "pieces"])
def test_arguments_in_pieces(whole):
    events = [{"type": "response.output_item.added", "output_index": 0, "item": {**CALL, "arguments": ""}}]
    delta = {"type": "response.function_call_arguments.delta", "output_index": 0, "item_id": "i"}
    events += [{**delta, "delta": piece} for piece in ('{"x"', ":1}")]
    if whole == "arguments":
        done = {"type": "response.function_call_arguments.done", "item_id": "i", "output_index": 0}
        events.append({**done, "arguments": '{"x":1}'})
    if whole == "item":
        events.append({"type": "response.output_item.done", "output_index": 0, "item": CALL})
    (message,) = responses.answer(folded(responses, CREATED, *events))
    assert message["parts"] == [CALLED]


def test_items_without_index_or_id():
    events = [
        {"type": "response.output_item.added", "item": {"type": "message", "role": "assistant"}},
        {"type": "response.output_text.delta", "delta": "hi"},
        {"type": "response.output_item.added", "item": {**CALL, "id": None, "arguments": ""}},
        {"type": "response.function_call_arguments.delta", "delta": '{"x":1}'},
    ]
    (message,) = responses.answer(folded(responses, *events))
    assert message["parts"] == [HI, CALLED]


def test_parts_of_an_item_in_their_order():
    delta = {"type": "response.output_text.delta", "output_index": 1, "item_id": "i"}
    events = [{**delta, "content_index": 1, "delta": "b"}, {**delta, "content_index": 0, "delta": "a"}]
    events += [{"type": "response.reasoning_text.delta", "output_index": 0, "delta": "hm"}]
    (message,) = responses.answer(folded(responses, *events))
    assert [part["content"] for part in message["parts"]] == ["hm", "a", "b"]


def test_what_the_last_event_leaves_out_is_filled_in():
    events = [
        {
            "type": "response.output_item.added",
            "output_index": 0,
            "item": {"type": "message", "id": "i", "role": "user"},
        },
        {"type": "response.output_text.delta", "output_index": 0, "item_id": "i", "delta": "hi"},
        {
            "type": "response.completed",
            "response": {"status": "completed", "output": [{"type": "message", "id": "i", "content": []}]},
        },
    ]
    data = folded(responses, *events)
    assert data["output"] == [
        {"type": "message", "id": "i", "role": "user", "content": [{"type": "output_text", "text": "hi"}]}
    ]


@pytest.mark.parametrize(
    ("events", "error"),
    [
        ([{"type": "error", "code": "c", "message": "no"}], "c"),
        ([{"type": "error", "error": {"code": "c"}}], "c"),
        ([{"type": "response.failed", "response": {"status": "failed", "error": {"code": "c"}}}], "c"),
        ([{"type": "response.output_text.delta", "delta": "error"}], None),
    ],
)
def test_errors_of_a_stream(events, error):
    assert responses.response(folded(responses, CREATED, *events)).error == error


def test_usage_of_a_stream_is_cumulative():
    events = [
        {"response": {"usage": {"input_tokens": 9, "output_tokens": 1}}},
        {"response": {"usage": None}},
        {"response": {"usage": {"output_tokens": 4}}},
    ]
    assert responses.response(folded(responses, CREATED, *events)).usage == Usage(9, 4)
    assert responses.response(folded(responses, CREATED, *events)).model == "m"


def test_chat_says_which_tier_and_backend():
    found = chat.response({"service_tier": "flex", "system_fingerprint": "fp"})
    assert found.attributes == {
        "openai.response.service_tier": "flex",
        "openai.response.system_fingerprint": "fp",
    }


def test_gemini_behind_openais_form():
    usage = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 18}
    assert chat.Gemini().response({"usage": usage}).usage == Usage(9, 9, 18, reasoning=5)
    assert chat.Gemini().response({}).usage is None
    assert chat.response({"usage": usage}).usage == Usage(9, 4, 18)


def test_text_completions():
    api = chat.Completions()
    assert api.prompt({"prompt": ["hi", "hi"]}).messages == [{"role": "user", "parts": [HI]}] * 2
    assert api.prompt({"prompt": [1, 2]}).messages == []
    answer = {"choices": [{"text": "hi", "finish_reason": "length"}]}
    assert api.answer(answer) == [{"role": "assistant", "parts": [HI], "finish_reason": "length"}]
    assert api.response(answer).finish_reasons == ["length"]
    assert api.params({"max_tokens": 5}) == {"max_tokens": 5}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (
            {"id": "b", "status": "completed", "endpoint": "/v1/chat/completions", "model": "m", "usage": USAGE},
            Response("b", "m", usage=READ, status="completed", operation="chat"),
        ),
        ({"status": "in_progress", "usage": USAGE}, Response(status="in_progress", operation="chat")),
        ({"status": "validating"}, Response(status="queued", operation="chat")),
        ({"status": "finalizing"}, Response(status="in_progress", operation="chat")),
        ({"status": "cancelling", "usage": USAGE}, Response(status="in_progress", operation="chat")),
        ({"status": "canceled", "usage": USAGE}, Response(status="cancelled", usage=READ, operation="chat")),
        ({"status": "expired", "usage": USAGE}, Response(status="failed", usage=READ, operation="chat")),
        ({"status": "failed", "error": {"code": "c"}}, Response(status="failed", error="c", operation="chat")),
        ({"status": "queued"}, Response(status="queued", operation="chat")),
        ({"endpoint": "/v1/embeddings"}, Response(operation="embeddings")),
        ({"endpoint": "/v1/completions"}, Response(operation="text_completion")),
        ({"endpoint": "/v1/images/generations"}, Response(operation="generate_content")),
        ({"endpoint": "/v1/moderations"}, Response(operation="moderation")),
        ({"endpoint": "/v1/responses"}, Response(operation="chat")),
        (
            {
                "status": "completed",
                "per_model_usage": [
                    {"model_name": "m", "prompt_tokens": 5, "completion_tokens": 1, "total_tokens": 6},
                    {"model_name": "n", "prompt_tokens": 4, "completion_tokens": 3, "total_tokens": 7},
                ],
            },
            Response(status="completed", usage=Usage(9, 4, 13), operation="chat"),
        ),
        (
            {"status": "completed", "per_model_usage": [{"model_name": "m", "prompt_tokens": 5}]},
            Response(model="m", status="completed", usage=Usage(5), operation="chat"),
        ),
    ],
)
def test_jobs(data, expected):
    assert Job().response(data) == expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"id": "t", "status": "completed", "usage": USAGE}, Response("t", usage=READ)),
        ({"status": "failed"}, Response(error="failed")),
        ({"status": "failed", "error": {"code": "c"}}, Response(error="c")),
        ({"status": "cancelled"}, Response()),
    ],
)
def test_turns(data, expected):
    assert Turn().response(data) == expected


def test_judgements():
    assert Moderation().response({"model": "m", "results": [{"flagged": False}, {"flagged": True}]}) == Response(
        model="m", summary={"flagged": True}
    )
    assert Moderation().response({"results": [{"flagged": False}]}).summary == {"flagged": False}
    assert Moderation().response({"error": {"code": "c"}}) == Response(error="c")
    assert Moderation().prompt({"input": ["hi", "hi"]}).messages == [{"role": "user", "parts": [HI]}] * 2
    assert TokenCount().response({"input_tokens": 0, "model": "m"}) == Response(model="m", summary={"input_tokens": 0})
    assert TokenCount().response({"error": {"code": "c"}}) == Response(error="c")
    assert TokenCount().params({"max_output_tokens": 5}) == {"max_tokens": 5}
    assert TokenCount().prompt({"input": "hi"}).messages == [{"role": "user", "parts": [HI]}]


def test_decisions():
    api = Decisions()
    assert api.params({}) == {"output_type": "json"}
    assert api.prompt({"instructions": "s", "input": "hi"}) == (
        [{"type": "text", "content": "s"}],
        [{"role": "user", "parts": [HI]}],
        [],
    )
    assert api.prompt({"input": [{"role": "user", "content": "hi"}]}).messages == [{"role": "user", "parts": [HI]}]
    result = {"type": "function_call_output", "call_id": "c", "output": "42"}
    assert [one["role"] for one in api.prompt({"input": [result]}).messages] == ["tool"]
    assert api.answer({"answers": [{"type": "predicate", "value": True}]}) == [
        {"role": "assistant", "parts": [{"type": "predicate", "value": True}], "finish_reason": "stop"}
    ]
    assert api.answer({}) == []
