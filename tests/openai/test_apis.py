"""Each API of openai once: what its span is, and that it has the provider's figures."""

from __future__ import annotations

import asyncio
import base64
import io
import json

import openai
import pytest

from tests.openai.conftest import catch_up
from tests.support import verdict
from tests.support.openai_surfaces import API_KEY, make_client
from tests.support.telemetry import Counts

# openai deprecates what it has, and websockets how openai uses it.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

SOUND = ("speech.wav", b"RIFF....", "audio/wav")
QUESTION = {"type": "predicate", "instructions": "Is it so?"}
BATCH = {"input_file_id": "file-1", "endpoint": "/v1/chat/completions", "completion_window": "24h"}
CHAT = {"model": "gpt-4.1-mini", "messages": [{"role": "user", "content": "Hello there"}]}
ASK = {"model": "gpt-4.1-mini", "input": "Hello there"}


@pytest.fixture
def client(provider):
    with make_client(provider.url, False) as made:
        yield made


def _sum(telemetry, provider):
    catch_up()
    verdict.sound(telemetry)
    total = provider.ledger.total()
    assert telemetry.usage() == telemetry.measured() == Counts(total.input, total.output)


CALLS = {
    "images.generate": ("generate_content", "image", lambda c: c.images.generate(model="gpt-image-1", prompt="a cat")),
    "images.generate-stream": (
        "generate_content",
        "image",
        lambda c: list(c.images.generate(model="gpt-image-1", prompt="a cat", stream=True)),
    ),
    "images.edit": (
        "generate_content",
        "image",
        lambda c: c.images.edit(model="gpt-image-1", prompt="a hat", image=io.BytesIO(b"png")),
    ),
    "images.edit-stream": (
        "generate_content",
        "image",
        lambda c: list(c.images.edit(model="gpt-image-1", prompt="a hat", image=io.BytesIO(b"png"), stream=True)),
    ),
    "images.variation": (
        "generate_content",
        "image",
        lambda c: c.images.create_variation(model="dall-e-2", image=io.BytesIO(b"png"), n=2),
    ),
    "speech": ("generate_content", "speech", lambda c: c.audio.speech.create(model="tts-1", voice="alloy", input="Hi")),
    "transcription": (
        "generate_content",
        "text",
        lambda c: c.audio.transcriptions.create(model="gpt-4o-transcribe", file=SOUND),
    ),
    "transcription-stream": (
        "generate_content",
        "text",
        lambda c: list(c.audio.transcriptions.create(model="gpt-4o-transcribe", file=SOUND, stream=True)),
    ),
    "translation": ("generate_content", "text", lambda c: c.audio.translations.create(model="whisper-1", file=SOUND)),
    "video": ("generate_content", None, lambda c: c.videos.create(model="sora-2", prompt="a cat")),
    "remix": ("generate_content", None, lambda c: c.videos.remix("video-1", prompt="a dog")),
    "moderation": ("moderation", None, lambda c: c.moderations.create(model="omni-moderation-latest", input="so bad")),
    "input_tokens": ("count_tokens", None, lambda c: c.responses.input_tokens.count(**ASK)),
    "compact": ("chat", None, lambda c: c.responses.compact(**ASK)),
    "beta.responses": ("chat", None, lambda c: c.beta.responses.create(**ASK)),
    "decisions": ("generate_content", "json", lambda c: c.decisions.create(**ASK, questions=[QUESTION])),
}


@pytest.mark.parametrize("name", CALLS)
def test_each_api(install, provider, client, name):
    operation, output, call = CALLS[name]
    if name == "decisions" and not hasattr(client, "decisions"):
        pytest.skip("not in this version of openai")
    telemetry = install(CAPTURE="true", GENSPAN_DIALECTS="genai,mlflow")
    call(client)
    (span,) = telemetry.spans
    assert verdict.operation(span) == operation
    assert span.attributes.get("gen_ai.output.type") == output
    assert (verdict.failed(span), verdict.ended(span)) == (None, None)
    if name == "remix":  # names no model
        return
    _sum(telemetry, provider)


