"""What must not happen to the user's program, and what must not leave it."""

from __future__ import annotations

import asyncio
import threading

import anthropic
import httpx2
import pytest

from tests.support import stainless_program, verdict
from tests.support.anthropic_surfaces import API_KEY, MODEL, make_client
from tests.support.stainless_program import *  # noqa: F403

ASKED = {"model": MODEL, "max_tokens": 50, "messages": [{"role": "user", "content": "Hello there"}]}
SUBJECT = stainless_program.Subject(
    make_client,
    lambda client: client.messages,
    ASKED,
    {"stream": True},
    API_KEY,
    anthropic.APIStatusError,
    {"GENSPAN_PROPAGATE_HOSTS": "127.0.0.1"},
)


@pytest.fixture
def subject():
    return SUBJECT


def test_what_is_not_given_is_not_there(install, client):
    telemetry = install(CAPTURE="true", GENSPAN_DIALECTS="genai,mlflow")
    client.messages.create(**ASKED, stop_sequences=anthropic.NOT_GIVEN, system=anthropic.omit, thinking=anthropic.omit)
    (span,) = telemetry.spans
    assert not [value for value in span.attributes.values() if "anthropic." in str(value) or "NOT_GIVEN" in str(value)]
    verdict.sound(telemetry)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://api.anthropic.com", "anthropic"),
        ("https://gateway.company.example", "anthropic"),
        ("https://api.deepseek.com/anthropic", "deepseek"),
        ("https://api.moonshot.ai/anthropic", "moonshot_ai"),
        ("https://bedrock-runtime.us-east-1.amazonaws.com", "aws.bedrock"),
        ("https://europe-west1-aiplatform.googleapis.com/v1", "gcp.vertex_ai"),
        ("https://models.company.example/v1", "company"),
    ],
)
def test_the_provider_is_named_by_the_host(install, url, expected):
    telemetry = install(GENSPAN_ANTHROPIC_PROVIDERS="models.company.example=company")
    answer = httpx2.MockTransport(lambda request: httpx2.Response(200, json={"id": "msg_1", "usage": {}}))
    client = anthropic.Anthropic(api_key=API_KEY, base_url=url, http_client=httpx2.Client(transport=answer))
    client.messages.create(**ASKED)
    assert telemetry.spans[0].attributes["gen_ai.provider.name"] == expected


def test_an_unknown_setting_warns(install, caplog):
    install(GENSPAN_ANTHROPIC_PROVIDERS="nonsense")
    assert "GENSPAN_ANTHROPIC_PROVIDERS" in caplog.text


def test_a_coroutine_that_nobody_awaits_makes_no_span(install, provider):
    telemetry = install()
    client = make_client(provider.url, True)
    client.messages.create(**ASKED).close()
    client.messages.stream(**ASKED)._AsyncMessageStreamManager__api_request.close()
    assert telemetry.started == 0
    asyncio.run(client.close())


def test_every_reading_of_a_helper(install, provider, client):
    """Text alone, the whole message, its text, until done, a break, a close, an exit without reading."""
    telemetry = install(CAPTURE="true")
    with client.messages.stream(**ASKED) as stream:
        assert "".join(stream.text_stream).startswith("You asked")
    with client.messages.stream(**ASKED) as stream:
        assert stream.get_final_text().startswith("You asked")
    with client.beta.messages.stream(**ASKED) as stream:
        stream.until_done()
    assert [verdict.ended(span) for span in telemetry.spans] == [None] * 3
    verdict.billed(telemetry, provider)
    assert len({span.attributes["gen_ai.output.messages"] for span in telemetry.spans}) == 1
    with client.messages.stream(**ASKED) as stream:
        for _ in stream.text_stream:
            break
    with client.messages.stream(**ASKED) as stream:
        next(iter(stream))
        stream.close()
    with client.messages.stream(**ASKED):
        pass
    assert [verdict.ended(span) for span in telemetry.spans[3:]] == ["closed"] * 3
    assert telemetry.unbalanced() == {}


def test_a_client_that_sends_by_aiohttp(install, provider):
    telemetry = install()

    async def main():
        http = anthropic.DefaultAioHttpClient()
        async with anthropic.AsyncAnthropic(api_key=API_KEY, base_url=provider.url, http_client=http) as client:
            await client.messages.create(**ASKED)
            assert [event async for event in await client.messages.create(**ASKED, stream=True)]
            stream = await client.messages.create(**ASKED, stream=True)
            await anext(stream)
            await stream.close()

    asyncio.run(main())
    assert [verdict.ended(span) for span in telemetry.spans] == [None, None, "closed"]
    verdict.billed(telemetry, provider)


def test_what_is_asked_for_by_path(install, provider, client):
    """As an object, as text, as the HTTP response, as a stream; with a query, of a model that `extra_body` names."""
    telemetry = install(CAPTURE="true")
    for kind in (object, str, httpx2.Response):
        assert isinstance(client.post("/v1/messages", body=ASKED, cast_to=kind), kind)
    client.post("/v1/messages?beta=true", body=ASKED, cast_to=object)
    streamed = {**ASKED, "stream": True}
    stream = client.post(
        "/v1/messages", body=streamed, cast_to=object, stream=True, stream_cls=anthropic.Stream[object]
    )
    assert list(stream)
    client.messages.create(**ASKED, extra_body={"model": "claude-other"})
    assert len({span.attributes["gen_ai.output.messages"] for span in telemetry.spans}) == 1
    assert telemetry.spans[-1].name == "chat claude-other"
    assert len(telemetry.spans) == len(provider.ledger) == 6
    verdict.billed(telemetry, provider)


def test_every_reading_of_a_raw_response(install, provider, client):
    """Once, twice, as text; and not at all, by who lets go of it, closes it, or leaves the block."""
    telemetry = install()
    raw = client.messages.with_raw_response
    assert raw.create(**ASKED).parse() is not None
    twice = raw.create(**ASKED)
    assert twice.parse() == twice.parse()
    assert raw.create(**ASKED).status_code == 200
    with client.messages.with_streaming_response.create(**ASKED) as response:
        assert response.read()
        assert response.json()["stop_reason"] == response.parse().stop_reason
    assert [verdict.ended(span) for span in telemetry.spans] == [None] * 4
    verdict.billed(telemetry, provider)
    raw.create(**ASKED, stream=True)
    raw.create(**ASKED, stream=True).http_response.close()
    with client.messages.with_streaming_response.create(**ASKED) as response:
        assert response.status_code == 200
    with client.messages.with_streaming_response.create(**ASKED, stream=True) as response:
        assert next(response.iter_bytes())
    assert [verdict.ended(span) for span in telemetry.spans[4:]] == ["dropped", "closed", "closed", "closed"]


def test_two_streams_at_a_time(install, provider, client):
    """Read in turns, and one of them in a thread."""
    telemetry = install()
    one, two = (resource.create(**ASKED, stream=True) for resource in (client.messages, client.beta.messages))
    assert all(zip(one, two, strict=True))
    raw = client.messages.with_raw_response.create(**ASKED, stream=True).parse()
    thread = threading.Thread(target=list, args=(raw,))
    thread.start()
    thread.join()
    assert [verdict.ended(span) for span in telemetry.spans] == [None] * 3
    assert len({span.context.trace_id for span in telemetry.spans}) == 3
    verdict.billed(telemetry, provider)
