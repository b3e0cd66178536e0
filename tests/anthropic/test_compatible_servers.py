"""What servers that speak Anthropic's API really send: usage, errors, blocks in pieces, plain and streamed."""

from __future__ import annotations

import asyncio
import json

import anthropic
import pytest

from tests.anthropic.calls import telemetry
from tests.support import verdict
from tests.support.anthropic_surfaces import MODEL, make_client

__all__ = ["telemetry"]

pytestmark = pytest.mark.filterwarnings("ignore:Pydantic serializer warnings:UserWarning")

ASKED = {"model": MODEL, "max_tokens": 50, "messages": [{"role": "user", "content": "?"}]}
TEXT = {"type": "text", "text": "ok"}
STOP = {"type": "message_stop"}


def whole(content=(TEXT,), usage=None, stop="end_turn", **more):
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "c-1", "stop_sequence": None}
    return {**head, "content": list(content), "stop_reason": stop, "usage": usage or {}, **more}


def starts(usage=None):
    return {"type": "message_start", "message": whole([], usage, None)}


def ends(usage=None, stop="end_turn"):
    return {"type": "message_delta", "delta": {"stop_reason": stop, "stop_sequence": None}, "usage": usage or {}}


def begin(block, index=0):
    return {"type": "content_block_start", "index": index, "content_block": block}


def grow(kind, index=0, **fields):
    placed = {} if index is None else {"index": index}
    return {"type": "content_block_delta", **placed, "delta": {"type": kind, **fields}}


def close(index=0):
    return {"type": "content_block_stop", "index": index}


def text_events(text="ok", index=0):
    return begin({"type": "text", "text": ""}, index), grow("text_delta", index, text=text), close(index)


def frames(*events):
    named = [one if isinstance(one, tuple) else (one["type"], json.dumps(one)) for one in events]
    return {"frames": [f"event: {name}\ndata: {data}\n\n".encode() for name, data in named]}


@pytest.fixture
def ask(telemetry, provider):
    """Make one call and give its span."""

    def asked(reply, stream=False, mode="sync", error=None):
        provider.script(reply)

        async def asynchronous():
            async with make_client(provider.url, True) as client:
                answer = await client.messages.create(**ASKED, stream=stream)
                return [event async for event in answer] if stream else answer

        def synchronous():
            with make_client(provider.url, False) as client:
                answer = client.messages.create(**ASKED, stream=stream)
                return list(answer) if stream else answer

        def run():
            return synchronous() if mode == "sync" else asyncio.run(asynchronous())

        if error is None:
            run()
        else:
            with pytest.raises(error):
                run()
        (span,) = telemetry.spans
        assert verdict.violations(span) == []
        return span

    return asked


def token_counts(span):
    names = ("input", "output", "cache_read.input", "cache_write.input")
    return tuple(span.attributes.get(f"gen_ai.usage.{name}_tokens") for name in names)


def parts(span):
    return [part for one in json.loads(span.attributes.get("gen_ai.output.messages", "[]")) for part in one["parts"]]


USAGES = {
    "caches beside the input": (
        {"input_tokens": 10, "output_tokens": 5, "cache_read_input_tokens": 3, "cache_creation_input_tokens": 2},
        (15, 5, 3, 2),
    ),
    "caches inside the input, by the total": (
        {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15, "cache_read_input_tokens": 3},
        (10, 5, 3, None),
    ),
    "caches beside the input, by the total": (
        {"input_tokens": 10, "output_tokens": 5, "total_tokens": 18, "cache_read_input_tokens": 3},
        (13, 5, 3, None),
    ),
    "OpenAI's names": (
        {
            "prompt_tokens": 10,
            "completion_tokens": 5,
            "total_tokens": 15,
            "prompt_tokens_details": {"cached_tokens": 3},
        },
        (10, 5, 3, None),
    ),
    "OpenAI's names beside zeros in Anthropic's": (
        {"prompt_tokens": 10, "completion_tokens": 5, "input_tokens": 0, "output_tokens": 0, "cached_tokens": 3},
        (10, 5, 3, None),
    ),
}


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("name", USAGES)
def test_usage_in_other_spellings(ask, name, stream):
    usage, right = USAGES[name]
    span = ask(frames(starts(), *text_events(), ends(usage), STOP) if stream else {"body": whole(usage=usage)}, stream)
    assert token_counts(span) == right
    assert "genspan.usage.total_tokens" not in span.attributes


