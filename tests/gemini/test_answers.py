"""What answers hold and how it is counted: filtered and blocked answers, calls in pieces, usage, labels, ids."""

from __future__ import annotations

import asyncio
import json

import pytest
from google.genai import types

from tests.support import surfaces, verdict
from tests.support.provider import Reply

FULL = {"CAPTURE": "true", "GENSPAN_DIALECTS": "genai,mlflow"}
OFF = types.AutomaticFunctionCallingConfig(disable=True)
DONE = {"promptTokenCount": 40, "candidatesTokenCount": 9, "totalTokenCount": 49}


def _candidate(*parts, finish=None, usage=None, **more):
    candidate = {"content": {"role": "model", "parts": list(parts)}, **more}
    if finish:
        candidate["finishReason"] = finish
    return {"candidates": [candidate], **({"usageMetadata": usage} if usage else {})}


async def _ask(client, way, is_async, **more):
    """One question asked in each way: `plain`, `stream`, `chat`, `chat-stream`."""
    config = types.GenerateContentConfig(automatic_function_calling=OFF, **more)
    side = client.aio if is_async else client
    if way.startswith("chat"):
        chat = side.chats.create(model=surfaces.MODEL)
        result = (chat.send_message_stream if way == "chat-stream" else chat.send_message)("x", config)
    else:
        method = side.models.generate_content_stream if way == "stream" else side.models.generate_content
        result = method(model=surfaces.MODEL, contents="x", config=config)
    result = await result if is_async else result
    if way.endswith("stream"):
        result = [one async for one in result] if is_async else list(result)
    if is_async:
        await client.aio.aclose()
    return result


WAYS = [(way, is_async) for way in ("plain", "stream", "chat", "chat-stream") for is_async in (False, True)]
STREAMS = [one for one in WAYS if one[0].endswith("stream")]


@pytest.fixture
def ask(provider, install):
    """`ask(way, is_async, *chunks)`: the span of the call; the chunks of a stream, or the one answer.

    Plain calls go to Vertex AI, chats to the Gemini API.
    """
    telemetry = install(**FULL)

    def run(way, is_async, *chunks, **more):
        reply = Reply(chunks=chunks) if way.endswith("stream") else Reply(body=chunks[-1])
        provider.script(reply)
        backend = "gemini" if way.startswith("chat") else "vertex-credentials"
        asyncio.run(_ask(surfaces.make_client(provider.url, backend), way, is_async, **more))
        verdict.sound(telemetry)
        (span,) = telemetry.spans
        return span

    return run


def _messages(span):
    return json.loads(span.attributes["gen_ai.output.messages"])


# Usage


@pytest.mark.parametrize(("way", "is_async"), STREAMS)
@pytest.mark.parametrize(
    "last",
    [{"trafficType": "ON_DEMAND"}, {}, {"candidatesTokenCount": None, "totalTokenCount": 15}, None],
    ids=["traffic", "empty", "null", "absent"],
)
def test_usage_of_an_earlier_chunk_is_kept(ask, way, is_async, last):
    counts = {"promptTokenCount": 10, "candidatesTokenCount": 5, "totalTokenCount": 15}
    first = _candidate({"text": "a"}, usage=counts)
    span = ask(way, is_async, first, {**_candidate({"text": "!"}, finish="STOP"), "usageMetadata": last})
    assert span.attributes["gen_ai.usage.input_tokens"] == 10
    assert span.attributes["gen_ai.usage.output_tokens"] == 5
    traffic = "ON_DEMAND" if last and "trafficType" in last else None
    assert span.attributes.get("gcp.gen_ai.response.traffic_type") == traffic


