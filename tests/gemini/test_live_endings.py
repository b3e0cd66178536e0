"""How live sessions end: whole turns stay so, a turn that broke says how."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from google.genai import errors
from websockets.exceptions import ConnectionClosed

from tests.support import verdict
from tests.support.live_programs import ask, connect, read, said, turns, used

# google-genai deprecates methods of its own, and speaks of previews.
pytestmark = pytest.mark.filterwarnings("ignore:::google", "ignore::DeprecationWarning")


def _breaks(how):
    async def script(socket):
        await socket.receive()
        await socket.answer("whole", usage=socket.usage(50, 9))
        await socket.receive()
        await socket.say("begun and")
        if how == "lost":
            socket.lose()
        else:
            await socket.close(how)

    return script


async def _two_questions(client):
    async with connect(client) as session:
        for text in ("first", "second"):
            await ask(session, text)
            try:
                await read(session)
            except Exception as error:
                return type(error), getattr(error, "code", None)
    return None


@pytest.mark.parametrize("how", [1000, 1011, "lost"])
def test_a_connection_that_ends_within_a_turn(install, live, how):
    bare = live(_breaks(how), _two_questions).result
    telemetry = install(CAPTURE="true")
    assert live(_breaks(how), _two_questions).result == bare
    whole, broken = turns(telemetry)
    assert (used(whole), verdict.ended(whole), verdict.failed(whole)) == ((50, 9), None, None)
    assert (used(broken), verdict.ended(broken)) == ((None, None), "failed")
    assert verdict.failed(broken) == ("ConnectionClosedOK" if how == 1000 else "ConnectionClosedError")
    assert said(broken, "output") == [("assistant", ["begun and"])]
    (session,) = telemetry.named("invoke_agent")
    assert verdict.failed(session) == (None if how == 1000 else "ConnectionClosedError")


@pytest.mark.parametrize(("how", "failed"), [(1000, None), (1001, None), (1011, "ConnectionClosedError")])
def test_a_session_that_the_service_closes_between_turns(install, live, how, failed):
    async def script(socket):
        await socket.receive()
        await socket.answer("whole")
        await socket.close(how)

    async def program(client):
        async with connect(client) as session:
            await ask(session, "question")
            await read(session)
            with pytest.raises((errors.APIError, ConnectionClosed)):
                await read(session)

    telemetry = install()
    live(script, program)
    (turn,) = turns(telemetry)
    assert verdict.ended(turn) is verdict.failed(turn) is None
    assert verdict.failed(telemetry.named("invoke_agent")[0]) == failed


def test_a_question_that_is_never_answered(install, live):
    async def script(socket):
        await socket.receive()
        await socket.close(1011)

    async def program(client):
        async with connect(client) as session:
            await ask(session, "question")
            with suppress(Exception):
                await read(session)

    telemetry = install(CAPTURE="true")
    live(script, program)
    (turn,) = turns(telemetry)
    assert (verdict.ended(turn), verdict.failed(turn)) == ("failed", "ConnectionClosedError")
    assert said(turn, "input") == [("user", ["question"])]


async def _begins(socket):
    await socket.receive()
    await socket.say("begun and")


@pytest.mark.parametrize("how", ["leaves", "closes", "raises", "cancelled"])
def test_a_program_that_leaves_within_a_turn(install, live, how):
    async def program(client):
        async with connect(client) as session:
            await ask(session, "question")
            async for _ in session.receive():
                if how == "closes":
                    await session.close()
                elif how == "raises":
                    raise ValueError("the program's own")
                elif how == "cancelled":
                    asyncio.current_task().cancel()
                    await asyncio.sleep(30)
                break

    async def caught(client):
        try:
            await asyncio.ensure_future(program(client))
        except (ValueError, asyncio.CancelledError) as error:
            return type(error).__name__

    telemetry = install()
    result = live(_begins, caught).result
    assert result == {"raises": "ValueError", "cancelled": "CancelledError"}.get(how)
    (turn,) = turns(telemetry)
    assert verdict.ended(turn) == ("cancelled" if how == "cancelled" else "closed")
    assert verdict.failed(turn) == ("CancelledError" if how == "cancelled" else None)
    assert verdict.failed(telemetry.named("invoke_agent")[0]) is None


def test_reading_that_is_given_up_is_no_end_of_a_turn(install, live):
    async def script(socket):
        await socket.receive()
        await socket.say("begun ")
        await socket.receive()
        await socket.answer("and ended", usage=socket.usage(5, 2))

    async def program(client):
        async with connect(client) as session:
            await ask(session, "question")
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(read(session), 0.3)
            await ask(session, "go on", complete=False)
            await read(session)

    telemetry = install(CAPTURE="true")
    live(script, program)
    (turn,) = turns(telemetry)
    assert (used(turn), verdict.ended(turn)) == ((5, 2), None)
    assert said(turn, "output") == [("assistant", ["begun and ended"])]


def test_a_handshake_that_is_refused(install, live):
    async def program(client):
        with pytest.raises(Exception) as raised:
            async with connect(client):
                pass
        return type(raised.value).__name__

    telemetry = install()
    refused = live(_begins, program, refuse=403).result
    (session,) = telemetry.spans
    assert verdict.failed(session) == refused
    assert telemetry.unbalanced() == {}
