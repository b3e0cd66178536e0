"""Fixtures for all tests."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("tests.support")  # before what follows imports it

from genspan import (  # noqa: E402
    AnthropicInstrumentor,
    GeminiInstrumentor,
    GroqInstrumentor,
    LangChainInstrumentor,
    OpenAIInstrumentor,
)
from tests.support.provider import FakeProvider  # noqa: E402
from tests.support.telemetry import install, instrumentor, telemetry  # noqa: E402

__all__ = ["install", "instrumentor", "provider", "running_provider", "telemetry"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What the installed version of an SDK lacks cannot be tested on it."""
    for item in items:
        for value in getattr(getattr(item, "callspec", None), "params", {}).values():
            if absent := getattr(value, "absent", ""):
                item.add_marker(pytest.mark.skip(reason=absent))


INSTRUMENTORS = (GeminiInstrumentor, OpenAIInstrumentor, AnthropicInstrumentor, GroqInstrumentor, LangChainInstrumentor)


@pytest.fixture(scope="module", autouse=True)
def nothing_is_traced_yet():
    """Whatever a module before left behind, a module begins with every SDK as it is."""
    for one in (each() for each in INSTRUMENTORS):
        if one.is_instrumented_by_opentelemetry:
            one.uninstrument()


@pytest.fixture(scope="session")
def running_provider():
    with FakeProvider() as running:
        yield running


@pytest.fixture
def provider(running_provider: FakeProvider):
    """A provider with an empty ledger and no script."""
    running_provider.reset()
    yield running_provider
    running_provider.reset()
