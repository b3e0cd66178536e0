"""``genspan.usage``: token counts in the process, the same as the provider's bill, whatever is exported."""

from __future__ import annotations

import asyncio
import contextvars
import gc
from concurrent.futures import ThreadPoolExecutor

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

import genspan
from genspan._core.usage_tally import UsageTally
from genspan.anthropic import AnthropicInstrumentor
from genspan.gemini import GeminiInstrumentor
from genspan.openai import OpenAIInstrumentor
from genspan_semconv.model import Usage
from tests.support import anthropic_surfaces, openai_surfaces, surfaces
from tests.support.provider import Reply
from tests.support.telemetry import clean_environment

CHAT = {"model": "gpt-4.1-mini", "messages": [{"role": "user", "content": "Hello there"}]}
GENERATE = {"model": surfaces.MODEL, "contents": "hello"}


@pytest.fixture(params=["nobody listens", "nothing is sampled", "exported"])
def traced(request, monkeypatch):
    """The SDKs are traced, for these outlets."""
    clean_environment(monkeypatch)
    outlets = {
        "nobody listens": {},
        "nothing is sampled": {"tracer_provider": TracerProvider(sampler=ALWAYS_OFF, shutdown_on_exit=False)},
        "exported": {"tracer_provider": TracerProvider(shutdown_on_exit=False)},
    }[request.param]
    instrumentors = OpenAIInstrumentor(), GeminiInstrumentor(), AnthropicInstrumentor()
    for one in instrumentors:
        one.instrument(**outlets)
    yield
    for one in instrumentors:
        one.uninstrument()


@pytest.fixture
def openai(traced, provider):
    with openai_surfaces.make_client(provider.url, False) as client:
        yield client


@pytest.fixture
def gemini(traced, provider):
    client = surfaces.make_client(provider.url)
    yield client
    client.close()


def billed(provider):
    total = provider.ledger.total()
    return len(provider.ledger), total.input, total.output, total.total


def counted(u):
    return u.calls, u.input_tokens, u.output_tokens, u.total_tokens


def get_weather(city: str) -> str:
    """Get the weather of a city."""
    return f"rain in {city}"


def weather(model):
    call = {"functionCall": {"name": "get_weather", "args": {"city": "Paris"}}}
    usage = {"promptTokenCount": 5, "candidatesTokenCount": 3, "totalTokenCount": 8}
    candidate = {"content": {"role": "model", "parts": [call]}, "finishReason": "STOP"}
    return Reply(body={"candidates": [candidate], "usageMetadata": usage, "modelVersion": model})


def test_calls_of_several_models(openai, gemini, provider):
    openai.chat.completions.create(**CHAT)
    with genspan.usage() as u:
        openai.chat.completions.create(**CHAT)
        gemini.models.generate_content(**GENERATE)
        gemini.models.generate_content(**GENERATE)
        openai.embeddings.create(model="text-embedding-3-small", input="hello")
    openai.chat.completions.create(**CHAT)
    bills = [entry.bill for entry in provider.ledger][1:-1]
    assert counted(u) == (
        *(4, sum(bill.input for bill in bills), sum(bill.output for bill in bills)),
        sum(bill.total for bill in bills),
    )
    assert {model: one.calls for model, one in u.by_model.items()} == {
        "gpt-4.1-mini-2026-08-01": 1,
        surfaces.MODEL: 2,
        "text-embedding-3-small": 1,
    }
    assert u.by_model[surfaces.MODEL].total_tokens == bills[1].total + bills[2].total


def test_a_stream_counts_when_it_has_been_read(gemini, provider):
    with genspan.usage() as u:
        stream = gemini.models.generate_content_stream(**GENERATE)
    assert counted(u) == (0, 0, 0, 0)
    list(stream)
    assert counted(u) == billed(provider)


def test_a_stream_that_is_dropped_counts_what_had_come(openai, provider):
    with genspan.usage() as u:
        stream = openai.chat.completions.create(**CHAT, stream=True, stream_options={"include_usage": True})
        next(iter(stream))
        del stream
        gc.collect()
    assert (u.calls, u.calls_without_usage, u.total_tokens) == (1, 1, 0)


