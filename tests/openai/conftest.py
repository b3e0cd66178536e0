"""The fixtures of all tests, for openai."""

from __future__ import annotations

import functools

import pytest

from genspan.openai import OpenAIInstrumentor
from tests.support import openai_surfaces as surfaces
from tests.support import verdict
from tests.support.endings import exhausted


@pytest.fixture
def instrumentor():
    return OpenAIInstrumentor()


def catch_up():
    """What a finaliser has left for later is recorded now."""
    bindings = OpenAIInstrumentor()._bindings
    if bindings is not None:
        bindings._telemetry.catch_up()


@functools.cache
def _cached(url, retries):
    return surfaces.make_client(url, False).with_options(max_retries=retries)


def client_for(url, is_async, retries=0):
    """A client of its own for an event loop, one for all synchronous programs."""
    if is_async:
        return surfaces.make_client(url, True).with_options(max_retries=retries)
    return _cached(url, retries)


@pytest.fixture(scope="module", autouse=True)
def close_clients(running_provider):
    yield
    for retries in (0, 2):
        _cached(running_provider.url, retries).close()
    _cached.cache_clear()


@pytest.fixture
def compare(provider, install):
    """Run the program bare, then traced: both must notice the same. Returns what was noticed, and the telemetry."""

    def run(surface, mode, script=(), ending=exhausted, retries=0, strict=True, passed=None, **environment):
        is_async = mode == "async"
        work = surfaces.program(surface, is_async, ending, **(passed or {}))
        make = functools.partial(client_for, provider.url, is_async, retries)
        bare = surfaces.run(provider, script, is_async, work, make())
        telemetry = install(**environment)
        traced = surfaces.run(provider, script, is_async, work, make())
        assert traced.notes == bare.notes
        catch_up()
        verdict.sound(telemetry)
        if strict:
            verdict.billed(telemetry, provider)
        verdict.nested(telemetry, False)
        return traced, telemetry

    return run
