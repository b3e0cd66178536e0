"""langchain-groq, which asks for a groq before 1.0: one span for each call, the SDK's."""

from __future__ import annotations

import asyncio

import pytest
from langchain_groq import ChatGroq


async def _read(stream):
    return [chunk async for chunk in stream]


WAYS = {
    "invoke": lambda model: model.invoke("hello"),
    "ainvoke": lambda model: asyncio.run(model.ainvoke("hello")),
    "stream": lambda model: list(model.stream("hello")),
    "astream": lambda model: asyncio.run(_read(model.astream("hello"))),
}


@pytest.mark.parametrize("way", WAYS)
def test_each_call_is_one_span(program, provider, way):
    telemetry = program()
    WAYS[way](ChatGroq(model="llama-3.3-70b-versatile", base_url=provider.url, api_key="gsk-test-0123456789"))
    (span,) = telemetry.spans
    assert span.instrumentation_scope.name == "genspan.groq"
    assert span.attributes["genspan.langchain.run.name"] == "ChatGroq"
    assert len(provider.ledger) == 1