FIRST = {"input_tokens": 25, "output_tokens": 4, "cache_read_input_tokens": 7, "cache_creation_input_tokens": 0}
LATER = {
    "output alone": ({"output_tokens": 9}, (32, 9, 7, 0)),
    "zeros beside the output": ({"input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 9}, (32, 9, 7, 0)),
    "nulls beside the output": ({"input_tokens": None, "output_tokens": 9}, (32, 9, 7, 0)),
    "all once more": ({**FIRST, "input_tokens": 26, "output_tokens": 9}, (33, 9, 7, 0)),
    "no output": ({"output_tokens": 0}, (32, 0, 7, 0)),
    "nothing": ({}, (32, 4, 7, 0)),
}


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("name", LATER)
def test_later_event_erases_no_usage(ask, name, mode):
    later, right = LATER[name]
    assert token_counts(ask(frames(starts(FIRST), *text_events(), ends(later), STOP), True, mode)) == right


def test_second_message_delta_erases_no_output(ask):
    span = ask(
        frames(starts(FIRST), *text_events(), ends({"output_tokens": 9}, None), ends({"output_tokens": 0}), STOP), True
    )
    assert token_counts(span) == (32, 9, 7, 0)


ERRORS = {
    "as Anthropic's": ({"type": "error", "error": {"type": "overloaded_error", "message": "x"}}, "overloaded_error"),
    "without a type around": ({"error": {"code": 1261, "message": "too long"}}, "1261"),
    "code and msg": ({"code": 1305, "msg": "too busy", "success": False}, "1305"),
    "detail": ({"detail": "Not Found"}, "error"),
}


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("name", ERRORS)
def test_error_in_place_of_an_answer(ask, name, mode):
    error, code = ERRORS[name]
    assert verdict.failed(ask({"body": error}, mode=mode)) == code


ONE, TWO = ("one", {"a": 1}), ("two", {"b": 2})


def tool(name, given=None, identity=None):
    return {"type": "tool_use", "id": identity or f"toolu_{name}", "name": name, "input": given or {}}


BLOCKS = {
    "pieces": (
        [begin(tool("one")), *(grow("input_json_delta", partial_json=one) for one in ("", '{"a"', ": 1}"))],
        [ONE],
    ),
    "whole at the start": ([begin(tool("one", {"a": 1})), close()], [ONE]),
    "whole at the start, and empty pieces": (
        [begin(tool("one", {"a": 1})), grow("input_json_delta", partial_json=""), grow("input_json_delta")],
        [ONE],
    ),
    "whole at the start, and once more": (
        [begin(tool("one", {"a": 1})), grow("input_json_delta", partial_json='{"a": 1}')],
        [ONE],
    ),
    "whole at the start, and broken pieces": (
        [begin(tool("one", {"a": 1})), grow("input_json_delta", partial_json='{"a"')],
        [ONE],
    ),
    "an object as a piece": ([begin(tool("one")), grow("input_json_delta", partial_json={"a": 1})], [ONE]),
    "no index": ([begin(tool("one"), None), grow("input_json_delta", None, partial_json='{"a": 1}')], [ONE]),
    "one index for all": (
        [
            *(begin(tool("one")), grow("input_json_delta", partial_json='{"a": 1}'), close()),
            *(begin(tool("two")), grow("input_json_delta", partial_json='{"b": 2}'), close()),
        ],
        [ONE, TWO],
    ),
    "one index for all, whole at the start": ([begin(tool("one", {"a": 1})), begin(tool("two", {"b": 2}))], [ONE, TWO]),
    "started twice": (
        [begin(tool("one")), begin(tool("one")), grow("input_json_delta", partial_json='{"a": 1}')],
        [ONE],
    ),
    "text as the input": ([begin(tool("one", '{"a": 1}'))], [ONE]),
}


@pytest.mark.parametrize("name", BLOCKS)
def test_streamed_tool_calls(ask, name):
    events, right = BLOCKS[name]
    span = ask(frames(starts(FIRST), *events, ends({"output_tokens": 9}, "tool_use"), STOP), True)
    assert [(part["name"], part["arguments"]) for part in parts(span)] == right
    assert verdict.ended(span) is None


def test_text_and_tools_at_one_index(ask):
    events = (*text_events("Let me see."), begin(tool("one", {"a": 1})))
    span = ask(frames(starts(FIRST), *events, ends({"output_tokens": 9}, "tool_use"), STOP), True)
    assert [part["type"] for part in parts(span)] == ["text", "tool_call"]
    assert parts(span)[0]["content"] == "Let me see."


@pytest.mark.parametrize(
    ("kind", "field", "expected"), [("text_delta", "text", "text"), ("thinking_delta", "thinking", "reasoning")]
)
def test_pieces_of_a_block_that_never_began(ask, kind, field, expected):
    events = [grow(kind, **{field: "a"}), grow(kind, **{field: "b"})]
    span = ask(frames(starts(FIRST), *events, ends({"output_tokens": 9}), STOP), True)
    assert parts(span) == [{"type": expected, "content": "ab"}]


def test_message_id_is_that_of_its_start(ask):
    span = ask(frames(starts(FIRST), *text_events(), {**ends({"output_tokens": 9}), "id": "msg_2"}, STOP), True)
    assert span.attributes["gen_ai.response.id"] == "msg_1"


STREAMED = {
    "as Anthropic's": (
        json.dumps({"type": "error", "error": {"type": "overloaded_error", "message": "x"}}),
        "overloaded_error",
    ),
    "without a type around": (json.dumps({"error": {"code": "1261", "message": "x"}}), "1261"),
    "at the top": (json.dumps({"code": 1305, "msg": "too busy"}), "1305"),
    "prose": ("upstream is gone", "APIStatusError"),
}


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("first", [True, False], ids=["first", "after a message began"])
@pytest.mark.parametrize("name", STREAMED)
def test_error_event_is_the_providers_word(ask, name, first, mode):
    """The SDK raises an exception of status 200 for it, which says nothing."""
    data, code = STREAMED[name]
    events = [] if first else [starts(FIRST), *text_events()]
    span = ask(frames(*events, ("error", data)), True, mode, anthropic.APIStatusError)
    assert verdict.failed(span) == code
    assert "http.response.status_code" not in span.attributes
    assert verdict.ended(span) == "failed"
