"""{Gemini API, Vertex AI} x {how a session ends} x {what it ends in}: two sessions at once, of which one goes on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from google import genai

from tests.support import verdict
from tests.support.live_programs import BACKENDS, ask, connect, read, said, used
from tests.support.telemetry import Counts

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

pytestmark = pytest.mark.filterwarnings("ignore:::google", "ignore::DeprecationWarning")


class Ending(NamedTuple):
    """What the service and the program do at the end, and what the span of the turn that it happens in says."""

    name: str
    service: Callable[[Any], Awaitable[None]]
    program: Callable[[Any], Awaitable[None]]
    ended: str | None
    error: str | None
    session: str | None = None
    """The error of the session."""

    def __str__(self) -> str:
        return self.name


async def waits(socket: Any) -> None:
    """Until the client goes."""
    while True:
        await socket.receive()


async def reads(session: Any) -> None:
    async for _ in session.receive():
        pass


async def breaks(session: Any) -> None:
    async for _ in session.receive():
        break


async def closes(session: Any) -> None:
    async for _ in session.receive():
        await session.close()
        break


async def raises(session: Any) -> None:
    async for _ in session.receive():
        raise ValueError("the program's own")


async def is_cancelled(session: Any) -> None:
    async for _ in session.receive():
        asyncio.current_task().cancel()
        await asyncio.Event().wait()


async def lost(socket: Any) -> None:
    socket.lose()


async def errors(socket: Any) -> None:
    await socket.send(error={"code": 503, "message": "overloaded", "status": "UNAVAILABLE"})
    await waits(socket)


def closed(code: int) -> Callable[[Any], Awaitable[None]]:
    async def close(socket: Any) -> None:
        await socket.close(code)

    return close


LOST = "ConnectionClosedError"
ENDINGS = (
    Ending("break", waits, breaks, "closed", None),
    Ending("close", waits, closes, "closed", None),
    Ending("raise", waits, raises, "closed", None),
    Ending("cancel", waits, is_cancelled, "cancelled", "CancelledError"),
    Ending("1000", closed(1000), reads, "failed", "ConnectionClosedOK"),
    Ending("1001", closed(1001), reads, "failed", "ConnectionClosedOK"),
    Ending("1008", closed(1008), reads, "failed", LOST, LOST),
    Ending("1011", closed(1011), reads, "failed", LOST, LOST),
    Ending("lost", lost, reads, "failed", LOST, LOST),
    Ending("error", errors, reads, "failed", "UNAVAILABLE"),
)
WITHIN = ("words", "a call", "the first generation's usage")


async def begin(socket: Any, within: str) -> None:
    if within == "words":
        await socket.say("begun and")
    else:
        call = {"functionCalls": [{"id": "1", "name": "weather", "args": {}}]}
        usage = {"usageMetadata": socket.usage(30, 3)} if within != "a call" else {}
        await socket.send(toolCall=call, **usage)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("within", WITHIN)
@pytest.mark.parametrize("ending", ENDINGS, ids=str)
def test_a_session_that_ends_within_a_turn(install, live, backend, within, ending):
    async def script(socket):
        await socket.receive()
        await socket.answer("whole", usage=socket.usage(50, 9, thoughts=2))
        await socket.receive()
        if "other" in socket.setup["model"]:
            await socket.answer("whole, too", usage=socket.usage(70, 4))
            return
        await begin(socket, within)
        await ending.service(socket)

    async def one(client):
        async with connect(client, model="gemini-live-one") as session:
            await ask(session, "first")
            await read(session)
            await ask(session, "second")
            await ending.program(session)

    async def other(client, over):
        async with connect(client, model="gemini-live-other") as session:
            await ask(session, "first")
            await read(session)
            await over.wait()
            await ask(session, "second")
            await read(session)

    async def program(client):
        over = asyncio.Event()
        task = asyncio.ensure_future(other(client, over))
        try:
            await asyncio.ensure_future(one(client))
        except (Exception, asyncio.CancelledError) as error:
            return type(error)
        else:
            return None
        finally:
            over.set()
            await task

    if ending.name == "error" and genai.__version__ == "1.10.0":
        pytest.skip("this version of google-genai reads on after an error")
    bare = live(script, program, backend).result
    telemetry = install(CAPTURE="true")
    service = live(script, program, backend)
    assert service.result is bare
    verdict.sound_but_traces(telemetry)
    assert telemetry.usage() == telemetry.measured() == service.billed()
    turns = [span for span in telemetry.leaves if span.attributes["gen_ai.request.model"].endswith("one")]
    others = [span for span in telemetry.leaves if span not in turns]
    whole, broken = turns
    assert [used(span) for span in others] == [(50, 11), (70, 4)]
    assert [verdict.ended(span) or verdict.failed(span) for span in (*others, whole)] == [None] * 3
    assert used(broken) == ((30, 3) if "usage" in within else (None, None))
    assert (verdict.ended(broken), verdict.failed(broken)) == (ending.ended, ending.error)
    assert said(broken, "input")[0] == ("user", ["second"])
    sessions = {span.context.span_id: verdict.failed(span) for span in telemetry.named("invoke_agent")}
    assert sessions[broken.parent.span_id] == ending.session
    assert sessions[others[0].parent.span_id] is None
    assert telemetry.usage() == Counts(170 + (30 if "usage" in within else 0), 26 + (3 if "usage" in within else 0))
