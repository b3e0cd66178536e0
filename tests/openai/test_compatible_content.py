"""What servers that speak OpenAI's API really send: tool calls in pieces and content, plain and streamed."""

from __future__ import annotations

import json

import pytest

from tests.openai.compatible import HEAD, ask, delta, frames, parts, plain
from tests.support import verdict

__all__ = ["ask"]

pytestmark = pytest.mark.filterwarnings("ignore:Pydantic serializer warnings:UserWarning")

IMAGE = "data:image/png;base64,aW1hZ2U="

# Tool calls in pieces


def piece(index=None, arguments=None, name=None, **fields):
    placed = {} if index is None else {"index": index}
    return {**placed, "type": "function", "function": {"name": name, "arguments": arguments}, **fields}


ONE, TWO = [("one", {"a": 1})], [("one", {"a": 1}), ("two", {"b": 2})]
PIECES = {
    "another id with each piece": (
        [piece(0, "", "one", id="x"), piece(0, '{"a":', id="y"), piece(0, " 1}", id="z")],
        ONE,
    ),
    "another id with each piece, the name too": (
        [piece(0, "", "one", id="x"), piece(0, '{"a":', "one", id="y"), piece(0, " 1}", "one", id="z")],
        ONE,
    ),
    "two at one index without ids": ([piece(0, '{"a": 1}', "one", id=""), piece(0, '{"b": 2}', "two", id="")], TWO),
    "two at one index in pieces without ids": (
        [piece(0, "", "one"), piece(0, '{"a"'), piece(0, ": 1}"), piece(0, "", "two"), piece(0, '{"b": 2}')],
        TWO,
    ),
    "one twice at one index without ids": (
        [piece(0, "", "one"), piece(0, '{"a": 1}'), piece(0, "", "one"), piece(0, '{"a": 2}')],
        [("one", {"a": 1}), ("one", {"a": 2})],
    ),
    "two at one index with one id": ([piece(0, '{"a": 1}', "one", id="x"), piece(0, '{"b": 2}', "two", id="x")], TWO),
    "two at one index with ids": ([piece(0, '{"a": 1}', "one", id="x"), piece(0, '{"b": 2}', "two", id="y")], TWO),
    "two mixed at one index by id": (
        [
            *(piece(0, "", name, id=identity) for name, identity in (("one", "x"), ("two", "y"))),
            *(piece(0, text, id=identity) for text, identity in (('{"a": 1}', "x"), ('{"b": 2}', "y"))),
        ],
        TWO,
    ),
    "one id at two indexes": ([piece(0, '{"a": 1}', "one", id="x"), piece(1, '{"b": 2}', "two", id="x")], TWO),
    "no index, ids": ([piece(None, '{"a": 1}', "one", id="x"), piece(None, '{"b": 2}', "two", id="y")], TWO),
    "no index, no ids": ([piece(None, '{"a": 1}', "one"), piece(None, '{"b": 2}', "two")], TWO),
    "no index, in pieces": ([piece(None, '{"a"', "one", id="x"), piece(None, ": 1}")], ONE),
    "no index in later pieces": ([piece(0, '{"a"', "one", id="x"), piece(None, ": 1}", id="x")], ONE),
    "sparse indexes": ([piece(4, '{"a": 1}', "one", id="x"), piece(9, '{"b": 2}', "two", id="y")], TWO),
    "the name with each piece": ([piece(0, '{"a"', "one", id="x"), piece(0, ": 1}", "one", id="x")], ONE),
    "the name with each piece, no ids": ([piece(0, '{"a"', "one"), piece(0, ": 1}", "one"), piece(0, "", "one")], ONE),
    "a name in pieces": ([piece(0, "", "o", id="x"), piece(0, "", "ne"), piece(0, '{"a": 1}')], ONE),
    "a name that grows": ([piece(0, "", "on", id="x"), piece(0, "", "one"), piece(0, '{"a": 1}')], ONE),
    "a name at the end": ([piece(0, '{"a": 1}', id="x"), piece(0, "", "one")], ONE),
    "arguments as an object": ([piece(0, {"a": 1}, "one", id="x")], ONE),
    "arguments as an object, twice": ([piece(0, {"a": 1}, "one", id="x"), piece(0, {"b": 2}, "two", id="y")], TWO),
    "arguments at the end": ([piece(0, "", "one", id="x"), piece(0, None), piece(0, '{"a": 1}')], ONE),
    "arguments whole once more": ([piece(0, '{"a"', "one", id="x"), piece(0, ": 1}"), piece(0, '{"a": 1}')], ONE),
    "objects inside the arguments": (
        [piece(0, '{"a":{"b":1}', "one", id="x"), piece(0, ',"c":'), piece(0, '{"d":2}'), piece(0, "}")],
        [("one", {"a": {"b": 1}, "c": {"d": 2}})],
    ),
    "no function around": ([{"index": 0, "id": "x", "name": "one", "arguments": '{"a": 1}'}], ONE),
    "no arguments": ([piece(0, None, "one", id="x")], [("one", None)]),
}  # fmt: skip


