"""The fixtures of all tests, for langchain: over openai, which is traced too, and over models of no SDK."""

from __future__ import annotations

import asyncio
from importlib.util import find_spec

import pytest

if find_spec("langchain") is None:
    collect_ignore_glob = ["test_*.py"]

from genspan import LangChainInstrumentor, OpenAIInstrumentor

_loop = asyncio.new_event_loop()


def run(coroutine):
    """In one event loop for all tests: langchain-openai shares its asynchronous HTTP clients."""
    return _loop.run_until_complete(coroutine)


class Both:
    """Both instrumentors as one."""

    def __init__(self):
        self.all = (OpenAIInstrumentor(), LangChainInstrumentor())

    def instrument(self, **providers):
        for one in self.all:
            one.instrument(**providers)

    def uninstrument(self):
        for one in self.all:
            one.uninstrument()

    @property
    def is_instrumented_by_opentelemetry(self):
        return all(one.is_instrumented_by_opentelemetry for one in self.all)


@pytest.fixture
def instrumentor():
    return Both()


@pytest.fixture
def gpt(provider):
    """Makes a chat model over openai, which asks the fake provider."""
    from langchain_openai import ChatOpenAI

    def make(**options):
        given = {"model": "gpt-4.1-mini", "api_key": "a-key-for-tests", "max_retries": 0, "stream_usage": True}
        return ChatOpenAI(base_url=f"{provider.url}/v1", **{**given, **options})

    return make
