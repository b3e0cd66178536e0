"""Real calls inside the span of a framework that reports their usage too: the sum over all spans is the bill."""

from __future__ import annotations

import asyncio
import gc
from contextlib import contextmanager

import pytest

from genspan import AnthropicInstrumentor, GeminiInstrumentor, OpenAIInstrumentor
from tests.support import anthropic_surfaces, openai_surfaces, surfaces
from tests.support.provider.script import Reply
from tests.support.telemetry import Counts

SDKS = {"gemini": GeminiInstrumentor, "openai": OpenAIInstrumentor, "anthropic": AnthropicInstrumentor}
OPENAI = {"model": "gpt-4.1-mini", "messages": [{"role": "user", "content": "Hello"}]}
ANTHROPIC = {**OPENAI, "model": "claude-sonnet-5", "max_tokens": 50}
GEMINI = {"model": "gemini-2.5-flash", "contents": "Hello"}


@pytest.fixture(params=SDKS)
def sdk(request):
    return request.param


@pytest.fixture
def instrumentor(sdk):
    return SDKS[sdk]()


class Framework:
    """Its spans, with the usage that it takes from the provider's answers when they are there."""

    def __init__(self, telemetry, provider) -> None:
        self.tracer = telemetry.tracer_provider.get_tracer("framework")
        self.provider = provider

    @contextmanager
    def span(self, name):
        with self.tracer.start_as_current_span(name) as span:
            yield
            total = self.provider.ledger.total()
            usage = {"gen_ai.usage.input_tokens": total.input, "gen_ai.usage.output_tokens": total.output}
            span.set_attributes(usage)


@pytest.fixture
def framework(telemetry, provider):
    return Framework(telemetry, provider)


def client_of(sdk, url, is_async=False):
    if sdk == "gemini":
        return surfaces.make_client(url)
    return {"openai": openai_surfaces, "anthropic": anthropic_surfaces}[sdk].make_client(url, is_async)


def call(sdk, client, stream=False):
    if sdk == "gemini":
        models = client.models
        return list(models.generate_content_stream(**GEMINI)) if stream else models.generate_content(**GEMINI)
    asking, arguments = streaming(sdk, client, stream)
    answer = asking(**arguments)
    return list(answer) if stream else answer


async def async_call(sdk, client, stream=False):
    if sdk == "gemini":
        models = client.aio.models
        if not stream:
            return await models.generate_content(**GEMINI)
        return [chunk async for chunk in await models.generate_content_stream(**GEMINI)]
    asking, arguments = streaming(sdk, client, stream)
    answer = await asking(**arguments)
    return [chunk async for chunk in answer] if stream else answer


def streaming(sdk, client, stream):
    if sdk == "anthropic":
        return client.messages.create, {**ANTHROPIC, "stream": stream}
    options = {"stream_options": {"include_usage": True}} if stream else {}
    return client.chat.completions.create, {**OPENAI, "stream": stream, **options}


def counted_once(telemetry, provider, calls):
    total = provider.ledger.total()
    assert total.input > 0
    assert telemetry.usage() == Counts(total.input, total.output)
    ids = {span.context.span_id for span in telemetry.spans}
    assert [span.parent.span_id in ids for span in telemetry.leaves] == [True] * calls


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_sync(sdk, telemetry, framework, provider, stream):
    client = client_of(sdk, provider.url)
    with framework.span("agent"):
        for _ in range(2):
            with framework.span("chat"):
                call(sdk, client, stream)
    client.close()
    counted_once(telemetry, provider, 2)


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_async(sdk, telemetry, framework, provider, stream):
    async def agents():
        client = client_of(sdk, provider.url, True)

        async def agent(name):
            with framework.span(name):
                await async_call(sdk, client, stream)

        with framework.span("team"):
            await asyncio.gather(*(agent(f"agent {number}") for number in range(3)))
        await (client.aio.aclose() if sdk == "gemini" else client.close())

    asyncio.run(agents())
    counted_once(telemetry, provider, 3)


def test_an_error_that_the_framework_retries(sdk, telemetry, framework, provider):
    provider.script(Reply(status=400))
    client = client_of(sdk, provider.url)
    with framework.span("agent"):
        with pytest.raises(Exception, match="scripted failure"):
            call(sdk, client)
        call(sdk, client)
    client.close()
    counted_once(telemetry, provider, 2)


def test_a_stream_that_the_framework_drops(sdk, telemetry, framework, provider):
    """Its span ends first; ours when the stream is collected, with what has arrived."""
    client = client_of(sdk, provider.url)
    with framework.span("chat"):
        if sdk == "gemini":
            stream = client.models.generate_content_stream(**GEMINI)
        else:
            asking, arguments = streaming(sdk, client, True)
            stream = asking(**arguments)
        next(iter(stream))
    del stream
    gc.collect()
    client.close()
    [theirs] = [span for span in telemetry.spans if span.name == "chat"]
    assert dict(theirs.attributes) == {}
    assert len(telemetry.leaves) == 1


def test_usage_stays_on_both_where_that_is_asked_for(install, sdk, provider):
    telemetry = install(GENSPAN_RIVALS="keep")
    framework, client = Framework(telemetry, provider), client_of(sdk, provider.url)
    with framework.span("chat"):
        call(sdk, client)
    client.close()
    total = provider.ledger.total()
    assert telemetry.usage() == Counts(2 * total.input, 2 * total.output)


def test_uninstrumented_nothing_is_taken_away(sdk, telemetry, framework, instrumentor, provider):
    client = client_of(sdk, provider.url)
    call(sdk, client)
    instrumentor.uninstrument()
    telemetry.clear()
    provider.reset()
    with framework.span("theirs"):
        call(sdk, client)
    client.close()
    total = provider.ledger.total()
    assert total.input > 0
    assert telemetry.usage() == Counts(total.input, total.output)
