"""Streams of messages: metadata, usage, errors, and blocks that come in pieces."""

from __future__ import annotations

import pytest

from genspan.anthropic import messages
from genspan_semconv.model import Response, Usage
from tests.support.folding import folded

HI = {"type": "text", "content": "hi"}
TEXT = {"type": "text", "text": "hi"}
TIER, SPEED = "anthropic.response.service_tier", "anthropic.response.speed"


def made(**fields):
    return Response(**{"complete": False, "attributes": {TIER: None, SPEED: None}, **fields})


def start(**usage):
    return {"type": "message_start", "message": {"id": "m", "model": "c", "content": [], "usage": usage}}


def stop(reason="end_turn", **usage):
    return {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": usage}


def begin(index=0, **block):
    return {"type": "content_block_start", "index": index, "content_block": block}


def delta(kind, index=0, **fields):
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **fields}}


@pytest.mark.parametrize("metadata_alone", [False, True])
def test_a_stream(metadata_alone):
    data = folded(
        messages,
        start(input_tokens=9, output_tokens=1, cache_read_input_tokens=3, service_tier="standard"),
        {"type": "ping"},
        begin(type="text", text=""),
        delta("text_delta", text="h"),
        delta("text_delta", text="i"),
        {"type": "content_block_stop", "index": 0},
        stop(output_tokens=4),
        {"type": "message_stop"},
        metadata_alone=metadata_alone,
    )
    assert messages.response(data) == made(
        id="m",
        model="c",
        finish_reasons=["end_turn"],
        usage=Usage(12, 4, cache_read=3),
        complete=True,
        final=True,
        attributes={TIER: "standard", SPEED: None},
    )
    parts = [] if metadata_alone else [HI]
    assert messages.answer(data) == [{"role": "assistant", "parts": parts, "finish_reason": "stop"}]


@pytest.mark.parametrize(
    ("events", "usage"),
    [
        # What message_start says of the output is a placeholder, also where less or nothing comes after it.
        ([start(input_tokens=9, output_tokens=8), stop(output_tokens=4)], Usage(9, 4)),
        ([start(input_tokens=9, output_tokens=8), stop(output_tokens=0)], Usage(9, 0)),
        ([start(input_tokens=9, output_tokens=8)], Usage(9, 8)),
        ([start(input_tokens=9, output_tokens=8), stop()], Usage(9, 8)),
        # Cumulative: the last one counts, what is left out stays.
        ([start(input_tokens=9), stop(output_tokens=3), stop(output_tokens=4)], Usage(9, 4)),
        ([start(input_tokens=9), stop(output_tokens=4), stop(output_tokens=0)], Usage(9, 4)),
        ([start(input_tokens=0), stop(input_tokens=9, output_tokens=4)], Usage(9, 4)),
        ([start(input_tokens=9, cache_read_input_tokens=5), stop(output_tokens=4)], Usage(14, 4, cache_read=5)),
        ([{"type": "message_delta", "delta": {"usage": {"output_tokens": 4}}}], Usage(output=4)),
    ],
)
def test_usage_of_a_stream(events, usage):
    assert messages.response(folded(messages, *events)).usage == usage


@pytest.mark.parametrize(
    ("events", "error"),
    [
        ([start(), {"type": "error", "error": {"type": "overloaded_error"}}], "overloaded_error"),
        ([{"error": {"type": "a"}}, {"type": "error", "error": {"type": "b"}}], "a"),
        ([start(), {"type": "ping", "error": {"type": "a"}}], "a"),
        ([{"detail": "no"}], "error"),
        ([start(), stop()], None),
    ],
)
def test_error_of_a_stream(events, error):
    assert messages.response(folded(messages, *events)).error == error


CALL = {"type": "tool_call", "name": "f", "arguments": {"x": 1}, "id": "c"}


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        (
            [
                begin(type="thinking", thinking=""),
                delta("thinking_delta", thinking="h"),
                delta("thinking_delta", thinking="m"),
                delta("signature_delta", signature="x"),
                begin(1, type="text", text=""),
                delta("text_delta", 1, text="hi"),
            ],
            [{"type": "reasoning", "content": "hm"}, HI],
        ),
        (
            [
                begin(type="tool_use", id="c", name="f", input={}),
                delta("input_json_delta", partial_json=""),
                delta("input_json_delta", partial_json='{"x"'),
                delta("input_json_delta", partial_json=":1}"),
            ],
            [CALL],
        ),
        ([begin(type="tool_use", id="c", name="f", input={"x": 1})], [CALL]),
        ([begin(type="tool_use", id="c", name="f"), delta("input_json_delta", input={"x": 1})], [CALL]),
        ([begin(type="tool_use", id="c", name="f"), delta("input_json_delta", partial_json={"x": 1})], [CALL]),
        (
            [begin(type="tool_use", id="c", name="f", input={"x": 1}), delta("input_json_delta", partial_json='{"y"')],
            [CALL],
        ),
        (
            [begin(type="tool_use", id="c", name="f", input={}), delta("input_json_delta", partial_json='{"y"')],
            [{**CALL, "arguments": '{"y"'}],
        ),
        # Two calls, interleaved.
        (
            [
                begin(type="tool_use", id="c", name="f", input={}),
                begin(1, type="tool_use", id="d", name="g", input={}),
                delta("input_json_delta", 1, partial_json='{"y":2}'),
                delta("input_json_delta", partial_json='{"x":1}'),
            ],
            [CALL, {"type": "tool_call", "name": "g", "arguments": {"y": 2}, "id": "d"}],
        ),
        # An index that is taken, no index, no start.
        (
            [begin(type="text", text="hi"), delta("text_delta", text="!"), begin(type="text", text="hi")],
            [{**HI, "content": "hi!"}, HI],
        ),
        ([begin(type="text", text="hi"), begin(type="text", text="hi")], [HI]),
        (
            [begin(type="text", text=""), begin(type="tool_use", id="c", name="f", input={"x": 1})],
            [{**HI, "content": ""}, CALL],
        ),
        ([begin(None, type="text", text=""), delta("text_delta", None, text="hi")], [HI]),
        ([delta("text_delta", text="h"), delta("text_delta", text="i")], [HI]),
        ([delta("thinking_delta", thinking="hm")], [{"type": "reasoning", "content": "hm"}]),
        ([begin(type="text", text="h"), delta("text_delta", text="i")], [HI]),
        (
            [
                begin(type="text", text="", citations=[1]),
                delta("text_delta", text="hi"),
                delta("citations_delta", citation={"url": "u"}),
                delta("citations_delta", citation={"url": "v"}),
            ],
            [{**HI, "citations": [1, {"url": "u"}, {"url": "v"}]}],
        ),
        (
            [begin(type="compaction"), delta("compaction_delta", content="short")],
            [{"type": "compaction", "content": "short"}],
        ),
        ([{"type": "message_start", "message": {"content": [TEXT, TEXT]}}], [HI, HI]),
        ([{"type": "message", "content": [TEXT]}], [HI]),
        ([{"completion": "h"}, {"completion": "i"}], [HI]),
    ],
)
def test_blocks_of_a_stream(events, expected):
    (message,) = messages.answer(folded(messages, *events))
    assert message["parts"] == expected


def test_why_a_stream_stopped():
    data = folded(
        messages,
        start(),
        {"type": "message_delta", "delta": {"stop_reason": "refusal", "stop_details": {"category": "x"}}},
    )
    (message,) = messages.answer(data)
    assert message["parts"] == [{"type": "stop_details", "category": "x"}]
