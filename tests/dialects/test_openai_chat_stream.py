"""Streams of OpenAI's chat form: pieces of text and tool calls, usage, errors, choices."""

from __future__ import annotations

import pytest

from genspan.dialects import openai_chat
from genspan_semconv.model import Response, Usage
from tests.support.folding import folded

USAGE = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}

HI = {"type": "text", "content": "hi"}


def piece(delta=None, index=0, finish=None, **more):
    return {"choices": [{"index": index, "delta": delta or {}, "finish_reason": finish}], **more}


@pytest.mark.parametrize("metadata_alone", [False, True])
def test_figures_of_a_stream(metadata_alone):
    data = folded(
        openai_chat,
        piece({"role": "assistant", "content": ""}, id="r", model="m", service_tier=None),
        piece({"content": "h"}, id="later", service_tier="flex"),
        piece({"content": "i"}, system_fingerprint="fp", model=""),
        piece({}, finish="stop"),
        {"choices": [], "usage": USAGE},
        metadata_alone=metadata_alone,
    )
    assert data["id"] == "r"
    assert {name: data[name] for name in ("model", "service_tier", "system_fingerprint")} == {
        "model": "m",
        "service_tier": "flex",
        "system_fingerprint": "fp",
    }
    assert openai_chat.response(data) == Response(
        "r", "m", finish_reasons=["stop"], usage=Usage(9, 4, 13), complete=True, final=True
    )
    assert openai_chat.answer(data) == [
        {"role": "assistant", "parts": [] if metadata_alone else [HI], "finish_reason": "stop"}
    ]


@pytest.mark.parametrize(
    ("chunks", "usage"),
    [
        ([{"usage": {"prompt_tokens": 9, "completion_tokens": 1}}, {"usage": {"completion_tokens": 4}}], Usage(9, 4)),
        ([{"x_groq": {"usage": USAGE}}], Usage(9, 4, 13)),
        ([{"usage": USAGE}, {"usage": None}], Usage(9, 4, 13)),
        ([piece({"content": "a"}, usage=USAGE)], Usage(9, 4, 13)),
        ([{"choices": [{"index": 0, "usage": USAGE}]}], Usage(9, 4, 13)),
        (
            [
                {"choices": [{"index": 0, "usage": USAGE}]},
                {"choices": [{"index": 0, "usage": {**USAGE, "completion_tokens": 6}}]},
                {"choices": [{"index": 1, "usage": USAGE}]},
            ],
            Usage(9, 10),
        ),
        ([piece({"content": "a"}), {"timings": {"prompt_n": 6, "predicted_n": 4}}], Usage(6, 4)),
        ([], None),
    ],
)
def test_usage_of_a_stream(chunks, usage):
    assert openai_chat.response(folded(openai_chat, *chunks)).usage == usage


@pytest.mark.parametrize(
    ("chunks", "error"),
    [
        ([piece({"content": "a"}), {"error": {"code": "overloaded"}}], "overloaded"),
        ([piece({"content": "a"}), {"error": {"code": "a"}}, {"error": {"code": "b"}}], "a"),
        ([{"choices": [{"index": 0, "delta": {}, "error": {"code": 502}}]}], "502"),
        ([{"x_groq": {"error": "over_capacity"}}], "over_capacity"),
        ([{"object": "error", "message": "no", "code": 400}], "400"),
        ([piece({"content": "a"}, error={"code": "c"})], "c"),
        ([piece({}, finish="error")], "error"),
        ([piece({"content": "a"}, finish="stop")], None),
    ],
)
def test_error_of_a_stream(chunks, error):
    assert openai_chat.response(folded(openai_chat, *chunks)).error == error


def test_several_choices_of_a_stream():
    chunk = {"choices": [{"index": index, "delta": {"content": str(index)}} for index in (1, 0)]}
    data = folded(openai_chat, chunk, chunk, piece({}, 1, "length"), piece({}, 0, "stop"))
    assert openai_chat.response(data).finish_reasons == ["stop", "length"]
    assert [(one["parts"][0]["content"], one["finish_reason"]) for one in openai_chat.answer(data)] == [
        ("00", "stop"),
        ("11", "length"),
    ]