def test_streams_of_both_clients(traced, provider):
    async def main():
        async with openai_surfaces.make_client(provider.url, True) as client:
            asked = {**CHAT, "stream": True, "stream_options": {"include_usage": True}}
            async for _ in await client.chat.completions.create(**asked):
                pass
            await client.responses.create(model="gpt-4.1-mini", input="hello")
        async with anthropic_surfaces.make_client(provider.url, True) as client:
            messages = [{"role": "user", "content": "hello"}]
            async with client.messages.stream(model="claude-sonnet-4-5", max_tokens=9, messages=messages) as stream:
                async for _ in stream:
                    pass

    with genspan.usage() as u:
        asyncio.run(main())
    assert counted(u) == billed(provider)
    assert u.calls == 3


def test_each_request_of_a_loop_of_functions_counts_once(gemini, provider):
    provider.script(weather(surfaces.MODEL))
    with genspan.usage() as u:
        gemini.models.generate_content(**GENERATE, config={"tools": [get_weather]})
    assert u.calls == 2
    assert counted(u) == billed(provider)


def test_a_job_counts_once_however_often_it_is_read(gemini, provider):
    answer = {
        "candidates": [{"content": {"parts": [{"text": "a"}], "role": "model"}}],
        "usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 3, "totalTokenCount": 8},
        "modelVersion": "gemini-2.5-flash",
    }
    metadata = {"state": "BATCH_STATE_SUCCEEDED", "output": {"inlinedResponses": {"inlinedResponses": []}}}
    metadata["output"]["inlinedResponses"]["inlinedResponses"] = [{"response": answer}] * 2
    job = {"name": "batches/usage-blocks", "metadata": metadata}
    for _ in range(3):
        provider.script(Reply(body=job))
    with genspan.usage() as u:
        for _ in range(3):
            gemini.batches.get(name="batches/usage-blocks")
    assert (u.input_tokens, u.output_tokens) == (10, 6)


def test_a_failed_call_adds_nothing(openai, provider):
    provider.script(Reply(status=400, body={"error": {"message": "no"}}))
    with genspan.usage() as u, pytest.raises(Exception, match="no"):
        openai.chat.completions.create(**CHAT)
    assert (u.calls, u.calls_without_usage, u.total_tokens) == (1, 1, 0)


def test_what_does_not_generate_is_no_call(gemini):
    with genspan.usage() as u:
        gemini.models.count_tokens(**GENERATE)
    assert u.calls == 0


def test_nested_blocks(openai):
    with genspan.usage() as outer:
        openai.chat.completions.create(**CHAT)
        with genspan.usage() as inner:
            openai.chat.completions.create(**CHAT)
    assert (outer.calls, inner.calls) == (2, 1)
    assert outer.total_tokens == 2 * inner.total_tokens > 0


def test_blocks_of_several_tasks_at_once(traced, provider):
    async def one(client, count):
        with genspan.usage() as u:
            await asyncio.gather(*(client.aio.models.generate_content(**GENERATE) for _ in range(count)))
        return u.calls, u.total_tokens

    async def main():
        client = surfaces.make_client(provider.url)
        found = await asyncio.gather(*(one(client, count) for count in range(1, 5)))
        await client.aio.aclose()
        return found

    found = asyncio.run(main())
    each = provider.ledger.total().total // 10
    assert found == [(count, count * each) for count in range(1, 5)]


def test_threads_with_the_context_of_the_block(openai, provider):
    with genspan.usage() as u, ThreadPoolExecutor(4) as pool:
        copies = [contextvars.copy_context() for _ in range(8)]
        list(pool.map(lambda copy: copy.run(openai.chat.completions.create, **CHAT), copies))
        list(pool.map(lambda _: openai.chat.completions.create(**CHAT), range(4)))
    assert u.calls == 8
    assert u.total_tokens == provider.ledger.total().total * 8 // 12


def test_figures_of_one_model():
    tally = UsageTally()
    tally.add(
        *("m", Usage(input=10, output=5, cache_read=4, cache_write=2, reasoning=3, additional={"tool": (7, None)}))
    )
    tally.add("m", Usage(input=1, additional={"tool": (1, 2)}))
    tally.add(None, None)
    one = tally.by_model["m"]
    assert (one.calls, one.input_tokens, one.output_tokens, one.total_tokens) == (2, 11, 5, 16)
    assert (one.cache_read_tokens, one.cache_write_tokens, one.reasoning_tokens) == (4, 2, 3)
    assert one.additional == {"tool": (8, 2)}
    assert tally.by_model[""].calls_without_usage == 1


def test_a_finaliser_that_adds_while_its_thread_counts():
    tally = UsageTally()
    with tally._lock:
        tally.add("m", Usage(input=1))
    assert tally.input_tokens == 1
