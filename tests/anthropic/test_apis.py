"""What of anthropic is no single message: tool runners, threads, batches."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import gzip
import inspect
import json

import anthropic
import pytest

from tests.anthropic.calls import ASKED, client, get_weather, telemetry
from tests.support import verdict
from tests.support.anthropic_surfaces import API_KEY, MODEL, make_client
from tests.support.provider import Reply
from tests.support.provider.anthropic_other import provider_lines
from tests.support.registry import violations

__all__ = ["client", "telemetry"]

if not hasattr(anthropic, "beta_tool"):
    pytest.skip("this version of anthropic has no tool runner", allow_module_level=True)
beta_async_tool, beta_tool = anthropic.beta_async_tool, anthropic.beta_tool

pytestmark = pytest.mark.filterwarnings("ignore:Pydantic serializer warnings:UserWarning")


RAW_RESULTS = pytest.mark.skipif(
    "results" not in inspect.getsource(anthropic.resources.messages.batches.BatchesWithRawResponse),
    reason="this version of anthropic has no raw results of batches",
)


@beta_async_tool
async def get_weather_later(city: str) -> str:
    """The weather in a city."""
    return f"Sunny in {city}."


@beta_tool
def failing(city: str) -> str:
    """The weather in a city."""
    raise ZeroDivisionError("the secret of the tool")


def _loop(telemetry, provider, tools):
    """One agent without usage, its model calls and tools below it."""
    verdict.sound(telemetry)
    verdict.billed(telemetry, provider)
    verdict.nested(telemetry, True)
    assert len(telemetry.leaves) == len(provider.ledger)
    assert [span.attributes["gen_ai.tool.name"] for span in telemetry.named("execute_tool")] == tools


def _sound(telemetry):
    """Of several calls, which are traces of their own."""
    assert telemetry.unbalanced() == {}
    assert [found for span in telemetry.spans if (found := violations(span))] == []
    assert telemetry.measured() == telemetry.usage()


@pytest.mark.parametrize("stream", [False, True])
def test_tool_runner(telemetry, provider, client, stream):
    runner = client.beta.messages.tool_runner(**ASKED, tools=[get_weather], stream=stream)
    assert "Here is an answer" in runner.until_done().content[-1].text
    _loop(telemetry, provider, ["get_weather"])
    (tool,) = telemetry.named("execute_tool")
    assert tool.attributes["gen_ai.tool.call.id"].startswith("toolu")
    assert json.loads(tool.attributes["gen_ai.tool.call.arguments"]) == {"city": "Paris"}
    assert json.loads(tool.attributes["gen_ai.tool.call.result"]) == {"result": "Sunny in Paris."}


@pytest.mark.parametrize("stream", [False, True])
def test_tool_runner_async(telemetry, provider, stream):
    async def main():
        async with make_client(provider.url, True, open_telemetry=None) as client:
            runner = client.beta.messages.tool_runner(**ASKED, tools=[get_weather_later], stream=stream)
            await runner.until_done()

    asyncio.run(main())
    _loop(telemetry, provider, ["get_weather_later"])


def test_tools_that_run_while_the_answer_is_read(telemetry, provider, client):
    if "run_tools_eagerly" not in inspect.signature(client.beta.messages.tool_runner).parameters:
        pytest.skip("this version of anthropic runs no tools while it reads")
    provider.script(Reply(parallel=2))
    runner = client.beta.messages.tool_runner(**ASKED, tools=[get_weather], stream=True, run_tools_eagerly=True)
    for stream in runner:
        list(stream)
    _loop(telemetry, provider, ["get_weather", "get_weather"])


def test_a_tool_that_fails(telemetry, provider, client):
    client.beta.messages.tool_runner(**ASKED, tools=[failing]).until_done()
    _loop(telemetry, provider, ["failing"])
    assert verdict.failed(telemetry.named("execute_tool")[0]) == "ZeroDivisionError"
    assert verdict.failed(telemetry.named("invoke_agent")[0]) is None


def test_a_runner_whose_request_fails(telemetry, provider, client):
    provider.script(Reply(), Reply(status=400))
    with pytest.raises(anthropic.BadRequestError):
        client.beta.messages.tool_runner(**ASKED, tools=[get_weather]).until_done()
    verdict.sound(telemetry)
    assert [verdict.failed(span) for span in telemetry.leaves] == [None, "BadRequestError"]
    assert verdict.failed(telemetry.named("invoke_agent")[0]) == "BadRequestError"


def test_a_runner_that_is_left(telemetry, provider, client):
    runner = client.beta.messages.tool_runner(**ASKED, tools=[get_weather])
    for _ in runner:
        break
    runner.close() if hasattr(runner, "close") else runner._iterator.close()
    verdict.sound(telemetry)
    verdict.billed(telemetry, provider)
    assert len(telemetry.named("invoke_agent")) == 1


def test_a_model_call_inside_a_tool(telemetry, provider, client):
    @beta_tool
    def ask(city: str) -> str:
        """Ask about a city."""
        return client.messages.create(**ASKED).content[0].text

    client.beta.messages.tool_runner(**ASKED, tools=[ask]).until_done()
    verdict.sound(telemetry)
    verdict.billed(telemetry, provider)
    (tool,) = telemetry.named("execute_tool")
    assert [span.parent.span_id for span in telemetry.leaves].count(tool.context.span_id) == 1


def _thread(client):
    if not hasattr(client.beta.messages, "thread"):
        pytest.skip("not in this version")
    more = {"model": MODEL, "max_tokens": 50, "unsupported_request_behavior": "continue_unthreaded"}
    return client.beta.messages.thread(**more, tools=[get_weather])


def _streamed(thread):
    with thread.stream({"role": "user", "content": "one"}) as stream:
        return stream.get_final_message()


THREADS = {
    "send": lambda thread: thread.send({"role": "user", "content": "one"}),
    "parse": lambda thread: thread.parse({"role": "user", "content": "one"}),
    "stream": _streamed,
}


@pytest.mark.parametrize("way", THREADS)
def test_threads(telemetry, provider, client, way):
    thread = _thread(client)
    for _ in range(2):
        THREADS[way](thread)
    _sound(telemetry)
    verdict.billed(telemetry, provider)
    assert [span.name for span in telemetry.spans] == [f"chat {MODEL}"] * len(provider.ledger) == [f"chat {MODEL}"] * 2


@pytest.mark.parametrize("stream", [False, True])
def test_the_tools_of_a_thread(telemetry, provider, client, stream):
    thread = _thread(client)
    thread.append({"role": "user", "content": "The weather in Paris?"})
    thread.tool_runner(stream=stream).until_done()
    _loop(telemetry, provider, ["get_weather"])


def _raised_in(runner):
    with contextlib.suppress(ZeroDivisionError):
        for _ in runner:
            raise ZeroDivisionError


@pytest.mark.parametrize("leave", [next, _raised_in, list], ids=["left", "raised", "read"])
def test_however_a_runner_is_left(telemetry, provider, client, leave):
    leave(client.beta.messages.tool_runner(**ASKED, tools=[get_weather], max_iterations=1))
    gc.collect()  # a runner and its generator are a cycle
    verdict.sound(telemetry)
    verdict.billed(telemetry, provider)
    verdict.nested(telemetry, True)
    assert [verdict.failed(span) for span in telemetry.spans] == [None] * len(telemetry.spans)


def test_a_runner_inside_a_tool(telemetry, provider, client):
    @beta_tool
    def ask(city: str) -> str:
        """Ask about a city."""
        return client.beta.messages.tool_runner(**ASKED, tools=[get_weather]).until_done().content[-1].text

    client.beta.messages.tool_runner(**ASKED, tools=[ask]).until_done()
    verdict.sound(telemetry)
    verdict.billed(telemetry, provider)
    inner, outer = telemetry.named("invoke_agent")
    tool = next(span for span in telemetry.named("execute_tool") if span.attributes["gen_ai.tool.name"] == "ask")
    assert (inner.parent.span_id, tool.parent.span_id) == (tool.context.span_id, outer.context.span_id)


def test_a_runner_that_is_cancelled(telemetry, provider):
    async def main():
        async with make_client(provider.url, True, open_telemetry=None) as client:
            provider.script(Reply(), Reply(delay=5))
            runner = client.beta.messages.tool_runner(**ASKED, tools=[get_weather_later])
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(runner.until_done(), 0.3)

    asyncio.run(main())
    verdict.sound(telemetry)
    assert [verdict.failed(span) for span in telemetry.leaves] == [None, "CancelledError"]
    assert verdict.failed(telemetry.named("invoke_agent")[0]) == "CancelledError"


@pytest.mark.parametrize("beta", [False, True])
def test_batch_results_count_once(telemetry, provider, client, beta):
    batches = (client.beta if beta else client).messages.batches
    requests = [{"custom_id": name, "params": ASKED} for name in ("one", "bad", "two")]
    batch = batches.create(requests=requests)
    assert telemetry.spans == []
    results = batches.results(batch.id)
    next(results)
    results.close()
    for _ in range(2):
        assert [one.custom_id for one in batches.results(batch.id)] == ["one", "bad", "two"]
    _sound(telemetry)
    assert telemetry.usage() == (provider.ledger.total().input, provider.ledger.total().output)
    assert [verdict.operation(span) for span in telemetry.spans] == ["chat", "chat", "fetch_response"]
    assert [verdict.ended(span) for span in telemetry.spans] == ["closed", None, None]
    assert telemetry.spans[1].attributes["anthropic.response.service_tier"] == "batch"


@RAW_RESULTS
def test_batch_results_async_and_raw(telemetry, provider):
    async def main():
        async with make_client(provider.url, True) as client:
            batches = client.messages.batches
            batch = await batches.create(requests=[{"custom_id": "one", "params": ASKED}])
            raw = await batches.with_raw_response.results(batch.id)
            return [one async for one in await raw.parse()]

    assert len(asyncio.run(main())) == 1
    _sound(telemetry)
    verdict.billed(telemetry, provider)


def test_a_key_in_an_error_is_taken_out(telemetry, provider, client):
    provider.script(Reply(status=401, echo="key"))
    with pytest.raises(anthropic.AuthenticationError):
        client.messages.create(**ASKED)
    assert API_KEY.encode() not in telemetry.exported()


READ = {
    "lines": lambda response: list(response.iter_lines()),
    "bytes": lambda response: list(response.iter_bytes()),
    "read": lambda response: response.read(),
    "parse": lambda response: list(response.parse()),
}


@RAW_RESULTS
@pytest.mark.parametrize("reads", READ)
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_batch_results_however_they_are_read(telemetry, provider, client, reads, encoding):
    batches = client.messages.batches
    batch = batches.create(requests=[{"custom_id": name, "params": ASKED} for name in ("one", "bad", "two")])
    if encoding == "gzip":
        lines = b"".join(provider_lines(batch.id))
        provider.script(Reply(), Reply(body=gzip.compress(lines), headers={"content-encoding": "gzip"}))
    with batches.with_streaming_response.results(batch.id) as response:
        assert READ[reads](response)
    _sound(telemetry)
    assert [verdict.operation(span) for span in telemetry.spans] == ["chat"]
    verdict.billed(telemetry, provider)


def test_batch_results_that_two_read_at_a_time(telemetry, provider, client):
    batches = client.messages.batches
    batch = batches.create(requests=[{"custom_id": name, "params": ASKED} for name in ("one", "two")])
    assert all(zip(batches.results(batch.id), client.beta.messages.batches.results(batch.id), strict=True))
    verdict.billed(telemetry, provider)
    assert sorted(map(verdict.operation, telemetry.spans)) == ["chat", "fetch_response"]