def test_an_index_that_counts_chunks_is_no_choice():
    data = folded(openai_chat, piece({"content": "h"}, 0), piece({"content": "i"}, 1), piece({}, 2, "stop"))
    assert openai_chat.answer(data) == [{"role": "assistant", "parts": [HI], "finish_reason": "stop"}]
    assert openai_chat.response(data).finish_reasons == ["stop"]


@pytest.mark.parametrize(
    "chunks",
    [
        [piece({"content": "h"}, 0, "stop"), piece({"content": "i"}, 1, "stop")],
        [piece({"content": "h"}, 0), piece({"content": "i"}, 2, "stop")],
        [{"choices": [{"index": 0, "delta": {"content": "h"}}, {"index": 1, "delta": {"content": "i"}}]}],
        [piece({"content": "h"}, 0), piece({}, 0), piece({"content": "i"}, 1, "stop")],
    ],
)
def test_choices_are_choices(chunks):
    assert [one["parts"][0]["content"] for one in openai_chat.answer(folded(openai_chat, *chunks))] == ["h", "i"]


@pytest.mark.parametrize(
    ("deltas", "expected"),
    [
        ([{"content": "h"}, {"content": "i"}], [HI]),
        ([{"content": "hi"}], [HI]),
        ([{"refusal": "n"}, {"refusal": "o"}], [{"type": "refusal", "content": "no"}]),
        ([{"reasoning_content": "h"}, {"reasoning_content": "m"}], [{"type": "reasoning", "content": "hm"}]),
        ([{"reasoning": "h"}, {"reasoning": "m"}], [{"type": "reasoning", "content": "hm"}]),
        (
            [{"reasoning_details": [{"text": "h"}]}, {"reasoning_details": [{"summary": "m"}]}],
            [{"type": "reasoning", "content": "hm"}],
        ),
        (
            [{"audio": {"transcript": "h", "data": "QU"}}, {"audio": {"transcript": "i", "data": "JD"}}],
            [HI, {"type": "blob", "modality": "audio", "content": "QUJD"}],
        ),
        (
            [{"images": [{"url": "https://h/a"}]}, {"images": [{"url": "https://h/a"}, {"url": "https://h/b"}]}],
            [
                {"type": "uri", "modality": "image", "uri": "https://h/a"},
                {"type": "uri", "modality": "image", "uri": "https://h/b"},
            ],
        ),
        (
            [{"content": "h"}, {"content": "i", "annotations": [1]}, {"annotations": [2]}],
            [{**HI, "annotations": [1, 2]}],
        ),
        ([{"content": [{"type": "text", "text": "h"}]}, {"content": ["i"]}], [HI]),
        (
            [
                {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "h"}]}]},
                {"content": [{"type": "thinking", "thinking": "m"}]},
            ],
            [{"type": "reasoning", "content": "hm"}],
        ),
        (
            [{"content": "hi"}, {"content": [{"type": "image_url", "image_url": "https://h/a"}]}],
            [HI, {"type": "uri", "modality": "image", "uri": "https://h/a"}],
        ),
        (
            [{"function_call": {"name": "f", "arguments": '{"x":'}}, {"function_call": {"arguments": "1}"}}],
            [{"type": "tool_call", "name": "f", "arguments": {"x": 1}}],
        ),
    ],
)
def test_pieces_of_a_message(deltas, expected):
    (message,) = openai_chat.answer(folded(openai_chat, *(piece(delta) for delta in deltas)))
    assert message == {"role": "assistant", "parts": expected}


def test_the_role_of_a_stream():
    (message,) = openai_chat.answer(
        folded(openai_chat, piece({"role": "user", "content": "h"}), piece({"content": "i"}))
    )
    assert message == {"role": "user", "parts": [HI]}


def test_a_message_whole_after_its_pieces_is_the_same_once_more():
    whole = {"choices": [{"index": 0, "message": {"content": "hi"}, "finish_reason": "stop"}]}
    (message,) = openai_chat.answer(folded(openai_chat, piece({"content": "h"}), piece({"content": "i"}), whole))
    assert message["parts"] == [HI]
    (message,) = openai_chat.answer(folded(openai_chat, *({"choices": [{"text": one}]} for one in "hi")))
    assert message["parts"] == [HI]


