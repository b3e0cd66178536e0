"""Google's readers, without the SDK: interactions."""

from __future__ import annotations

import pytest

from genspan.gemini import interactions
from genspan_semconv.model import Response, Usage
from tests.support.folding import folded

HI = {"type": "text", "content": "hi"}
SCHEMA = {"type": "OBJECT"}
BLOB = {"type": "blob", "modality": "image", "mime_type": "image/png", "content": "QUJD"}


def uri(where, modality, mime=None):
    found = {"type": "uri", "modality": modality, "uri": where}
    return found if mime is None else {**found, "mime_type": mime}


TEXT = {"type": "text", "text": "hi"}
STEP = {"type": "model_output", "content": [TEXT]}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (
            {
                "id": "i",
                "model": "m",
                "status": "completed",
                "usage": {"total_input_tokens": 9, "total_output_tokens": 4},
            },
            {"id": "i", "model": "m", "finish_reasons": ["completed"], "status": "completed", "usage": Usage(9, 4)},
        ),
        ({"status": "in_progress"}, {"status": "in_progress", "complete": False}),
        ({"status": "queued"}, {"status": "queued", "complete": False}),
        ({}, {"complete": False}),
        ({"status": "requires_action"}, {"finish_reasons": ["requires_action"], "status": "completed"}),
        ({"status": "requires_continuation"}, {"finish_reasons": ["requires_continuation"], "status": "incomplete"}),
        ({"status": "budget_exceeded"}, {"finish_reasons": ["budget_exceeded"], "status": "incomplete"}),
        ({"status": "idle"}, {"finish_reasons": ["idle"], "status": "completed"}),
        ({"status": "failed"}, {"finish_reasons": ["failed"], "status": "failed", "error": "failed"}),
        (
            {"status": "failed", "error": {"status": "S"}},
            {"finish_reasons": ["failed"], "status": "failed", "error": "S"},
        ),
        (
            {"status": "failed", "errors": [{"code": "a"}, {"code": "https://x/errors/b/"}]},
            {"finish_reasons": ["failed"], "status": "failed", "error": "b"},
        ),
        (
            {"status": "failed", "error": {"code": 13}},
            {"finish_reasons": ["failed"], "status": "failed", "error": "13"},
        ),
        (
            {"status": "failed", "error": {"message": "no"}},
            {"finish_reasons": ["failed"], "status": "failed", "error": "error"},
        ),
        ({"status": "completed", "errors": [{"code": "a"}]}, {"finish_reasons": ["completed"], "status": "completed"}),
        ({"agent": "a"}, {"requested_model": "a", "complete": False, "attributes": {"gen_ai.agent.name": "a"}}),
    ],
)
def test_interaction(data, expected):
    assert interactions.response(data) == Response(
        **{"attributes": {"gen_ai.agent.name": None}, "continuable": True, **expected}
    )


@pytest.mark.parametrize(
    ("item", "role", "parts"),
    [
        ({"role": "user", "content": "hi"}, "user", [HI]),
        ({"role": "model", "content": [TEXT]}, "assistant", [HI]),
        ({"type": "user_input", "content": [TEXT]}, "user", [HI]),
        (STEP, "assistant", [HI]),
        (TEXT, "user", [HI]),
        (
            {"type": "thought", "summary": [{"type": "text", "text": "hm"}, {"text": ""}]},
            "assistant",
            [{"type": "reasoning", "content": "hm"}],
        ),
        (
            {"type": "function_call", "name": "f", "arguments": {"x": 1}, "id": "c"},
            "assistant",
            [{"type": "tool_call", "name": "f", "arguments": {"x": 1}, "id": "c"}],
        ),
        (
            {"type": "function_result", "name": "f", "result": 42, "call_id": "c"},
            "tool",
            [{"type": "tool_call_response", "name": "f", "response": 42, "id": "c"}],
        ),
        ({"type": "image", "data": "QUJD", "mime_type": "image/png"}, "user", [BLOB]),
        ({"type": "video", "uri": "gs://v"}, "user", [uri("gs://v", "video")]),
        ({"type": "audio", "uri": "gs://a"}, "user", [uri("gs://a", "audio")]),
        ({"type": "document", "uri": "gs://d"}, "user", [uri("gs://d", "document")]),
        (
            {"type": "google_search_call", "id": "c", "arguments": {}},
            "assistant",
            [
                {
                    "type": "server_tool_call",
                    "name": "google_search",
                    "server_tool_call": {"type": "google_search_call", "id": "c", "arguments": {}},
                    "id": "c",
                }
            ],
        ),
        (
            {"type": "google_search_result", "call_id": "c"},
            "user",
            [
                {
                    "type": "server_tool_call_response",
                    "server_tool_call_response": {"type": "google_search_result", "call_id": "c"},
                    "id": "c",
                }
            ],
        ),
        ({"type": "new", "x": 1}, "user", [{"type": "new", "x": 1}]),
    ],
)
def test_items_of_an_interaction(item, role, parts):
    assert interactions.prompt({"input": [item]}).messages == [{"role": role, "parts": parts}]


