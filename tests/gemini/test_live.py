"""Live sessions over a real websocket: one span for each turn, under one for the session."""

from __future__ import annotations

import asyncio
import gc
import json
from contextlib import suppress
from types import SimpleNamespace

import pytest
from google.genai import types

from tests.support import surfaces, verdict
from tests.support.live_programs import BACKENDS, ask, connect, one_answer, one_turn, read, said, turns, used
from tests.support.telemetry import Counts

# google-genai deprecates methods of its own, and speaks of previews.
pytestmark = pytest.mark.filterwarnings("ignore:::google", "ignore::DeprecationWarning")

SOUND = b"\x00\x01" * 4000


@pytest.mark.parametrize("backend", BACKENDS)
def test_each_turn_has_its_question_answer_and_usage(install, live, backend):
    async def script(socket):
        for n in range(3):
            await socket.receive()
            await socket.answer(f"part {n} ", f"end {n}", usage=socket.usage(100 + 40 * n, 10 + n, thoughts=3))

    async def program(client):
        async with connect(client) as session:
            for n in range(3):
                await ask(session, f"question {n}")
                await read(session)

    telemetry = install(CAPTURE="true", GENSPAN_DIALECTS="genai,mlflow")
    service = live(script, program, backend)
    found = turns(telemetry)
    assert [used(span) for span in found] == [(100, 13), (140, 14), (180, 15)]
    assert telemetry.usage() == service.billed() == Counts(420, 42)
    for n, span in enumerate(found):
        assert said(span, "input") == [("user", [f"question {n}"])]
        assert said(span, "output") == [("assistant", [f"part {n} end {n}"])]
        assert span.attributes["gen_ai.response.finish_reasons"] == ("stop",)
        assert verdict.ended(span) is verdict.failed(span) is None
        assert span.name == "generate_content gemini-live-2.5-flash"
        assert span.attributes["gen_ai.provider.name"] == ("gcp.gemini" if backend == "gemini" else "gcp.vertex_ai")
        assert span.attributes["server.port"] == service.port
        assert span.attributes["gen_ai.request.temperature"] == 0.5
        assert json.loads(span.attributes["gen_ai.system_instructions"])[0]["content"] == "Be brief"
        conversation = None if backend == "gemini" else "session-1"
        assert span.attributes.get("gen_ai.conversation.id") == conversation
        assert span.attributes["gen_ai.usage.reasoning.output_tokens"] == 3
    (session,) = telemetry.named("invoke_agent")
    assert verdict.failed(session) is None
    assert session.attributes["mlflow.traceTag.mlflow.traceName"].endswith("question 0")
    for secret in (surfaces.API_KEY, surfaces.TOKEN):
        assert secret.encode() not in telemetry.exported()


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("place", ["with words", "before the end", "with the end", "alone after", "twice"])
def test_usage_belongs_to_its_turn_wherever_it_comes(install, live, backend, place):
    async def script(socket):
        for n in (1, 2):
            await socket.receive()
            usage = socket.usage(50 * n, 5 * n)
            content = {"modelTurn": {"parts": [{"text": f"answer {n}"}]}}
            await socket.send(serverContent=content, **({"usageMetadata": usage} if place == "with words" else {}))
            if place == "before the end":
                await socket.send(usageMetadata=usage)
            await socket.over(usage if place in ("with the end", "twice") else None)
            if place in ("alone after", "twice"):
                await socket.send(usageMetadata=usage)

    async def program(client):
        async with connect(client) as session:
            for n in (1, 2):
                await ask(session, f"question {n}")
                await read(session)
            with suppress(asyncio.TimeoutError):  # reads what is there
                await asyncio.wait_for(anext(session.receive()), 0.5)

    telemetry = install(CAPTURE="true")
    live(script, program, backend)
    first, second = turns(telemetry)
    assert [used(first), used(second)] == [(50, 5), (100, 10)]
    assert "question 1" in str(said(first, "input"))
    assert "question 2" in str(said(second, "input"))
    assert [verdict.ended(span) for span in (first, second)] == [None, None]


def test_a_turn_ends_when_it_is_over_and_not_when_its_usage_comes(install, live):
    seen = SimpleNamespace()

    async def script(socket):
        await socket.receive()
        await socket.answer("one")
        await socket.receive()
        await socket.send(usageMetadata=socket.usage(7, 3))
        await socket.answer("two", usage=socket.usage(9, 4))

    async def program(client):
        async with connect(client) as session:
            await ask(session, "first")
            await read(session)
            await asyncio.sleep(0.3)
            await ask(session, "second")
            seen.messages = await read(session)

    telemetry = install()
    live(script, program)
    first, second = turns(telemetry)
    assert [used(first), used(second)] == [(7, 3), (9, 4)]
    assert second.start_time - first.end_time > 0.25e9  # from what was sent, to what was received


