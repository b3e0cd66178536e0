"""Runs a program of an SDK of the generated base bare and traced, and compares what it noticed."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import verdict
from tests.support.endings import exhausted
from tests.support.stainless_surfaces import run

if TYPE_CHECKING:
    from types import ModuleType


def fixtures(surfaces: ModuleType) -> tuple[Any, Any]:
    """The fixtures `compare` and `close_clients` of one SDK, whose surfaces a module has."""

    @functools.cache
    def cached(url: str, retries: int) -> Any:
        return surfaces.make_client(url, False).with_options(max_retries=retries)

    def client_for(url: str, is_async: bool, retries: int = 0) -> Any:
        """A client of its own for an event loop, one for all synchronous programs."""
        if is_async:
            return surfaces.make_client(url, True).with_options(max_retries=retries)
        return cached(url, retries)

    @pytest.fixture(scope="module", autouse=True)
    def close_clients(running_provider):
        yield
        for retries in (0, 2):
            cached(running_provider.url, retries).close()
        cached.cache_clear()

    @pytest.fixture
    def compare(provider, install, instrumentor):
        """Run the program bare, then traced: both must notice the same. Returns what it did, and the telemetry."""

        def compared(surface, mode, script=(), ending=exhausted, retries=0, strict=True, passed=None, **environment):
            is_async = mode == "async"
            work = surfaces.program(surface, is_async, ending, **(passed or {}))
            make = functools.partial(client_for, provider.url, is_async, retries)
            bare = run(provider, script, is_async, work, make())
            telemetry = install(**environment)
            traced = run(provider, script, is_async, work, make())
            assert traced.notes == bare.notes
            catch_up(instrumentor)
            verdict.sound(telemetry)
            if strict:
                verdict.billed(telemetry, provider)
            verdict.nested(telemetry, False)
            return traced, telemetry

        return compared

    return compare, close_clients


def catch_up(instrumentor: Any) -> None:
    """What a finaliser has left for later is recorded now."""
    if instrumentor._bindings is not None:
        instrumentor._bindings._telemetry.catch_up()
