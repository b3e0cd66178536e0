"""What the tests of anthropic begin with."""

from __future__ import annotations

import asyncio

import anthropic
import pytest

from tests.support import verdict
from tests.support.anthropic_surfaces import MODEL, make_client
from tests.support.provider import Reply
from tests.support.provider.anthropic_messages import events
from tests.support.registry import violations

ASKED = {"model": MODEL, "max_tokens": 50, "messages": [{"role": "user", "content": "The weather in Paris?"}]}

SPENT = {"input_tokens": 11, "output_tokens": 7, "cache_read_input_tokens": 3, "cache_creation_input_tokens": 2}


@pytest.fixture
def telemetry(install):
    """With content, in both forms."""
    return install(CAPTURE="true", GENSPAN_DIALECTS="genai,mlflow")


@pytest.fixture
def client(provider):
    """As a program makes it, with whatever tracing the SDK has of its own."""
    with make_client(provider.url, False, open_telemetry=None) as made:
        yield made


@getattr(anthropic, "beta_tool", lambda function: function)  # since 0.68
def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"Sunny in {city}."


def call(kind, name, given, identity="srvtoolu_1", **more):
    return {"type": kind, "id": identity, "name": name, "input": given, **more}


def message(blocks, stop="end_turn", details=None, usage=SPENT):
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x-1", "content": blocks}
    return {**head, "stop_reason": stop, "stop_sequence": None, "stop_details": details, "usage": usage}


def attributes_of(telemetry, provider, answer, **asked):
    """The attributes of the one span, which are the same through every way; and they are as the registry says."""
    asked = {"model": MODEL, "max_tokens": 50, "messages": [{"role": "user", "content": "?"}], **asked}
    ways = []

    async def stream(client):
        ways.append([event async for event in await client.messages.create(**asked, stream=True)])

    async def helped(client):
        async with client.beta.messages.stream(**asked) as events:
            ways.append(await events.get_final_message())

    async def plain(client):
        ways.append(await client.beta.messages.create(**asked))

    async def main():
        async with make_client(provider.url, True) as client:
            for way in (plain, helped, stream):
                provider.script(Reply(body=answer) if way is plain else Reply(chunks=events(answer)))
                await way(client)

    asyncio.run(main())
    assert [found for span in telemetry.spans if (found := violations(span))] == []
    assert [verdict.failed(span) for span in telemetry.spans] == [None] * 3
    left_out = ("gen_ai.request.stream", "gen_ai.response.time_to_first_chunk")
    found = [
        {name: value for name, value in span.attributes.items() if name not in left_out} for span in telemetry.spans
    ]
    assert found[0] == found[1] == found[2]
    return found[0]