def test_sound_is_billed_by_the_second(install, client):
    telemetry = install()
    client.audio.transcriptions.create(model="whisper-1", file=SOUND)
    (span,) = telemetry.spans
    assert span.attributes["genspan.usage.audio.seconds"] == 7.0
    assert not [name for name in span.attributes if name.endswith("_tokens")]


def test_what_is_billed_beside_the_tokens(install, provider, client):
    telemetry = install()
    details = {"text_tokens": 10, "image_tokens": 0}
    image = {"input_tokens": 10, "output_tokens": 1056, "total_tokens": 1066, "input_tokens_details": details}
    usage = {"input_tokens": 20, "output_tokens": 9, "total_tokens": 29}
    inputs = {"cached_tokens": 8, "cache_write_tokens": 6}
    inputs["cache_write_tokens_details"] = {"ttl_30m_tokens": 4, "ttl_12h_tokens": 2}
    usage |= {"input_tokens_details": inputs, "output_tokens_details": {"reasoning_tokens": 3}}
    body = {"id": "resp_1", "object": "response", "status": "completed", "model": "gpt-5", "output": [], "usage": usage}
    provider.script({"body": {**body, "tool_usage": {"image_gen": image, "web_search": {"num_requests": 2}}}})
    client.responses.create(model="gpt-5", input="Draw and search")
    svg = {"input_tokens": 5, "output_tokens": 700, "total_tokens": 705}
    provider.script({"body": {"created": 1, "data": [], "usage": image, "svg_usage": svg}})
    client.images.generate(model="gpt-image-2", prompt="a cat")
    first, second = (dict(span.attributes) for span in telemetry.spans)
    assert first["gen_ai.usage.input_tokens"] == 20
    assert first["genspan.usage.tool.input_tokens"] == 10
    assert first["genspan.usage.tool.output_tokens"] == 1056
    assert first["genspan.usage.web_search.requests"] == 2
    assert first["gen_ai.usage.cache_read.input_tokens"] == 8
    assert first["gen_ai.usage.cache_write.input_tokens"] == 6
    assert first["genspan.usage.cache_write_30m.input_tokens"] == 4
    assert first["genspan.usage.cache_write_12h.input_tokens"] == 2
    assert json.loads(first["mlflow.chat.tokenUsage"])["cache_creation_input_tokens_above_1hr"] == 2
    assert first["gen_ai.usage.reasoning.output_tokens"] == 3
    assert second["genspan.usage.svg.output_tokens"] == 700
    assert second["gen_ai.usage.text.input_tokens"] == 10
    assert [found for span in telemetry.spans if (found := verdict.violations(span))] == []


def test_details_of_a_prediction(install, provider, client):
    telemetry = install()
    outputs = {"reasoning_tokens": 0, "accepted_prediction_tokens": 4, "rejected_prediction_tokens": 2}
    usage = {"prompt_tokens": 5, "completion_tokens": 9, "total_tokens": 14, "completion_tokens_details": outputs}
    provider.script({"usage": {**usage, "prompt_tokens_details": {"audio_tokens": 3, "image_tokens": 1}}})
    client.chat.completions.create(**CHAT)
    (span,) = telemetry.spans
    assert span.attributes["genspan.usage.accepted_prediction.output_tokens"] == 4
    assert span.attributes["genspan.usage.rejected_prediction.output_tokens"] == 2
    assert span.attributes["gen_ai.usage.audio.input_tokens"] == 3
    assert span.attributes["gen_ai.usage.image.input_tokens"] == 1


# What is generated apart from the request that reads it


def test_a_background_response_counts_once(install, provider, client):
    telemetry = install()
    made = client.responses.create(**ASK, background=True)
    for _ in range(5):
        client.responses.retrieve(made.id)
    client.beta.responses.retrieve(made.id)
    operations = [verdict.operation(span) for span in telemetry.spans]
    assert operations == ["chat", "fetch_response", "fetch_response", "chat", *["fetch_response"] * 3]
    assert {span.attributes["gen_ai.response.id"] for span in telemetry.spans} == {made.id}
    assert _usage_of(telemetry, "fetch_response") == []
    assert provider.ledger.total().input > 0
    _figures(telemetry, provider)


