"""Google's readers, without the SDK: streams, and calls whose arguments come in pieces."""

from __future__ import annotations

import pytest

from genspan.gemini import generate_content
from genspan.gemini.parts import read_contents
from genspan_semconv.model import Usage
from tests.support.folding import folded

HI = {"type": "text", "content": "hi"}
USAGE = {"promptTokenCount": 9, "candidatesTokenCount": 4, "totalTokenCount": 13}
RESULT = {"functionResponse": {"name": "f", "response": 1}}
CALL = {"functionCall": {"name": "f", "args": {"x": 1}}}


def candidate(reason=None, parts=({"text": "hi"},), **more):
    found = {"content": {"role": "model", "parts": list(parts)}, **more}
    return {**found, "finishReason": reason} if reason is not None else found


@pytest.mark.parametrize("metadata_alone", [False, True])
def test_a_stream(metadata_alone):
    data = folded(
        generate_content,
        {
            "responseId": "r",
            "modelVersion": "m",
            "candidates": [candidate(None, [{"text": "h"}])],
            "usageMetadata": {"promptTokenCount": 9},
        },
        {"responseId": "other", "modelVersion": "n", "candidates": [candidate(None, [{"text": "i"}])]},
        {
            "candidates": [candidate("STOP", [], finishMessage="why")],
            "usageMetadata": {"candidatesTokenCount": 4, "totalTokenCount": 13},
        },
        metadata_alone=metadata_alone,
    )
    found = generate_content.response(data)
    assert (found.id, found.model, found.finish_reasons, found.complete) == ("r", "n", ["STOP"], True)
    assert found.usage == Usage(9, 4, 13)
    parts = [] if metadata_alone else [HI]
    assert generate_content.answer(data) == [{"role": "assistant", "parts": parts, "finish_reason": "stop"}]


def test_candidates_of_a_stream():
    chunk = {"candidates": [candidate(None, [{"text": "b"}], index=1), candidate(None, [{"text": "a"}])]}
    data = folded(
        generate_content, chunk, chunk, {"candidates": [candidate("SAFETY", [], index=1), candidate("STOP", [])]}
    )
    assert generate_content.response(data).finish_reasons == ["STOP", "SAFETY"]
    assert [one["parts"][0]["content"] for one in generate_content.answer(data)] == ["aa", "bb"]


def test_an_error_or_a_block_inside_a_stream():
    assert (
        generate_content.response(folded(generate_content, {"error": {"status": "UNAVAILABLE"}})).error == "UNAVAILABLE"
    )
    blocked = folded(generate_content, {"promptFeedback": {"blockReason": "SAFETY"}}, {"usageMetadata": USAGE})
    assert generate_content.response(blocked).finish_reasons == ["SAFETY"]


def parts_of(*pieces):
    (message,) = generate_content.answer(
        folded(generate_content, *({"candidates": [candidate(None, [piece])]} for piece in pieces))
    )
    return message["parts"]


def partial(path=None, more=True, name=None, identity=None, **value):
    call = {"partialArgs": [{"jsonPath": path, **value}]} if path else {}
    if name:
        call["name"] = name
    if identity:
        call["id"] = identity
    return {"functionCall": {**call, "willContinue": True} if more else call}


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        ([{"text": "h"}, {"text": "i"}], [HI]),
        (
            [{"text": "h", "thought": True}, {"text": "m", "thought": True}, {"text": "hi"}],
            [{"type": "reasoning", "content": "hm"}, HI],
        ),
        ([{"text": "hi"}, CALL, {"text": "hi"}], [HI, {"type": "tool_call", "name": "f", "arguments": {"x": 1}}, HI]),
        (
            [
                partial(name="f", identity="c"),
                partial("$.x", stringValue="a"),
                partial("$.x", more=False, stringValue="b"),
            ],
            [{"type": "tool_call", "name": "f", "arguments": {"x": "ab"}, "id": "c"}],
        ),
        (
            [
                partial("$.a[0].b", name="f", numberValue=1),
                partial("$.a[1]['c d']", boolValue=True),
                partial('$.e["f"]', nullValue="NULL_VALUE"),
                partial(more=False),
            ],
            [{"type": "tool_call", "name": "f", "arguments": {"a": [{"b": 1}, {"c d": True}], "e": {"f": None}}}],
        ),
        (
            [
                partial(name="f", identity="c"),
                partial(name="g", identity="d"),
                partial("$.x", identity="c", numberValue=1),
                partial("$.y", identity="d", more=False, numberValue=2),
                partial(identity="c", more=False),
            ],
            [
                {"type": "tool_call", "name": "f", "arguments": {"x": 1}, "id": "c"},
                {"type": "tool_call", "name": "g", "arguments": {"y": 2}, "id": "d"},
            ],
        ),
        ([partial("x", name="f", numberValue=1)], [{"type": "tool_call", "name": "f", "arguments": {}}]),
        ([partial("$.x", name="f", otherValue=1)], [{"type": "tool_call", "name": "f", "arguments": {}}]),
        (
            [
                {
                    "functionCall": {
                        "name": "f",
                        "partial_args": [{"json_path": "$.x", "number_value": 1}],
                        "will_continue": True,
                    }
                }
            ],
            [{"type": "tool_call", "name": "f", "arguments": {"x": 1}}],
        ),
        ([CALL, {"functionCall": {}}], [{"type": "tool_call", "name": "f", "arguments": {"x": 1}}]),
        (
            [partial("$.x[5000]", name="f", numberValue=1)],
            [{"type": "tool_call", "name": "f", "arguments": {"x": []}}],
        ),
    ],
)
def test_pieces(pieces, expected):
    assert parts_of(*pieces) == expected


def test_a_streamed_call_that_a_chat_sends_back_is_one():
    pieces = [partial(name="f", identity="c"), partial("$.x", numberValue=1), partial(more=False)]
    contents = [
        {"role": "user", "parts": [{"text": "hi"}]},
        *({"role": "model", "parts": [piece]} for piece in pieces),
        {"role": "user", "parts": [RESULT]},
        {"role": "model", "parts": [{"text": "hi"}]},
    ]
    assert [(one["role"], len(one["parts"])) for one in read_contents(contents)] == [
        ("user", 1),
        ("assistant", 1),
        ("tool", 1),
        ("assistant", 1),
    ]
    assert read_contents(contents)[1]["parts"] == [{"type": "tool_call", "name": "f", "arguments": {"x": 1}, "id": "c"}]