@pytest.mark.parametrize(("way", "is_async"), WAYS)
@pytest.mark.parametrize(
    ("counts", "expected", "total"),
    [
        ((57, None, 50, 12, 107), (57, 50), None),
        ((57, None, 50, 12, 119), (57, 62), None),
        ((57, 8, 50, 12, 115), (65, 50), None),
        ((57, 8, 50, 12, 127), (65, 62), None),
        ((57, None, 12, 50, 69), (57, 62), 69),  # what is more than the answer cannot be inside it
        ((57, None, 50, 12, 110), (57, 62), 110),
        ((57, None, 50, 12, None), (57, 62), None),
        ((57, None, None, None, 107), (57, 50), None),
    ],
    ids=str,
)
def test_total_tells_whether_thoughts_are_inside_candidates(ask, way, is_async, counts, expected, total):
    names = ("promptTokenCount", "toolUsePromptTokenCount", "candidatesTokenCount", "thoughtsTokenCount")
    usage = {
        name: figure for name, figure in zip((*names, "totalTokenCount"), counts, strict=True) if figure is not None
    }
    span = ask(way, is_async, _candidate({"text": "x"}, finish="STOP", usage=usage))
    attributes = span.attributes
    assert (attributes["gen_ai.usage.input_tokens"], attributes["gen_ai.usage.output_tokens"]) == expected
    assert json.loads(attributes["mlflow.chat.tokenUsage"])["total_tokens"] == sum(expected)
    assert attributes.get("genspan.usage.total_tokens") == total
    assert attributes.get("gen_ai.usage.reasoning.output_tokens") == counts[3]


@pytest.mark.parametrize(("way", "is_async"), STREAMS)
def test_response_id_of_a_stream_is_that_of_its_first_chunk(ask, way, is_async):
    chunks = [_candidate({"text": text}) for text in "abc"]
    chunks.append(_candidate({"text": "."}, finish="STOP", usage=DONE))
    named = [{**chunk, "responseId": f"response-{number}"} for number, chunk in enumerate(chunks)]
    assert ask(way, is_async, *named).attributes["gen_ai.response.id"] == "response-0"


@pytest.mark.parametrize(("way", "is_async"), WAYS)
def test_labels_are_attributes(provider, install, way, is_async):
    telemetry = install()
    client = surfaces.make_client(provider.url, "vertex-credentials")
    asyncio.run(_ask(client, way, is_async, labels={"team": "search", "env": "prod"}))
    (span,) = telemetry.spans
    labels = {name: value for name, value in span.attributes.items() if name.startswith("gcp.")}
    assert labels == {"gcp.gen_ai.request.labels.team": "search", "gcp.gen_ai.request.labels.env": "prod"}
    verdict.sound(telemetry)


# Why there is no answer


@pytest.mark.parametrize(("way", "is_async"), WAYS)
@pytest.mark.parametrize(
    ("reason", "message"),
    [("SAFETY", "Not about that."), ("OTHER", None), ("JAILBREAK", None), ("IMAGE_SAFETY", "No.")],
)
def test_blocked_prompt_has_its_reason(ask, way, is_async, reason, message):
    feedback = {"blockReason": reason, **({"blockReasonMessage": message} if message else {})}
    usage = {"promptTokenCount": 7, "totalTokenCount": 7}
    span = ask(way, is_async, {"promptFeedback": feedback, "usageMetadata": usage})
    assert span.attributes["gen_ai.response.finish_reasons"] == (reason,)
    blocked = {"role": "assistant", "parts": [], "finish_reason": "content_filter", "finish_message": message or reason}
    assert _messages(span) == [blocked]
    (choice,) = json.loads(span.attributes["mlflow.spanOutputs"])["choices"]
    assert choice["finish_reason"] == "content_filter"
    assert choice["message"] == {"role": "assistant", "content": None, "refusal": message or reason}


@pytest.mark.parametrize(("way", "is_async"), WAYS)
@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("SAFETY", "content_filter"),
        ("IMAGE_SAFETY", "content_filter"),
        ("IMAGE_RECITATION", "content_filter"),
        ("MALFORMED_FUNCTION_CALL", "malformed_function_call"),
        ("MAX_TOKENS", "length"),
        ("STOP", "stop"),  # Gemini says there that it generated function calls
    ],
)
def test_finish_message_is_content(ask, way, is_async, reason, expected):
    answer = _candidate({"text": "So far"}, finish=reason, finishMessage="Because of this.", usage=DONE)
    span = ask(way, is_async, answer)
    assert span.attributes["gen_ai.response.finish_reasons"] == (reason,)
    parts = [{"type": "text", "content": "So far"}]
    (message,) = _messages(span)
    finish_message = {} if reason == "STOP" else {"finish_message": "Because of this."}
    assert message == {"role": "assistant", "parts": parts, "finish_reason": expected, **finish_message}


