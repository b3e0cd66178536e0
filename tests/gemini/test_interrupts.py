"""Calls that are interrupted or cancelled: what the program raises passes as it is, and the span says how it ended."""

from __future__ import annotations

import asyncio
import functools
import importlib

import pytest

from tests.support import programs, surfaces, verdict
from tests.support.endings import exhausted
from tests.support.provider import Reply
from tests.support.surfaces import PLAIN, STREAMS, SURFACES

HTTPX = importlib.import_module("httpx2" if surfaces.installed("httpx2") else "httpx")


class Halt(BaseException):
    """No Exception, and not known to the event loop."""


class Trap(HTTPX.HTTPTransport):
    """Raises in the SDK's frame: before the request, or after the first bytes of the response's body."""

    def __init__(self, error: BaseException, after: str) -> None:
        super().__init__()
        self.error, self.after = error, after

    def handle_request(self, request):
        if self.after == "nothing":
            raise self.error
        response = super().handle_request(request)
        return HTTPX.Response(response.status_code, headers=response.headers, stream=_Body(response.stream, self.error))


class _Body(HTTPX.SyncByteStream):
    def __init__(self, inner, error) -> None:
        self.inner, self.error = inner, error

    def __iter__(self):
        yield next(iter(self.inner))
        raise self.error

    def close(self) -> None:
        self.inner.close()


def _compare(provider, install, surface, work, make, is_async, script=()):
    bare = programs.run(provider, script, work, make(), is_async)
    telemetry = install()
    traced = programs.run(provider, script, work, make(), is_async)
    assert traced.notes == bare.notes
    verdict.sound(telemetry)
    verdict.nested(telemetry, surface.afc)
    return traced, telemetry


@pytest.mark.parametrize("surface", SURFACES, ids=str)
@pytest.mark.parametrize("after", ["nothing", "first bytes"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, Halt])
def test_interrupted(provider, install, surface, after, error):
    def make():
        return surfaces.make_client(provider.url, client_args={"transport": Trap(error("stop"), after)})

    work = functools.partial(programs.call, surface, False, do=exhausted)
    seen, telemetry = _compare(provider, install, surface, work, make, False)
    assert [type(one) for one in seen.errors] == [error]
    tools = telemetry.named("execute_tool")  # run by the first chunk of a stream, before it breaks off
    assert {verdict.failed(span) for span in telemetry.spans if span not in tools} == {error.__name__}
    assert {verdict.failed(span) for span in tools} <= {None}
    assert len(telemetry.leaves) == 1


@pytest.mark.parametrize("how", ["cancel", "wait_for"])
@pytest.mark.parametrize("surface", SURFACES, ids=str)
def test_cancelled(provider, install, surface, how):
    """While the provider is silent; of function calling in the second request, of a stream before it opens."""

    async def work(client, seen):
        async def call():
            await programs.call(surface, True, client, seen, do=exhausted)
            raise seen.errors[0]

        if how == "wait_for":
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(call(), 0.15)
            return
        task = asyncio.create_task(call())
        await asyncio.sleep(0.15)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    script = (*[Reply()] * surface.afc, Reply(hang=5))
    make = functools.partial(surfaces.make_client, provider.url)
    seen, telemetry = _compare(provider, install, surface, work, make, True, script)
    assert [type(one) for one in seen.errors] == [asyncio.CancelledError]
    assert len(telemetry.leaves) == 1 + surface.afc
    assert verdict.failed(telemetry.leaves[-1]) == "CancelledError"


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("surface", [one for one in SURFACES if one.afc], ids=str)
def test_interrupted_in_a_tool(provider, install, surface, mode):
    """The request before it is over and whole; the tool and the agent take the blame."""

    def get_weather(city: str) -> str:
        """Get the weather of a city."""
        raise Halt(city)

    async def get_weather_later(city: str) -> str:
        """Get the weather of a city."""
        raise Halt(city)

    is_async = mode == "async"
    tool = get_weather_later if is_async else get_weather

    async def work(client, seen):
        try:
            result = surfaces.method(surface, client, is_async)(**surfaces.arguments(surface, [tool]))
            result = await result if is_async else result
            if surface.stream and is_async:
                [seen.result(chunk) async for chunk in result]
            elif surface.stream:
                [seen.result(chunk) for chunk in result]
        except Halt as error:
            seen.error(error)

    make = functools.partial(surfaces.make_client, provider.url)
    seen, telemetry = _compare(provider, install, surface, work, make, is_async)
    assert len(seen.errors) == 1
    assert len(telemetry.leaves) == 1
    if not surface.stream:
        assert verdict.failed(telemetry.leaves[0]) is None
        verdict.billed(telemetry, provider)
    for operation in ("execute_tool", "invoke_agent"):
        assert [verdict.failed(span) for span in telemetry.named(operation)] == ["Halt"]


def test_every_surface_is_here():
    assert {*PLAIN, *STREAMS} == set(SURFACES)