@pytest.mark.parametrize("name", PIECES)
def test_streamed_tool_calls(ask, name):
    pieces, right = PIECES[name]
    span = ask(frames(*(delta(tool_calls=[one]) for one in pieces), delta("tool_calls")), True)
    assert [(part["name"], part["arguments"] or None) for part in parts(span)] == right


@pytest.mark.parametrize("indexes", [(0, 1), (None, None)], ids=["indexes", "no indexes"])
@pytest.mark.parametrize("ids", [("x", "y"), (None, None)], ids=["ids", "no ids"])
def test_streamed_tool_calls_of_one_chunk(ask, indexes, ids):
    first = [piece(index, "", name, id=one) for index, name, one in zip(indexes, ("one", "two"), ids, strict=True)]
    second = [piece(index, text) for index, text in zip(indexes, ('{"a": 1}', '{"b": 2}'), strict=True)]
    span = ask(frames(delta(tool_calls=first), delta(tool_calls=second), delta("tool_calls")), True)
    assert [(part["name"], part["arguments"]) for part in parts(span)] == TWO


def test_streamed_tool_calls_of_several_choices(ask):
    chunks = [
        delta(index=0, tool_calls=[piece(0, '{"a"', "one", id="x")]),
        delta(index=1, tool_calls=[piece(0, '{"b"', "two", id="y")]),
        delta(index=0, tool_calls=[piece(0, ": 1}")]),
        delta(index=1, tool_calls=[piece(0, ": 2}")]),
    ]
    span = ask(frames(*chunks, delta("tool_calls"), delta("tool_calls", 1)), True)
    messages = json.loads(span.attributes["gen_ai.output.messages"])
    assert [[(part["name"], part["arguments"]) for part in one["parts"]] for one in messages] == [TWO[:1], TWO[1:]]


def test_streamed_function_call(ask):
    chunks = [delta(function_call={"name": "one", "arguments": ""}), delta(function_call={"arguments": '{"a": 1}'})]
    span = ask(frames(*chunks, delta("function_call")), True)
    assert parts(span) == [{"type": "tool_call", "name": "one", "arguments": {"a": 1}}]


# Content