@pytest.mark.skipif(not hasattr(types, "InteractionStatus"), reason="not in this version of google-genai")
def test_the_state_of_an_interaction_says_when_a_turn_ends(install, live):
    async def script(socket):
        await socket.receive()
        await socket.say("thinking ")
        await socket.over(socket.usage(10, 2), interactionStatus="IN_PROGRESS")
        await socket.say("answer")
        await socket.over(socket.usage(20, 3), interactionStatus="IDLE")

    async def program(client):
        async with connect(client) as session:
            await ask(session, "question")
            return len(await read(session))

    telemetry = install(CAPTURE="true")
    service = live(script, program)
    assert service.result == 4
    (turn,) = turns(telemetry)
    assert used(turn) == (30, 5)
    assert said(turn, "output") == [("assistant", ["thinking answer"])]


def test_a_turn_that_is_interrupted_says_so(install, live):
    async def script(socket):
        await socket.receive()
        await socket.say("A long story ")
        await socket.receive()
        await socket.send(serverContent={"interrupted": True})
        await socket.over(socket.usage(30, 4))
        await socket.answer("Short.", usage=socket.usage(50, 6))

    async def program(client):
        async with connect(client) as session:
            await ask(session, "Tell a story")
            async for message in session.receive():
                if message.text:
                    await ask(session, "Shorter!")
            await read(session)

    telemetry = install(CAPTURE="true")
    live(script, program)
    first, second = turns(telemetry)
    assert [used(first), used(second)] == [(30, 4), (50, 6)]
    assert first.attributes["gen_ai.response.finish_reasons"] == ("interrupted",)
    assert json.loads(first.attributes["gen_ai.output.messages"])[0]["finish_reason"] == "interrupted"
    assert said(first, "input") == [("user", ["Tell a story"])]
    assert said(second, "input") == [("user", ["Shorter!"])]
    assert second.attributes["gen_ai.response.finish_reasons"] == ("stop",)


@pytest.mark.skipif(not hasattr(types, "TurnCompleteReason"), reason="not in this version of google-genai")
def test_why_a_turn_ended_without_an_answer(install, live):
    async def script(socket):
        await socket.receive()
        await socket.over(socket.usage(30, 0), turnCompleteReason="PROHIBITED_INPUT_CONTENT")

    telemetry = install(CAPTURE="true")
    live(script, one_turn)
    (turn,) = turns(telemetry)
    assert used(turn) == (30, 0)
    assert turn.attributes["gen_ai.response.finish_reasons"] == ("PROHIBITED_INPUT_CONTENT",)
    (message,) = json.loads(turn.attributes["gen_ai.output.messages"])
    assert message["finish_reason"] == "content_filter"


@pytest.mark.parametrize("backend", BACKENDS)
def test_sound_in_and_out_by_what_was_said_and_never_its_bytes(install, live, backend):
    async def script(socket):
        for _ in range(4):
            await socket.receive()
        details = "candidatesTokensDetails" if socket.vertex else "responseTokensDetails"
        for piece in ("What is ", "this?"):
            await socket.send(serverContent={"inputTranscription": {"text": piece}})
        sound = {"mimeType": "audio/pcm;rate=24000", "data": "QUJD" * 4000}
        for piece in ("A ", "dog."):
            await socket.send(serverContent={"modelTurn": {"parts": [{"inlineData": sound}]}})
            await socket.send(serverContent={"outputTranscription": {"text": piece}})
        usage = socket.usage(40, 30, **{details: [{"modality": "AUDIO", "tokenCount": 30}]})
        usage["promptTokensDetails"] = [{"modality": "AUDIO", "tokenCount": 25}, {"modality": "TEXT", "tokenCount": 15}]
        await socket.over(usage)

    async def program(client):
        async with connect(client, response_modalities=["AUDIO"]) as session:
            blob = types.Blob(data=SOUND, mime_type="audio/pcm;rate=16000")
            for _ in range(2):
                await session.send(input=blob)
            await session.send(input=types.Blob(data=b"jpeg", mime_type="image/jpeg"))
            picture = types.Part.from_bytes(data=b"\x89PNG" * 500, mime_type="image/png")
            await session.send_client_content(turns=types.Content(role="user", parts=[picture]), turn_complete=False)
            await read(session)

    telemetry = install(CAPTURE="true", GENSPAN_DIALECTS="genai,mlflow")
    live(script, program, backend)
    (turn,) = turns(telemetry)
    assert used(turn) == (40, 30)
    assert turn.attributes["gen_ai.usage.audio.output_tokens"] == 30
    assert turn.attributes["gen_ai.usage.audio.input_tokens"] == 25
    assert turn.attributes["gen_ai.output.type"] == "speech"
    omitted = {"type": "blob_omitted", "modality": "audio", "mime_type": "audio/pcm;rate=16000", "size": 16000}
    (_, (heard, frame)), (_, (picture,)), (_, (words,)) = said(turn, "input")
    assert heard == omitted
    assert (frame["mime_type"], picture["mime_type"], picture["size"]) == ("image/jpeg", "image/png", 2000)
    assert words == "What is this?"
    ((_, (text, spoken)),) = said(turn, "output")
    assert text == "A dog."
    assert spoken == {**omitted, "mime_type": "audio/pcm;rate=24000", "size": 24000}
    assert b"QUJDQUJD" not in telemetry.exported()
    assert b"AAEAAQ" not in telemetry.exported()