def test_a_background_stream_is_resumed(install, provider, client):
    telemetry = install()
    stream = client.responses.create(model="gpt-4.1-mini", input="[[hold=1]] Hello", background=True, stream=True)
    event = next(stream)
    stream.close()
    list(client.responses.retrieve(event.response.id, stream=True, starting_after=event.sequence_number))
    with client.responses.stream(response_id=event.response.id, starting_after=2) as again:
        again.until_done()
    client.responses.retrieve(event.response.id)
    assert [verdict.operation(span) for span in telemetry.spans] == ["chat", "chat", *["fetch_response"] * 2]
    assert telemetry.spans[1].attributes["gen_ai.request.stream_cursor"] == "0"
    total = provider.ledger.total()
    assert telemetry.usage() == Counts(total.input, total.output) != Counts(0, 0)


def test_what_was_counted_is_not_counted_when_it_is_read(install, provider, client):
    telemetry = install()
    first = client.responses.create(**ASK)
    client.responses.retrieve(first.id)
    second = client.chat.completions.create(**CHAT, store=True)
    client.chat.completions.retrieve(second.id)
    client.responses.cancel(first.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve("resp_of_somebody_else")
    client.responses.delete(first.id)
    expected = ["chat", "fetch_response", "chat", *["fetch_response"] * 3]
    assert [verdict.operation(span) for span in telemetry.spans] == expected
    assert telemetry.spans[-1].attributes["gen_ai.response.id"] == "resp_of_somebody_else"
    assert _usage_of(telemetry, "fetch_response") == []
    _figures(telemetry, provider)


def test_a_batch_counts_once(install, provider, client):
    telemetry = install()
    batch = client.batches.create(**BATCH)
    for _ in range(4):
        client.batches.retrieve(batch.id)
    assert [verdict.operation(span) for span in telemetry.spans] == ["fetch_response", "chat", *["fetch_response"] * 2]
    _figures(telemetry, provider)


def _usage_of(telemetry, operation):
    return [name for span in telemetry.named(operation) for name in span.attributes if "usage" in name.lower()]


def _figures(telemetry, provider):
    """As `sound`, for several calls that are traces of their own."""
    total = provider.ledger.total()
    assert telemetry.usage() == telemetry.measured() == Counts(total.input, total.output)
    assert [found for span in telemetry.spans if (found := verdict.violations(span))] == []


# Websockets


def _responses_over_a_socket(client):
    with client.responses.connect() as connection:
        for text in ("Hello there", "[[text=Once more]] hello"):
            connection.response.create(model="gpt-4.1-mini", input=text)
            for event in connection:
                if event.type == "response.completed":
                    break
        connection.response.create(model="gpt-4.1-mini", input="left")
        for event in connection:
            if event.type == "response.output_text.delta":
                break


async def _responses_over_an_async_socket(client):
    async with client.responses.connect() as connection:
        for text in ("Hello there", "[[text=Once more]] hello"):
            await connection.response.create(model="gpt-4.1-mini", input=text)
            async for event in connection:
                if event.type == "response.completed":
                    break
        await connection.response.create(model="gpt-4.1-mini", input="left")
        async for event in connection:
            if event.type == "response.output_text.delta":
                break
    await client.close()


def _run(provider, mode, sync, asynchronous):
    client = make_client(provider.url, mode == "async")
    if mode == "async":
        asyncio.run(asynchronous(client))
    else:
        sync(client)
        client.close()


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_responses_over_a_websocket(install, provider, mode):
    telemetry = install(CAPTURE="true", GENSPAN_DIALECTS="genai,mlflow")
    _run(provider, mode, _responses_over_a_socket, _responses_over_an_async_socket)
    catch_up()
    first, second, left = telemetry.spans
    assert [verdict.ended(span) for span in telemetry.spans] == [None, None, "closed"]
    assert json.loads(first.attributes["gen_ai.input.messages"])[0]["parts"][0]["content"] == "Hello there"
    assert json.loads(second.attributes["gen_ai.output.messages"])[0]["parts"][0]["content"] == "Once more"
    assert "gen_ai.usage.input_tokens" not in left.attributes
    billed = provider.ledger.billed[:2]
    assert telemetry.usage() == Counts(sum(one.bill.input for one in billed), sum(one.bill.output for one in billed))
    assert telemetry.unbalanced() == {}
    assert [found for span in telemetry.spans if (found := verdict.violations(span))] == []
    assert API_KEY.encode() not in telemetry.exported()
    assert {span.attributes["server.port"] for span in telemetry.spans} == {provider.port}


def _realtime(client):
    content = [{"type": "input_text", "text": "Say hello"}]
    with client.realtime.connect(model="gpt-realtime") as connection:
        connection.conversation.item.create(item={"type": "message", "role": "user", "content": content})
        connection.input_audio_buffer.commit()
        connection.response.create()
        for event in connection:
            if event.type == "response.done":
                break


async def _async_realtime(client):
    content = [{"type": "input_text", "text": "Say hello"}]
    async with client.realtime.connect(model="gpt-realtime") as connection:
        await connection.conversation.item.create(item={"type": "message", "role": "user", "content": content})
        await connection.input_audio_buffer.commit()
        await connection.response.create()
        async for event in connection:
            if event.type == "response.done":
                break
    await client.close()


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_realtime(install, provider, mode):
    telemetry = install(CAPTURE="true", GENSPAN_DIALECTS="genai,mlflow")
    _run(provider, mode, _realtime, _async_realtime)
    heard, answered = telemetry.spans
    assert heard.attributes["gen_ai.request.model"] == "gpt-4o-transcribe"
    assert answered.attributes["gen_ai.request.model"] == "gpt-realtime"
    assert answered.attributes["gen_ai.usage.audio.output_tokens"] == 30
    assert json.loads(answered.attributes["gen_ai.output.messages"])[0]["parts"][0]["content"].startswith("Hello")
    _figures(telemetry, provider)
    assert telemetry.unbalanced() == {}
    assert API_KEY.encode() not in telemetry.exported()


def test_several_responses_at_a_time_in_one_websocket(install):
    """Lanes: events have a `stream_id`, and deltas no id of their response. No connection is needed to see it."""
    telemetry = install(CAPTURE="true")
    connection = _silent_connection()
    for lane in ("a", "b"):
        asked = {"type": "response.create", "stream_id": lane, "model": "gpt-4.1-mini", "input": f"asked in {lane}"}
        connection.send(asked)
    place = {"output_index": 0, "content_index": 0, "item_id": "m"}
    for kind in ("created", "delta", "completed"):
        for lane in ("b", "a"):
            usage = {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7} if kind == "completed" else None
            whole = {"id": f"resp-{lane}", "status": kind, "model": "gpt-4.1-mini", "output": [], "usage": usage}
            event = {"type": f"response.{kind}", "stream_id": lane, "response": whole}
            if kind == "delta":
                event = {"type": "response.output_text.delta", "stream_id": lane, **place, "delta": f"answer in {lane}"}
            connection.parse_event(json.dumps(event))
    told = {}
    for span in telemetry.spans:
        asked, answered = (json.loads(span.attributes[f"gen_ai.{side}.messages"]) for side in ("input", "output"))
        told[span.attributes["gen_ai.response.id"]] = [one[0]["parts"][0]["content"] for one in (asked, answered)]
    assert told == {f"resp-{lane}": [f"asked in {lane}", f"answer in {lane}"] for lane in ("a", "b")}


def _silent_connection():
    from types import SimpleNamespace

    from openai.resources.responses.responses import ResponsesConnection

    uri = SimpleNamespace(host="127.0.0.1", port=80, secure=False)
    request = SimpleNamespace(headers=SimpleNamespace(raw_items=dict), path="/v1/responses")
    return ResponsesConnection(
        SimpleNamespace(protocol=SimpleNamespace(uri=uri), request=request, send=lambda data: None)
    )


def test_a_websocket_is_the_same_bare(install, provider, client):
    def events():
        with client.responses.connect() as connection:
            connection.response.create(model="gpt-4.1-mini", input="Hello there")
            found = []
            for event in connection:
                found.append((type(event), event.type))
                if event.type == "response.completed":
                    return found
        return None

    bare = events()
    install()
    assert events() == bare


# Tool loops


def _runner(twin, execute):
    module = pytest.importorskip("openai.lib.responses_tool_runner", reason="not in this version of openai")
    parameters = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    tool = {"type": "function", "name": "get_weather", "description": "The weather.", "strict": True}
    tool["parameters"] = {**parameters, "additionalProperties": False}
    function = getattr(module, f"{twin}RegisteredFunction")(tool=tool, execute=execute)
    return getattr(module, f"{twin}ResponsesToolRunner")(functions=[function])


def _weather(arguments):
    return "sunny"


async def _async_weather(arguments):
    return "sunny"


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("stream", [False, True])
def test_a_tool_loop(install, provider, mode, stream):
    runner = _runner("Async", _async_weather) if mode == "async" else _runner("", _weather)
    telemetry = install(CAPTURE="true", GENSPAN_DIALECTS="genai,mlflow")
    passed = {"model": "gpt-4.1-mini", "input": "What is the weather in Paris?"}

    async def run(client):
        assert (await runner.run(client, passed, max_steps=4, stream=stream)).output_text
        await client.close()

    _run(provider, mode, lambda client: runner.run(client, passed, max_steps=4, stream=stream), run)
    _sum(telemetry, provider)
    verdict.nested(telemetry, True)
    (tool,) = telemetry.named("execute_tool")
    assert json.loads(tool.attributes["gen_ai.tool.call.arguments"]) == {"city": "Paris"}
    assert len(telemetry.named("chat")) == 2


def test_a_failing_tool_is_not_the_models_fault(install, provider, client):
    def execute(arguments):
        raise KeyError("nobody knows")

    runner = _runner("", execute)
    telemetry = install()
    with pytest.raises(Exception):  # noqa: B017  # the SDK's own error around the tool's
        runner.run(client, {"model": "gpt-4.1-mini", "input": "What is the weather in Paris?"}, max_steps=4)
    (tool,), (call,), (agent,) = (telemetry.named(one) for one in ("execute_tool", "chat", "invoke_agent"))
    assert verdict.failed(tool) == "KeyError"
    assert verdict.failed(call) is None
    assert verdict.failed(agent) is not None


# Content


def test_content_of_a_chat(install, provider, client):
    telemetry = install(CAPTURE="true", GENSPAN_DIALECTS="genai,mlflow")
    image = "data:image/png;base64," + base64.b64encode(b"png").decode()
    parts = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": image}}]
    call = {"id": "call-1", "type": "function", "function": {"name": "look", "arguments": '{"x": 1}'}}
    client.chat.completions.create(
        model="gpt-4.1-mini",
        messages=[
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": parts},
            {"role": "assistant", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "call-1", "content": "a cat"},
        ],
        tools=[{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}],
    )
    (span,) = telemetry.spans
    told = json.loads(span.attributes["gen_ai.input.messages"])
    assert [message["role"] for message in told] == ["developer", "user", "assistant", "tool"]
    assert told[1]["parts"][1] == {"type": "blob", "modality": "image", "mime_type": "image/png", "content": "cG5n"}
    assert told[2]["parts"] == [{"type": "tool_call", "name": "look", "arguments": {"x": 1}, "id": "call-1"}]
    assert told[3]["parts"] == [{"type": "tool_call_response", "response": "a cat", "id": "call-1"}]
    answer = json.loads(span.attributes["gen_ai.output.messages"])[0]
    assert answer["finish_reason"] == "stop"
    verdict.sound(telemetry)


CHUNK = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4.1-mini"}


def _delta(index=0, reason=None, **delta):
    return {**CHUNK, "choices": [{"index": index, "delta": delta, "finish_reason": reason}]}


def _piece(index, arguments, **fields):
    function = {"arguments": arguments, **({"name": fields.pop("name")} if "name" in fields else {})}
    return _delta(tool_calls=[{"index": index, **fields, "function": function}])


STREAMED_CALLS = {
    "in turn": [_piece(0, '{"a"', id="c1", name="one"), _piece(0, ": 1}"), _piece(1, "{}", id="c2", name="two")],
    "mixed": [
        _piece(0, "", id="c1", name="one"),
        _piece(1, "", id="c2", name="two"),
        _piece(0, '{"a": 1}'),
        _piece(1, "{}"),
    ],
    "sparse": [_piece(3, '{"a": 1}', id="c1", name="one"), _piece(7, "{}", id="c2", name="two")],
    "no index": [
        _piece(None, '{"a"', id="c1", name="one"),
        _piece(None, ": 1}"),
        _piece(None, "{}", id="c2", name="two"),
    ],
    "one index": [_piece(0, '{"a": 1}', id="c1", name="one"), _piece(0, "{}", id="c2", name="two")],
    "id repeated": [
        _piece(0, '{"a"', id="c1", name="one"),
        _piece(0, ": 1}", id="c1", name="one"),
        _piece(1, "{}", id="c2", name="two"),
    ],
}


@pytest.mark.parametrize("name", STREAMED_CALLS)
def test_streamed_tool_calls(install, provider, client, name):
    telemetry = install(CAPTURE="true")
    frames = [b"data: " + json.dumps(one).encode() + b"\n\n" for one in STREAMED_CALLS[name]]
    frames.append(b"data: " + json.dumps(_delta(reason="tool_calls")).encode() + b"\n\ndata: [DONE]\n\n")
    provider.script({"frames": frames})
    list(client.chat.completions.create(**CHAT, stream=True))
    (span,) = telemetry.spans
    parts = json.loads(span.attributes["gen_ai.output.messages"])[0]["parts"]
    assert [(part["name"], part["arguments"], part["id"]) for part in parts] == [
        ("one", {"a": 1}, "c1"),
        ("two", {}, "c2"),
    ]


def test_several_streamed_choices(install, provider, client):
    telemetry = install(CAPTURE="true")
    list(client.chat.completions.create(**CHAT, n=3, stream=True))
    (span,) = telemetry.spans
    assert span.attributes["gen_ai.response.finish_reasons"] == ("stop",) * 3
    assert span.attributes["gen_ai.request.choice.count"] == 3
    assert len(json.loads(span.attributes["gen_ai.output.messages"])) == 3


def test_a_refusal_and_reasoning(install, provider, client):
    telemetry = install(CAPTURE="true", GENSPAN_DIALECTS="genai,mlflow")
    message = {"role": "assistant", "content": None, "refusal": "No.", "reasoning_content": "They must not."}
    choice = {"index": 0, "message": message, "finish_reason": "content_filter"}
    provider.script({"body": {"id": "c", "model": "m", "object": "chat.completion", "created": 1, "choices": [choice]}})
    client.chat.completions.create(**CHAT)
    (span,) = telemetry.spans
    parts = json.loads(span.attributes["gen_ai.output.messages"])[0]["parts"]
    assert [(part["type"], part["content"]) for part in parts] == [("reasoning", "They must not."), ("refusal", "No.")]
    assert span.attributes["gen_ai.response.finish_reasons"] == ("content_filter",)
    verdict.sound(telemetry)


def test_attributes_of_the_refinement(install, client):
    telemetry = install()
    client.chat.completions.create(**CHAT, service_tier="flex", reasoning_effort="high", seed=7, stop=["x"], n=1)
    stored = {"id": "pmpt_1", "version": "3"}
    client.responses.create(
        **ASK, previous_response_id="resp_0", conversation="conv_1", reasoning={"effort": "low"}, prompt=stored
    )
    chat, ask = (dict(span.attributes) for span in telemetry.spans)
    assert chat["openai.api.type"] == "chat_completions"
    assert chat["openai.request.service_tier"] == chat["openai.response.service_tier"] == "flex"
    assert chat["openai.response.system_fingerprint"] == "fp_fake"
    assert chat["gen_ai.request.reasoning.level"] == "high"
    assert chat["gen_ai.request.stop_sequences"] == ("x",)
    assert "gen_ai.request.choice.count" not in chat
    assert ask["openai.api.type"] == "responses"
    assert ask["gen_ai.request.previous_response.id"] == "resp_0"
    assert ask["gen_ai.conversation.id"] == "conv_1"
    assert (ask["gen_ai.prompt.name"], ask["gen_ai.prompt.version"]) == ("pmpt_1", "3")
    assert ask["gen_ai.response.status"] == "completed"
