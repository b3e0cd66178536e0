"""The fixtures of all tests, for openai."""

from __future__ import annotations

import asyncio

import pytest

from genspan.openai import OpenAIInstrumentor
from tests.support import openai_surfaces as surfaces
from tests.support import stainless_compare, verdict
from tests.support.telemetry import Counts

CHAT = {"model": "gpt-4.1-mini", "messages": [{"role": "user", "content": "Hello there"}]}
ASK = {"model": "gpt-4.1-mini", "input": "Hello there"}

compare, close_clients = stainless_compare.fixtures(surfaces)


@pytest.fixture
def instrumentor():
    return OpenAIInstrumentor()


@pytest.fixture
def client(provider):
    with surfaces.make_client(provider.url, False) as made:
        yield made


def catch_up():
    stainless_compare.catch_up(OpenAIInstrumentor())


def one_trace(telemetry, provider):
    """Everything that a trace must be, and the provider's token counts."""
    catch_up()
    verdict.sound(telemetry)
    total = provider.ledger.total()
    assert telemetry.usage() == telemetry.measured() == Counts(total.input, total.output)


def traces(telemetry, provider):
    """The same for several calls that are traces of their own."""
    catch_up()
    total = provider.ledger.total()
    assert telemetry.unbalanced() == {}
    assert telemetry.usage() == telemetry.measured() == Counts(total.input, total.output)
    assert [found for span in telemetry.spans if (found := verdict.violations(span))] == []


def run_with(provider, mode, sync, asynchronous):
    """A program on a client of either twin; the asynchronous one closes its client itself."""
    client = surfaces.make_client(provider.url, mode == "async")
    if mode == "async":
        asyncio.run(asynchronous(client))
    else:
        sync(client)
        client.close()
