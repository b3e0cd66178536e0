"""Websockets: one span for each response, whatever becomes of the connection."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from tests.openai.conftest import catch_up, run_with, traces
from tests.support import verdict
from tests.support.openai_surfaces import API_KEY
from tests.support.telemetry import Counts

# openai deprecates what it has, and websockets how openai uses it.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


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


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_responses_over_a_websocket(install, provider, mode):
    telemetry = install(CAPTURE="true", GENSPAN_DIALECTS="genai,mlflow")
    run_with(provider, mode, _responses_over_a_socket, _responses_over_an_async_socket)
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
    run_with(provider, mode, _realtime, _async_realtime)
    heard, answered = telemetry.spans
    assert heard.attributes["gen_ai.request.model"] == "gpt-4o-transcribe"
    assert answered.attributes["gen_ai.request.model"] == "gpt-realtime"
    assert answered.attributes["gen_ai.usage.audio.output_tokens"] == 30
    assert json.loads(answered.attributes["gen_ai.output.messages"])[0]["parts"][0]["content"].startswith("Hello")
    traces(telemetry, provider)
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
    found = {}
    for span in telemetry.spans:
        asked, answered = (json.loads(span.attributes[f"gen_ai.{side}.messages"]) for side in ("input", "output"))
        found[span.attributes["gen_ai.response.id"]] = [one[0]["parts"][0]["content"] for one in (asked, answered)]
    assert found == {f"resp-{lane}": [f"asked in {lane}", f"answer in {lane}"] for lane in ("a", "b")}


def _silent_connection():

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


def test_a_transcription_without_figures_is_no_call(install, provider, client):
    telemetry = install()
    with client.realtime.connect(model="gpt-realtime") as connection:
        transcribed = {"type": "conversation.item.input_audio_transcription.completed", "transcript": "Hello there."}
        connection.parse_event(json.dumps(transcribed))
        assert telemetry.started == 0
        connection.parse_event(json.dumps({**transcribed, "usage": {"type": "duration", "seconds": 2}}))
    (span,) = telemetry.spans
    assert span.attributes["genspan.usage.audio.seconds"] == 2.0


# A request that is refused, and a connection that is lost


def _refused(client):
    with client.responses.connect() as connection:
        connection.response.create(model="gpt-4.1-mini", input="[[status=400]] Hello", previous_response_id="resp_0")
        assert next(iter(connection)).type == "error"
        connection.response.create(model="gpt-4.1-mini", input="Hello there")
        for event in connection:
            if event.type == "response.completed":
                break


async def _async_refused(client):
    async with client.responses.connect() as connection:
        await connection.response.create(
            model="gpt-4.1-mini", input="[[status=400]] Hello", previous_response_id="resp_0"
        )
        assert (await connection.recv()).type == "error"
        await connection.response.create(model="gpt-4.1-mini", input="Hello there")
        async for event in connection:
            if event.type == "response.completed":
                break
    await client.close()


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_a_request_that_is_refused(install, provider, mode):
    telemetry = install(CAPTURE="true")
    run_with(provider, mode, _refused, _async_refused)
    refused, answered = telemetry.spans
    assert (verdict.failed(refused), verdict.failed(answered)) == ("previous_response_not_found", None)
    assert refused.attributes["gen_ai.request.model"] == "gpt-4.1-mini"
    assert "Hello" in refused.attributes["gen_ai.input.messages"]
    traces(telemetry, provider)


def _refused_speech(client):
    with client.realtime.connect(model="gpt-realtime") as connection:
        connection.response.create(event_id="refuse")
        while next(iter(connection)).type != "error":
            pass


async def _async_refused_speech(client):
    async with client.realtime.connect(model="gpt-realtime") as connection:
        await connection.response.create(event_id="refuse")
        while (await connection.recv()).type != "error":
            pass
    await client.close()


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_a_realtime_response_that_is_refused(install, provider, mode):
    telemetry = install()
    run_with(provider, mode, _refused_speech, _async_refused_speech)
    (span,) = telemetry.spans
    assert verdict.failed(span) == "conversation_already_has_active_response"
    assert telemetry.unbalanced() == {}


def _lost(client):
    with client.responses.connect() as connection:
        connection.response.create(model="gpt-4.1-mini", input="[[cut=3]] Hello there")
        with pytest.raises(Exception) as raised:  # one of the library that openai has for websockets
            while True:
                connection.recv()
        assert type(raised.value).__name__.startswith("ConnectionClosed")


async def _async_lost(client):
    async with client.responses.connect() as connection:
        await connection.response.create(model="gpt-4.1-mini", input="[[cut=3]] Hello there")
        with pytest.raises(Exception) as raised:
            while True:
                await connection.recv()
        assert type(raised.value).__name__.startswith("ConnectionClosed")
    await client.close()


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_a_connection_that_is_lost(install, provider, mode):
    telemetry = install()
    run_with(provider, mode, _lost, _async_lost)
    (span,) = telemetry.spans
    assert verdict.ended(span) == "failed"
    assert verdict.failed(span).endswith(("ConnectionClosedOK", "ConnectionClosedError"))
    assert "gen_ai.usage.input_tokens" not in span.attributes
    assert telemetry.unbalanced() == {}


# What is sent past `send`


@pytest.mark.parametrize("way", ["text", "bytes", "model"])
def test_a_request_is_known_however_it_is_sent(install, way):
    from openai._models import BaseModel

    telemetry = install(CAPTURE="true")
    connection = _silent_connection()
    asked = {"type": "response.create", "model": "gpt-4.1-mini", "input": "asked"}
    if way == "model":
        connection.send(BaseModel.construct(**asked))
    elif not hasattr(connection, "send_raw"):
        pytest.skip("not in this version of openai")
    else:
        connection.send_raw(json.dumps(asked) if way == "text" else json.dumps(asked).encode())
    whole = {"id": "resp-1", "status": "completed", "model": "gpt-4.1-mini", "output": []}
    for kind in ("created", "completed"):
        connection.parse_event(json.dumps({"type": f"response.{kind}", "response": whole}))
    (span,) = telemetry.spans
    assert json.loads(span.attributes["gen_ai.input.messages"])[0]["parts"][0]["content"] == "asked"


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_lanes_of_a_session(install, provider, mode):
    lanes = pytest.importorskip("openai.lib.responses_websocket", reason="not in this version of openai")
    asked = {"type": "response.create", "model": "gpt-4.1-mini"}
    limits = lanes.ResponsesWebSocketLimits(4, 1000, 1000, 1_000_000, 1_000_000)

    def sync(client):
        connected = client.responses.connect()
        with connected as connection, lanes.ResponsesWebSocketSession(connection, limits=limits) as session:
            made = [session.lane(name) for name in ("a", "b")]
            for lane, name in zip(made, "ab", strict=True):
                lane.send({**asked, "input": f"asked in {name}"})
            for lane in made:
                assert lane.get_final_response(timeout=20).usage

    async def asynchronous(client):
        async with client.responses.connect() as connection:
            session = lanes.AsyncResponsesWebSocketSession(connection, limits=limits)
            async with session:
                made = [session.lane(name) for name in ("a", "b")]
                for lane, name in zip(made, "ab", strict=True):
                    await lane.send({**asked, "input": f"asked in {name}"})
                for lane in made:
                    assert (await lane.get_final_response()).usage
        await client.close()

    telemetry = install(CAPTURE="true")
    with telemetry.tracer_provider.get_tracer("mine").start_as_current_span("the program's"):
        run_with(provider, mode, sync, asynchronous)
    *calls, mine = telemetry.spans
    assert {span.parent.span_id for span in calls} == {mine.context.span_id}  # a thread of the SDK reads
    found = {json.loads(span.attributes["gen_ai.input.messages"])[0]["parts"][0]["content"] for span in calls}
    assert found == {"asked in a", "asked in b"}
    assert [(verdict.ended(span), verdict.violations(span)) for span in calls] == [(None, [])] * 2
    total = provider.ledger.total()
    assert telemetry.usage() == telemetry.measured() == Counts(total.input, total.output)


# Live sessions


def _live(client, closes):
    with client.live.connect() as connection:
        connection.session.start(session={"model": "gpt-live-1", "instructions": "Be brief."})
        connection.session.instructions.append(content="Go on.", delegation_id=None)
        for event in connection:
            if event.type == "session.output_audio.delta" and not closes:
                return
            if event.type == "session.output_audio.delta":
                connection.session.close()
            if event.type == "session.closed":
                return


async def _async_live(client, closes):
    async with client.live.connect() as connection:
        await connection.session.start(session={"model": "gpt-live-1", "instructions": "Be brief."})
        await connection.session.instructions.append(content="Go on.", delegation_id=None)
        async for event in connection:
            if event.type == "session.output_audio.delta" and not closes:
                break
            if event.type == "session.output_audio.delta":
                await connection.session.close()
            if event.type == "session.closed":
                break
    await client.close()


@pytest.mark.parametrize("closes", [True, False])
@pytest.mark.parametrize("mode", ["sync", "async"])
def test_a_live_session(install, provider, mode, closes):
    pytest.importorskip("openai.resources.live", reason="not in this version of openai")
    telemetry = install(CAPTURE="true", GENSPAN_DIALECTS="genai,mlflow")
    run_with(provider, mode, lambda client: _live(client, closes), lambda client: _async_live(client, closes))
    catch_up()
    response, decision, session = telemetry.spans
    assert response.name == "chat gpt-4.1-mini-2026-08-01"
    assert decision.attributes["gen_ai.request.model"] == "gpt-5-nano"
    assert session.name == "generate_content gpt-live-1"
    assert session.attributes["genspan.usage.audio.seconds"] == (9.25 if closes else 4.5)
    assert verdict.ended(session) == (None if closes else "closed")
    assert json.loads(session.attributes["gen_ai.system_instructions"])[0]["content"] == "Be brief."
    assert {span.attributes["server.port"] for span in telemetry.spans} == {provider.port}
    traces(telemetry, provider)