def test_prompt_and_answer_of_an_interaction():
    tools = [{"type": "function", "name": "f", "description": "d", "parameters": SCHEMA}, {"type": "google_search"}]
    assert interactions.prompt({"system_instruction": "s", "input": "hi", "tools": tools}) == (
        [{"type": "text", "content": "s"}],
        [{"role": "user", "parts": [HI]}],
        [
            {"type": "function", "name": "f", "description": "d", "parameters": SCHEMA},
            {"type": "google_search", "name": "google_search"},
        ],
    )
    assert interactions.prompt({"input": TEXT}).messages == [{"role": "user", "parts": [HI]}]
    turns = [TEXT, TEXT, STEP, {"type": "function_call", "name": "f"}]
    assert [(one["role"], len(one["parts"])) for one in interactions.prompt({"input": turns}).messages] == [
        ("user", 2),
        ("assistant", 2),
    ]
    steps = [{"type": "user_input", "content": "no"}, STEP, {"type": "text", "text": "hi"}]
    assert interactions.answer({"steps": steps}) == [{"role": "assistant", "parts": [HI, HI]}]
    assert interactions.answer({"outputs": [TEXT]}) == [{"role": "assistant", "parts": [HI]}]
    assert interactions.answer({}) == []


@pytest.mark.parametrize("metadata_alone", [False, True])
def test_figures_of_a_streamed_interaction(metadata_alone):
    data = folded(
        interactions,
        {"event_type": "interaction.created", "interaction": {"id": "i", "model": "m", "status": "in_progress"}},
        {
            "event_type": "step.stop",
            "index": 0,
            "metadata": {"total_usage": {"total_input_tokens": 9, "total_output_tokens": 1}},
        },
        {"event_type": "step.stop", "index": 0, "metadata": {"usage": {"total_output_tokens": 2}}},
        {"event_type": "interaction.status_update", "status": "requires_action"},
        {"event_type": "interaction.completed", "interaction": {"usage": {"total_output_tokens": 4}, "model": ""}},
        metadata_alone=metadata_alone,
    )
    found = interactions.response(data)
    assert (found.id, found.model, found.status, found.usage) == ("i", "m", "completed", Usage(9, 4))
    assert found.finish_reasons == ["requires_action"]


def test_an_error_of_a_streamed_interaction():
    data = folded(interactions, {"error": {"code": "c"}}, {"event_type": "other", "status": "completed"})
    assert interactions.response(data).error == "c"
    assert interactions.response(data).status is None


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        (
            [
                {"index": 0, "step": {"type": "model_output"}},
                {"index": 0, "delta": {"type": "text", "text": "h"}},
                {"index": 0, "delta": {"type": "text", "text": "i"}},
            ],
            [HI],
        ),
        ([{"index": 0, "delta": {"type": "text", "text": "hi"}}], [HI]),
        (
            [
                {"index": 1, "delta": {"type": "text", "text": "hi"}},
                {"index": 0, "step": {"type": "thought"}},
                {"index": 0, "delta": {"type": "thought_summary", "content": {"text": "h"}}},
                {"index": 0, "delta": {"type": "thought_summary", "content": {"text": "m"}}},
            ],
            [{"type": "reasoning", "content": "hm"}, HI],
        ),
        (
            [
                {"index": 0, "step": {"type": "function_call", "name": "f", "id": "c"}},
                {"index": 0, "delta": {"type": "arguments_delta", "arguments": '{"x"'}},
                {"index": 0, "delta": {"type": "arguments_delta", "arguments": ":1}"}},
            ],
            [{"type": "tool_call", "name": "f", "arguments": {"x": 1}, "id": "c"}],
        ),
        (
            [{"index": 0, "delta": {"type": "function_call", "name": "f", "arguments": {"x": 1}, "id": "c"}}],
            [{"type": "tool_call", "name": "f", "arguments": {"x": 1}, "id": "c"}],
        ),
        (
            [
                {"index": 0, "delta": {"type": "text", "text": "hi"}},
                {"index": 0, "delta": {"type": "image", "data": "QUJD", "mime_type": "image/png"}},
            ],
            [HI, BLOB],
        ),
        ([{"delta": {"type": "text", "text": "hi"}}], None),
    ],
)
def test_steps_of_a_streamed_interaction(chunks, expected):
    messages = interactions.answer(folded(interactions, *chunks))
    assert messages == ([] if expected is None else [{"role": "assistant", "parts": expected}])