@pytest.mark.parametrize(("way", "is_async"), WAYS)
def test_reasons_are_no_content_where_content_is_off(provider, install, way, is_async):
    telemetry = install()
    blocked = {"promptFeedback": {"blockReason": "SAFETY", "blockReasonMessage": "You asked for the secret recipe."}}
    provider.script(Reply(chunks=[blocked]) if way.endswith("stream") else Reply(body=blocked))
    asyncio.run(_ask(surfaces.make_client(provider.url), way, is_async))
    assert b"secret recipe" not in telemetry.exported()
    assert telemetry.spans[0].attributes["gen_ai.response.finish_reasons"] == ("SAFETY",)


# Function calls in pieces


def _call(call, finish=None, signature=None):
    part = {"functionCall": call, **({"thoughtSignature": signature} if signature else {})}
    return _candidate(part, finish=finish, usage=DONE)


def _piece(path, more=True, **value):
    return {"jsonPath": path, **value, **({"willContinue": True} if more else {})}


def _args(*pieces, more=True, **about):
    return _call({**about, "partialArgs": list(pieces), **({"willContinue": True} if more else {})})


def _start(name, identity=None):
    return _call({"name": name, "willContinue": True, **({"id": identity} if identity else {})})


END = _call({}, "STOP")

PIECES = {
    "string": (
        [
            _start("get_weather", "c1"),
            _args(_piece("$.location", stringValue="New ")),
            _args(_piece("$.location", False, stringValue="Delhi")),
        ],
        [("get_weather", {"location": "New Delhi"}, "c1")],
    ),
    "no id": (
        [_start("f"), _args(_piece("$.a", stringValue="x")), _args(_piece("$.a", False, stringValue=""))],
        [("f", {"a": "x"}, None)],
    ),
    "values": (
        [
            _start("f", "c1"),
            _args(_piece("$.n", False, numberValue=3), _piece("$.x", False, numberValue=2.5)),
            _args(_piece("$.yes", False, boolValue=True), _piece("$.no", False, boolValue=False)),
            _args(_piece("$.nothing", False, nullValue="NULL_VALUE"), _piece("$.zero", False, numberValue=0)),
        ],
        [("f", {"n": 3, "x": 2.5, "yes": True, "no": False, "nothing": None, "zero": 0}, "c1")],
    ),
    "nested": (
        [
            _start("plan", "c1"),
            _args(_piece("$.stops[0].name", stringValue="Par")),
            _args(_piece("$.stops[0].name", False, stringValue="is")),
            _args(
                _piece("$.stops[0].days[0]", False, numberValue=1), _piece("$.stops[0].days[1]", False, numberValue=2)
            ),
            _args(_piece("$.stops[1].name", False, stringValue="Rome")),
            _args(_piece("$['odd key'][\"a.b\"]", False, boolValue=True), _piece(r"$['it\'s']", False, numberValue=1)),
            _args(_piece("$.grid[0][1]", False, numberValue=5)),
        ],
        [
            (
                "plan",
                {
                    "stops": [{"name": "Paris", "days": [1, 2]}, {"name": "Rome"}],
                    "odd key": {"a.b": True},
                    "it's": 1,
                    "grid": [[None, 5]],
                },
                "c1",
            )
        ],
    ),
    "one after the other": (
        [
            _start("a", "c1"),
            _args(_piece("$.x", False, stringValue="1"), more=False),
            _start("b", "c2"),
            _args(_piece("$.y", False, stringValue="2")),
            _call({}),
            _call({"name": "c", "id": "c3", "args": {"z": 3}}),
        ],
        [("a", {"x": "1"}, "c1"), ("b", {"y": "2"}, "c2"), ("c", {"z": 3}, "c3")],
    ),
    "interleaved by id": (
        [
            _start("a", "c1"),
            _start("a", "c2"),
            _args(_piece("$.x", stringValue="one "), id="c1"),
            _args(_piece("$.x", stringValue="two "), id="c2"),
            _args(_piece("$.x", False, stringValue="first"), id="c1"),
            _args(_piece("$.x", False, stringValue="second"), id="c2", more=False),
            _args(_piece("$.y", False, numberValue=1), id="c1", more=False),
        ],
        [("a", {"x": "one first", "y": 1}, "c1"), ("a", {"x": "two second"}, "c2")],
    ),
    "interleaved by name": (
        [
            _start("a"),
            _start("b"),
            _args(_piece("$.x", False, stringValue="1"), name="a"),
            _args(_piece("$.x", False, stringValue="2"), name="b"),
            _args(_piece("$.y", False, stringValue="3"), name="a", more=False),
        ],
        [("a", {"x": "1", "y": "3"}, None), ("b", {"x": "2"}, None)],
    ),
    "two in one chunk": (
        [
            _candidate(
                {"functionCall": {"name": "a", "id": "c1", "args": {"x": 1}}},
                {"functionCall": {"name": "a", "id": "c2", "args": {"x": 2}}},
            ),
        ],
        [("a", {"x": 1}, "c1"), ("a", {"x": 2}, "c2")],
    ),
    "begun with arguments": (
        [_args(_piece("$.x", stringValue="a"), name="f", id="c1"), _args(_piece("$.x", False, stringValue="b"))],
        [("f", {"x": "ab"}, "c1")],
    ),
    "no arguments": ([_start("now", "c1")], [("now", {}, "c1")]),
    "wrong paths": (
        [
            _start("f", "c1"),
            _args(_piece("location", False, stringValue="x"), _piece("$.a[*]", False, stringValue="x")),
            _args(_piece("$.list[999999999]", False, stringValue="x"), _piece("$" + ".a" * 500, False, numberValue=1)),
            _args(_piece("$.s", False, stringValue="x"), _piece("$.s.t[0]", False, stringValue="y")),
            _args({"stringValue": "no path"}, {"jsonPath": "$.none"}, _piece("$", False, stringValue="x")),
        ],
        [("f", {"list": [], "s": "x"}, "c1")],
    ),
}