DRAWN = {"type": "blob", "modality": "image", "mime_type": "image/png", "content": "aW1hZ2U="}
TEXT = {"type": "text", "content": "ok"}
THOUGHT = {"type": "reasoning", "content": "hm so"}
_CITED = [{"type": "url_citation", "url_citation": {"url": "https://example.com", "title": "Example"}}]
CONTENTS = {
    "images": ({"images": [{"type": "image_url", "image_url": {"url": IMAGE}}]}, [TEXT, DRAWN]),
    "images as strings": ({"images": [IMAGE]}, [TEXT, DRAWN]),
    "images as base64": ({"images": [{"b64_json": "aW1hZ2U="}]}, [TEXT, DRAWN]),
    "one image": ({"images": {"type": "image_url", "image_url": {"url": IMAGE}}}, [TEXT, DRAWN]),
    "reasoning": ({"reasoning": "hm so"}, [THOUGHT, TEXT]),
    "reasoning_content": ({"reasoning_content": "hm so"}, [THOUGHT, TEXT]),
    "reasoning_text": ({"reasoning_text": "hm so"}, [THOUGHT, TEXT]),
    "thinking": ({"thinking": "hm so"}, [THOUGHT, TEXT]),
    "details": ({"reasoning_details": [{"type": "reasoning.text", "text": "hm so"}]}, [THOUGHT, TEXT]),
    "summaries": ({"reasoning_details": [{"type": "reasoning.summary", "summary": "hm so"}]}, [THOUGHT, TEXT]),
    "encrypted": ({"reasoning_details": [{"type": "reasoning.encrypted", "data": "x"}]}, [TEXT]),
    "reasoning twice": ({"reasoning": "hm so", "reasoning_details": [{"text": "hm so"}]}, [THOUGHT, TEXT]),
    "parts": (
        {"content": [{"type": "thinking", "thinking": [{"text": "hm so"}]}, {"type": "text", "text": "ok"}]},
        [THOUGHT, TEXT],
    ),
    "an image as a part": (
        {"content": [{"type": "text", "text": "ok"}, {"type": "image_url", "image_url": {"url": IMAGE}}]},
        [TEXT, DRAWN],
    ),
    "strings as parts": ({"content": ["ok"]}, [TEXT]),
    "annotations": ({"annotations": _CITED}, [{**TEXT, "annotations": _CITED}]),
    "a refusal": ({"content": None, "refusal": "No."}, [{"type": "refusal", "content": "No."}]),
    "sound": (
        {"content": None, "audio": {"id": "a", "transcript": "ok", "data": "AAAA", "expires_at": 1}},
        [TEXT, {"type": "blob", "modality": "audio", "content": "AAAA"}],
    ),
}  # fmt: skip


@pytest.mark.parametrize("way", ["plain", "stream", "message in a chunk", "in two chunks"])
@pytest.mark.parametrize("name", CONTENTS)
def test_content(ask, name, way):
    message, right = CONTENTS[name]
    message = {"role": "assistant", "content": "ok", **message}
    if way == "plain":
        span = ask({"body": plain(message)})
    elif way == "message in a chunk":
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        span = ask(frames({**HEAD, "choices": [choice]}), True)
    elif way == "stream":
        span = ask(frames(delta(**message), delta("stop")), True)
    else:
        content = message.pop("content")
        span = ask(frames(delta(**message), delta(content=content), delta("stop")), True)
    assert parts(span) == right


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_sources_of_the_whole_answer(ask, stream):
    cited = {"citations": ["https://example.com/1", "https://example.com/2"]}
    span = ask(frames({**delta("stop", content="ok"), **cited}) if stream else {"body": plain(**cited)}, stream)
    assert parts(span) == [{**TEXT, **cited}]


def test_whole_message_after_its_pieces(ask):
    last = {"index": 0, "message": {"role": "assistant", "content": "one two"}, "finish_reason": "stop"}
    span = ask(frames(delta(content="one "), delta(content="two"), {**HEAD, "choices": [last]}), True)
    assert parts(span) == [{"type": "text", "content": "one two"}]


def test_messages_as_pieces(ask):
    pieces = [{"index": 0, "message": {"role": "assistant", "content": one}} for one in ("one ", "two", "")]
    span = ask(frames(*({**HEAD, "choices": [one]} for one in pieces), delta("stop")), True)
    assert parts(span) == [{"type": "text", "content": "one two"}]


def test_choice_index_that_counts_chunks(ask):
    chunks = [delta(index=number, content=f"{number} ") for number in range(4)]
    span = ask(frames(*chunks, delta("stop", 4)), True)
    (message,) = json.loads(span.attributes["gen_ai.output.messages"])
    assert message == {"role": "assistant", "parts": [{"type": "text", "content": "0 1 2 3 "}], "finish_reason": "stop"}
    assert span.attributes["gen_ai.response.finish_reasons"] == ("stop",)
    assert verdict.ended(span) is None


def test_choices_of_one_chunk_each(ask):
    span = ask(frames(delta("stop", 0, content="a"), delta("stop", 1, content="b")), True)
    assert [one["parts"][0]["content"] for one in json.loads(span.attributes["gen_ai.output.messages"])] == ["a", "b"]


def test_response_id_is_the_first_chunks(ask):
    span = ask(frames({**delta(content="a"), "id": "first"}, {**delta("stop"), "id": "last"}), True)
    assert span.attributes["gen_ai.response.id"] == "first"