def test_messages_of_the_session_itself_make_no_turn(install, live):
    async def script(socket):
        await socket.send(sessionResumptionUpdate={"newHandle": "handle-1", "resumable": True})
        await socket.send(goAway={"timeLeft": "10s"})
        await socket.send(serverContent={"turnComplete": True})

    async def program(client):
        async with connect(client, session_resumption={"handle": "handle-0"}) as session:
            return len(await read(session))

    telemetry = install(CAPTURE="true")
    assert live(script, program).result == 3
    assert turns(telemetry) == []


def test_several_sessions_at_once(install, live):
    async def script(socket):
        for n in (1, 2):
            question = await socket.receive()
            text = question["client_content"]["turns"][0]["parts"][0]["text"]
            await socket.say(f"to {text}")
            await asyncio.sleep(0.05)
            await socket.over(socket.usage(100 * n, len(text)))

    async def talk(client, name):
        async with connect(client, model=f"gemini-live-{name}") as session:
            for n in (1, 2):
                await ask(session, f"{name} {n}")
                await read(session)

    async def program(client):
        await asyncio.gather(*(talk(client, name) for name in ("a", "bb", "ccc")))

    telemetry = install(CAPTURE="true")
    service = live(script, program)
    assert telemetry.unbalanced() == {}
    assert telemetry.usage() == telemetry.measured() == service.billed()
    sessions = {span.context.span_id: span for span in telemetry.named("invoke_agent")}
    assert len(sessions) == 3
    for span in telemetry.leaves:
        name = span.attributes["gen_ai.request.model"].removeprefix("gemini-live-")
        assert name in str(said(span, "input"))
        assert f"to {name}" in str(said(span, "output"))
        assert sessions[span.parent.span_id].context.trace_id == span.context.trace_id
    assert len({span.parent.span_id for span in telemetry.leaves}) == 3


def test_a_session_is_the_same_bare(install, live):
    async def script(socket):
        await socket.receive()
        await socket.answer("an answer", usage=socket.usage(5, 2))

    async def program(client):
        async with connect(client) as session:
            await ask(session, "question")
            messages = await read(session)
            kind, sent = type(session._ws), session._ws
        return kind, [message.model_dump_json() for message in messages], set(vars(sent))

    bare = live(script, program).result
    telemetry = install()
    assert live(script, program).result == bare
    assert len(turns(telemetry)) == 1


def test_nothing_is_watched_where_nobody_listens(install, live, instrumentor):
    async def script(socket):
        await socket.receive()
        await socket.answer("an answer")

    async def program(client):
        async with connect(client) as session:
            found = set(vars(session._ws)) & {"send", "recv"}
            await ask(session, "question")
            await read(session)
        return found

    telemetry = install()
    instrumentor.uninstrument()
    assert live(script, program).result == set()
    assert telemetry.spans == []


def test_a_session_keeps_nothing_of_its_turns(install, live):
    from genspan.gemini.live_bindings import Session

    install(CAPTURE="true")
    gc.collect()
    gc.disable()
    try:
        live(one_answer, one_turn)
        assert [one for one in gc.get_objects() if isinstance(one, Session)] == []
    finally:
        gc.enable()


def test_no_content_without_capturing(install, live):
    telemetry = install()
    live(one_answer, one_turn)
    assert [used(span) for span in turns(telemetry)] == [(5, 2)]
    for text in ("the question", "the answer", "Be brief"):
        assert text.encode() not in telemetry.exported()
