"""Turns that belong together are one session in MLflow, although nobody names it."""

from __future__ import annotations

import asyncio

import pytest

import genspan
from genspan._core.routes.chains import Chains
from genspan.gemini import GeminiInstrumentor
from genspan.openai import OpenAIInstrumentor
from genspan_semconv.model import Response
from tests.support import openai_surfaces, surfaces
from tests.support.registry import violations

MODEL = "gpt-4.1-mini"


class Both:
    def __init__(self):
        self.all = (OpenAIInstrumentor(), GeminiInstrumentor())

    def instrument(self, **providers):
        for one in self.all:
            one.instrument(**providers)

    def uninstrument(self):
        for one in self.all:
            one.uninstrument()

    @property
    def is_instrumented_by_opentelemetry(self):
        return self.all[0].is_instrumented_by_opentelemetry


@pytest.fixture
def instrumentor():
    return Both()


@pytest.fixture
def openai(provider):
    with openai_surfaces.make_client(provider.url, False) as client:
        yield client


@pytest.fixture
def gemini(provider):
    client = surfaces.make_client(provider.url)
    yield client
    client.close()


def sessions(telemetry):
    """Of the model calls, in order. A session that only tracing has a name for is no conversation."""
    assert [found for span in telemetry.spans if (found := violations(span))] == []
    assert not [span for span in telemetry.leaves if "gen_ai.conversation.id" in span.attributes]
    return [span.attributes.get("session.id") for span in telemetry.leaves]


def test_the_turns_of_a_chat_object(install, gemini):
    telemetry = install()
    chats = [gemini.chats.create(model=surfaces.MODEL) for _ in range(2)]
    for _ in range(2):
        for chat in chats:
            chat.send_message("hello")
    list(chats[0].send_message_stream("hello"))
    gemini.models.generate_content(model=surfaces.MODEL, contents="hello")
    one, other, *rest = sessions(telemetry)
    assert rest == [one, other, one, None]
    assert one
    assert other
    assert one != other


def test_the_turns_of_an_asynchronous_chat(install, provider):
    telemetry = install()

    async def main():
        client = surfaces.make_client(provider.url)
        chat = client.aio.chats.create(model=surfaces.MODEL)
        await chat.send_message("hello")
        async for _ in await chat.send_message_stream("hello"):
            pass
        await client.aio.aclose()

    asyncio.run(main())
    first, second = sessions(telemetry)
    assert first == second
    assert first


def test_every_span_of_a_turn_with_functions(install, gemini):
    telemetry = install()

    def get_weather(city: str) -> str:
        """Get the weather of a city."""
        return "rain"

    gemini.chats.create(model=surfaces.MODEL, config={"tools": [get_weather]}).send_message("hello")
    assert len({span.attributes["session.id"] for span in telemetry.spans}) == 1


def test_a_session_that_the_program_names_wins(install, gemini, openai):
    telemetry = install()
    with genspan.context(session_id="mine"):
        gemini.chats.create(model=surfaces.MODEL).send_message("hello")
        openai.responses.create(model=MODEL, input="hello")
    assert {span.attributes["session.id"] for span in telemetry.spans} == {"mine"}


def ask(client, previous=None, **more):
    """The id of the response."""
    more |= {"previous_response_id": previous} if previous else {}
    return client.responses.create(model=MODEL, input="hi", **more).id


def test_a_chain_of_responses(install, openai):
    telemetry = install()
    first = ask(openai)
    second = ask(openai, first)
    other = ask(openai)
    fork = ask(openai, first)
    third = ask(openai, second)
    ask(openai, other)
    ask(openai, fork)
    assert sessions(telemetry) == [first, first, other, first, first, other, first]
    assert third


def test_a_chain_of_streams(install, openai):
    telemetry = install()
    with openai.responses.stream(model=MODEL, input="hi") as stream:
        first = stream.get_final_response().id
    with openai.responses.stream(model=MODEL, input="hi", previous_response_id=first) as stream:
        stream.until_done()
    assert sessions(telemetry) == [first, first]


def test_a_chain_that_began_in_another_process(install, openai):
    telemetry = install()
    second = ask(openai, "response-of-another-process")
    ask(openai, second)
    assert sessions(telemetry) == ["response-of-another-process"] * 2


def test_what_is_not_stored_begins_no_chain(install, openai):
    telemetry = install()
    ask(openai, store=False)
    openai.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "hi"}])
    assert sessions(telemetry) == [None, None]


def test_a_conversation_is_the_providers(install, openai):
    telemetry = install()
    ask(openai, conversation="conv_1")
    (span,) = telemetry.leaves
    assert "session.id" not in span.attributes
    assert span.attributes["gen_ai.conversation.id"] == "conv_1"


def test_a_chain_of_interactions():
    chains = Chains()
    asked = {}, {"previous_response_id": "i1"}, {"previous_response_id": "i2"}
    found = [
        chains.name(params, {}, Response(id=f"i{number}", continuable=True)) for number, params in enumerate(asked, 1)
    ]
    assert found == ["i1"] * 3


def test_a_failed_turn_of_a_chain():
    chains = Chains()
    chains.name({}, {}, Response(id="r1", continuable=True))
    chains.name({"previous_response_id": "r1"}, {}, Response(id="r2", continuable=True))
    assert chains.name({"previous_response_id": "r2"}, {}, Response()) == "r1"
    assert chains.name({}, {}, Response(continuable=True)) is None