def calls(*chunks):
    """The tool calls of a stream, each chunk a list of pieces."""
    (message,) = openai_chat.answer(folded(openai_chat, *(piece({"tool_calls": list(pieces)}) for pieces in chunks)))
    return [(part.get("id"), part["name"], part["arguments"]) for part in message["parts"]]


def part_of(index=None, identity=None, name=None, arguments=None):
    found = {"index": index, "id": identity, "function": {"name": name, "arguments": arguments}}
    return {key: value for key, value in found.items() if value is not None}


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        (
            [
                [part_of(0, "a", "f", "")],
                [part_of(0, arguments='{"x":')],
                [part_of(0, arguments="1}")],
                [part_of(1, "b", "g", "")],
                [part_of(1, arguments="{}")],
            ],
            [("a", "f", {"x": 1}), ("b", "g", {})],
        ),
        # Of interleaved calls each keeps its own pieces.
        (
            [
                [part_of(0, "a", "f", ""), part_of(1, "b", "g", "")],
                [part_of(1, arguments='{"y":')],
                [part_of(0, arguments='{"x":1}')],
                [part_of(1, arguments="2}")],
            ],
            [("a", "f", {"x": 1}), ("b", "g", {"y": 2})],
        ),
        # No index: by the id, or the call before.
        (
            [[part_of(None, "a", "f", '{"x":')], [part_of(None, "a", None, "1}")], [part_of(None, "b", "g", "{}")]],
            [("a", "f", {"x": 1}), ("b", "g", {})],
        ),
        ([[part_of(None, "a", "f", '{"x":')], [part_of(None, None, None, "1}")]], [("a", "f", {"x": 1})]),
        # Several in one chunk without an index.
        ([[part_of(None, "a", "f", "{}"), part_of(None, "b", "g", "{}")]], [("a", "f", {}), ("b", "g", {})]),
        # Every piece another id, at one index.
        ([[part_of(0, "a", "f", '{"x":')], [part_of(0, "z", None, "1}")]], [("a", "f", {"x": 1})]),
        # Every call the same index.
        ([[part_of(0, "a", "f", "{}")], [part_of(0, "b", "g", "{}")]], [("a", "f", {}), ("b", "g", {})]),
        ([[part_of(0, "a", "f", "{}")], [part_of(0, "b", "f", '{"x":1}')]], [("a", "f", {}), ("b", "f", {"x": 1})]),
        ([[part_of(0, None, "f", "{}")], [part_of(0, None, "g", "{}")]], [(None, "f", {}), (None, "g", {})]),
        # The name once more with each piece, or in pieces.
        ([[part_of(0, "a", "f", '{"x":')], [part_of(0, "a", "f", "1}")]], [("a", "f", {"x": 1})]),
        (
            [[part_of(0, "a", "get_")], [part_of(0, None, "weather")], [part_of(0, None, None, "{}")]],
            [("a", "get_weather", {})],
        ),
        # Arguments as an object, or whole once more.
        ([[part_of(0, "a", "f", {"x": 1})]], [("a", "f", {"x": 1})]),
        ([[part_of(0, "a", "f", '{"x":1}')], [part_of(0, "a", None, '{"x":1}')]], [("a", "f", {"x": 1})]),
        # A custom tool has an input, which is a text.
        (
            [
                [{"index": 0, "id": "a", "custom": {"name": "f", "input": "fr"}}],
                [{"index": 0, "custom": {"input": "ee"}}],
            ],
            [("a", "f", "free")],
        ),
        # Broken off.
        ([[part_of(0, "a", "f", '{"x":')]], [("a", "f", '{"x":')]),
    ],
)
def test_tool_calls_of_a_stream(chunks, expected):
    assert calls(*chunks) == expected


@pytest.mark.parametrize("index", [0, 1, 2])
def test_tool_calls_of_each_choice_of_a_stream(index):
    chunks = [piece({"tool_calls": [part_of(0, "a", "f", "")]}, index)]
    chunks += [piece({"tool_calls": [part_of(0, arguments=one)]}, index) for one in ('{"x"', ":1}")]
    chunks += [piece({}, index, "tool_calls")]
    (message,) = openai_chat.answer(folded(openai_chat, *chunks))
    assert message["parts"] == [{"type": "tool_call", "name": "f", "arguments": {"x": 1}, "id": "a"}]
    assert message["finish_reason"] == "tool_call"