@pytest.mark.parametrize(("way", "is_async"), STREAMS)
@pytest.mark.parametrize("name", PIECES)
def test_function_call_in_pieces_is_one_call(ask, way, is_async, name):
    chunks, calls = PIECES[name]
    (message,) = _messages(ask(way, is_async, *chunks, END))
    assert message["finish_reason"] == "tool_call"
    assert [(part["type"], part["name"], part["arguments"], part.get("id")) for part in message["parts"]] == [
        ("tool_call", *call) for call in calls
    ]


@pytest.mark.parametrize(("way", "is_async"), STREAMS)
def test_function_call_broken_off_has_the_arguments_so_far(ask, way, is_async):
    chunks, _ = PIECES["string"]
    text = _candidate({"text": "I look."})
    (message,) = _messages(ask(way, is_async, text, *chunks[:2]))
    assert message["parts"] == [
        {"type": "text", "content": "I look."},
        {"type": "tool_call", "name": "get_weather", "arguments": {"location": "New "}, "id": "c1"},
    ]


@pytest.mark.parametrize("is_async", [False, True])
def test_pieces_in_a_chats_history_are_one_call(provider, install, is_async):
    """The SDK sends every chunk of the answer back as a content of its own."""
    telemetry = install(**FULL)
    chunks, _ = PIECES["string"]
    provider.script(Reply(chunks=[*chunks, END]))

    async def run():
        client = surfaces.make_client(provider.url, "vertex-credentials")
        config = types.GenerateContentConfig(automatic_function_calling=OFF)
        if is_async:
            chat = client.aio.chats.create(model=surfaces.MODEL, config=config)
            [one async for one in await chat.send_message_stream("weather?")]
        else:
            chat = client.chats.create(model=surfaces.MODEL, config=config)
            list(chat.send_message_stream("weather?"))
        result = types.Part.from_function_response(name="get_weather", response={"degrees": 21})
        sent = chat.send_message(result)
        await sent if is_async else sent
        await client.aio.aclose()

    asyncio.run(run())
    contents = json.dumps(provider.ledger[-1].body["contents"])
    assert "partial_args" in contents
    messages = json.loads(telemetry.spans[-1].attributes["gen_ai.input.messages"])
    assert messages == [
        {"role": "user", "parts": [{"type": "text", "content": "weather?"}]},
        {
            "role": "assistant",
            "parts": [{"type": "tool_call", "name": "get_weather", "arguments": {"location": "New Delhi"}, "id": "c1"}],
        },
        {"role": "tool", "parts": [{"type": "tool_call_response", "response": {"degrees": 21}, "name": "get_weather"}]},
    ]
