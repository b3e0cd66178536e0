"""Functions that google-genai runs by itself, model calls inside them, sessions, and the id of the last trace."""

from __future__ import annotations

import asyncio
import concurrent.futures
import json

import pytest
from google.genai import types
from opentelemetry import trace

import genspan
from genspan import control
from tests.support import surfaces, verdict
from tests.support.provider import Reply
from tests.support.registry import violations
from tests.support.telemetry import Telemetry

FULL = {"CAPTURE": "true", "GENSPAN_DIALECTS": "genai,mlflow"}
CALL = {"model": surfaces.MODEL, "contents": "hello"}
AFC = [one for one in surfaces.SURFACES if one.afc]


def _run(client, surface, is_async, tools):
    arguments = surfaces.arguments(surface, tools)

    async def main():
        try:
            result = await surfaces.method(surface, client, True)(**arguments)
            return [one async for one in result] if surface.stream else result
        finally:
            await client.aio.aclose()

    if is_async:
        return asyncio.run(main())
    result = surfaces.method(surface, client, False)(**arguments)
    return list(result) if surface.stream else result


def _checked(telemetry, provider):
    assert telemetry.unbalanced() == {}
    assert [(span.name, found) for span in telemetry.spans if (found := violations(span))] == []
    assert len({span.context.trace_id for span in telemetry.spans}) == 1
    verdict.billed(telemetry, provider)
    assert telemetry.measured() == telemetry.usage()


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("surface", AFC, ids=str)
def test_model_call_in_a_tool(provider, install, client, surface, is_async):
    """It is a child of the tool's span, with usage of its own; so is a span of the user's."""
    telemetry = install(**FULL)
    tracer = telemetry.tracer_provider.get_tracer("mine")

    def get_weather(city: str) -> str:
        """Get the weather of a city."""
        with tracer.start_as_current_span("mine"):
            return client.models.generate_content(model=surfaces.MODEL, contents=f"weather of {city}?").text

    _run(client, surface, is_async, [get_weather])
    (tool,) = telemetry.named("execute_tool")
    (agent,) = telemetry.named("invoke_agent")
    mine = next(span for span in telemetry.spans if span.name == "mine")
    (inner,) = [span for span in telemetry.leaves if span.parent.span_id == mine.context.span_id]
    assert (mine.parent.span_id, tool.parent.span_id) == (tool.context.span_id, agent.context.span_id)
    assert len(telemetry.leaves) == len(provider.ledger) == 3
    assert inner.attributes["gen_ai.usage.input_tokens"] > 0
    assert telemetry.unbalanced() == {}
    verdict.billed(telemetry, provider)


@pytest.mark.parametrize("surface", AFC, ids=str)
def test_model_call_in_an_async_tool(provider, install, client, surface):
    telemetry = install(**FULL)

    async def get_weather(city: str) -> str:
        """Get the weather of a city."""
        stream = await client.aio.models.generate_content_stream(model=surfaces.MODEL, contents=f"weather of {city}?")
        return "".join([chunk.text async for chunk in stream])

    _run(client, surface, True, [get_weather])
    (tool,) = telemetry.named("execute_tool")
    assert [span.parent.span_id for span in telemetry.leaves].count(tool.context.span_id) == 1
    assert len(telemetry.leaves) == len(provider.ledger) == 3
    _checked(telemetry, provider)


@pytest.mark.parametrize("surface", AFC, ids=str)
def test_function_calling_in_a_tool(provider, install, client, surface):
    """An agent as a tool: its own agent span below the tool's, and everything counted once."""
    telemetry = install(**FULL)

    def get_weather(city: str) -> str:
        """Get the weather of a city."""
        return "fine"

    def ask_expert(city: str) -> str:
        """Ask the expert about a city."""
        config = types.GenerateContentConfig(tools=[get_weather])
        return client.models.generate_content(model=surfaces.MODEL, contents=city, config=config).text

    _run(client, surface, False, [ask_expert])
    outer, inner = sorted(telemetry.named("invoke_agent"), key=lambda span: span.start_time)
    tools = {span.attributes["gen_ai.tool.name"]: span for span in telemetry.named("execute_tool")}
    assert inner.parent.span_id == tools["ask_expert"].context.span_id
    assert tools["get_weather"].parent.span_id == inner.context.span_id
    assert outer.parent is None
    assert len(telemetry.leaves) == len(provider.ledger) == 4
    _checked(telemetry, provider)


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("surface", AFC, ids=str)
def test_arguments_result_and_id(provider, install, client, surface, is_async):
    telemetry = install(**FULL)

    def get_weather(city: str) -> dict[str, object]:
        """Get the weather of a city."""
        return {"temperature": 21}

    provider.script(Reply(parallel=3, rounds=2), Reply(rounds=2), Reply(rounds=2))
    _run(client, surface, is_async, [get_weather])
    tools = sorted(telemetry.named("execute_tool"), key=lambda span: span.start_time)
    assert len(tools) == 4
    asked = [part["id"] for part in _calls(provider.ledger[-1].body)]
    assert len(set(asked)) == 4
    assert [span.attributes["gen_ai.tool.call.id"] for span in tools] == asked
    assert json.loads(tools[0].attributes["gen_ai.tool.call.arguments"]) == {"city": "Paris"}
    assert json.loads(tools[0].attributes["gen_ai.tool.call.result"]) == {"temperature": 21}
    assert json.loads(tools[0].attributes["mlflow.spanInputs"]) == {"city": "Paris"}
    assert json.loads(tools[0].attributes["mlflow.spanOutputs"]) == {"temperature": 21}
    assert [span.name for span in tools] == ["execute_tool get_weather"] * 4
    durations = telemetry.points("gen_ai.execute_tool.duration")
    assert sum(point.count for point in durations) == 4
    assert sum(point.sum for point in telemetry.points("gen_ai.invoke_agent.inference_calls")) == len(provider.ledger)
    assert sum(point.sum for point in telemetry.points("gen_ai.invoke_agent.tool_calls")) == 4
    _checked(telemetry, provider)


def _calls(body):
    return [part["functionCall"] for content in body["contents"] for part in content["parts"] if "functionCall" in part]


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("surface", AFC, ids=str)
def test_a_tool_that_fails(provider, install, client, surface, is_async):
    """The SDK tells the model of it and goes on; the span has the function's own error."""
    telemetry = install(**FULL)

    def get_weather(city: str) -> str:
        """Get the weather of a city."""
        raise LookupError(f"no station in {city}")

    _run(client, surface, is_async, [get_weather])
    (tool,) = telemetry.named("execute_tool")
    assert verdict.failed(tool) == "LookupError"
    assert "no station in Paris" in tool.status.description
    assert [verdict.failed(span) for span in telemetry.spans if span is not tool] == [None] * 3
    _checked(telemetry, provider)


@pytest.mark.parametrize(
    "result", [None, "", "text", 5, [1, 2], {"a": 1}, object(), {"bad": object()}, b"bytes", float("nan")]
)
def test_odd_results(provider, install, client, result):
    telemetry = install(**FULL)

    def get_weather(city: str) -> object:
        """Get the weather of a city."""
        return result

    config = types.GenerateContentConfig(tools=[get_weather])
    try:
        client.models.generate_content(**CALL, config=config)
    except Exception as error:
        assert verdict.failed(telemetry.named("invoke_agent")[0]) == type(error).__qualname__
    (tool,) = telemetry.named("execute_tool")
    assert verdict.failed(tool) is None
    assert violations(tool) == []


def test_manual_function_calling_has_no_parent(provider, install, client):
    """Declarations alone run nothing: each call is one span."""
    telemetry = install(**FULL)
    declared = {"function_declarations": [{"name": "get_weather", "parameters": {"type": "OBJECT", "properties": {}}}]}
    response = client.models.generate_content(**CALL, config={"tools": [declared]})
    assert response.function_calls
    assert [span.name for span in telemetry.spans] == [f"generate_content {surfaces.MODEL}"]


def test_continuation(provider, install, client):
    """Each request of an answer that goes on is a span; the user's call is one trace only where it has a parent."""
    telemetry = install(**FULL)
    provider.script(Reply(hops=2), Reply(hops=2), Reply(hops=2))
    client.models.generate_content(**CALL)
    assert len(telemetry.leaves) == len(provider.ledger)
    verdict.billed(telemetry, provider)


# Parents


@pytest.mark.parametrize("surface", surfaces.SURFACES, ids=str)
def test_the_callers_span_is_the_parent(provider, install, client, surface):
    """The one that was current at the call, whoever reads the stream where; what runs in the loop is not our child."""
    telemetry = install()
    tracer = telemetry.tracer_provider.get_tracer("mine")

    def get_weather(city: str) -> str:
        """Get the weather of a city."""
        return "fine"

    with tracer.start_as_current_span("caller") as caller:
        result = surfaces.method(surface, client, False)(**surfaces.arguments(surface, [get_weather]))
    if surface.stream:
        with tracer.start_as_current_span("reader"), concurrent.futures.ThreadPoolExecutor(1) as pool:
            first = pool.submit(next, result).result()
            assert first
            with tracer.start_as_current_span("in the loop") as loop:
                pass
            list(result)
        assert loop.parent.span_id != telemetry.leaves[0].context.span_id
    tops = [span for span in telemetry.spans if span.parent and span.parent.span_id == caller.context.span_id]
    assert [span.attributes["gen_ai.operation.name"] for span in tops] == [
        "invoke_agent" if surface.afc else surface.operation
    ]
    assert telemetry.unbalanced() == {}


# Sessions


def test_nested_sessions(provider, install, client):
    telemetry = install()
    with genspan.session("outer", user="anna", tags={"team": "a"}):
        client.models.generate_content(**CALL)
        with genspan.session("inner"):
            client.models.generate_content(**CALL)
        client.models.generate_content(**CALL)
    client.models.generate_content(**CALL)
    sessions = [span.attributes.get("session.id") for span in telemetry.leaves]
    assert sessions == ["outer", "inner", "outer", None]
    assert [span.attributes.get("gen_ai.conversation.id") for span in telemetry.leaves] == sessions
    assert telemetry.leaves[0].attributes["user.id"] == "anna"
    assert telemetry.leaves[0].attributes["mlflow.traceTag.team"] == "a"
    assert [violations(span) for span in telemetry.spans] == [[]] * 4


def test_session_of_a_stream_is_the_callers(provider, install, client):
    telemetry = install()
    with genspan.session("mine"):
        stream = client.models.generate_content_stream(**CALL)
    with genspan.session("other"):
        list(stream)
    assert telemetry.leaves[0].attributes["session.id"] == "mine"


def test_session_across_tasks(provider, install, client):
    telemetry = install()

    async def one(name):
        with genspan.session(name):
            await asyncio.sleep(0)
            await client.aio.models.generate_content(**CALL)

    async def main():
        await asyncio.gather(*(one(f"session-{number}") for number in range(5)))
        await client.aio.aclose()

    asyncio.run(main())
    assert {span.attributes["session.id"] for span in telemetry.leaves} == {f"session-{number}" for number in range(5)}


def test_session_with_tools(provider, install, client):
    """All spans of the trace are in it; the tags are on its first alone."""
    telemetry = install()

    def get_weather(city: str) -> str:
        """Get the weather of a city."""
        return client.models.generate_content(**CALL).text

    with genspan.session("mine", tags={"team": "a"}):
        client.models.generate_content(**CALL, config={"tools": [get_weather]})
    assert {span.attributes.get("session.id") for span in telemetry.spans} == {"mine"}
    tagged = [span for span in telemetry.spans if "mlflow.traceTag.team" in span.attributes]
    assert tagged == telemetry.named("invoke_agent")


@pytest.mark.parametrize("arguments", [("x" * 5000,), ("",), (5,), (None,), (object(),)])
def test_odd_sessions(provider, install, client, arguments):
    telemetry = install()
    with genspan.session(*arguments, tags={"a": 1, 2: "b"}, user=7):
        assert client.models.generate_content(**CALL).text
    telemetry.complaints.heard.clear()
    assert len(telemetry.spans) == 1


# The last trace


@pytest.fixture
def flushed(monkeypatch):
    calls = []
    monkeypatch.setattr(control, "flush", lambda timeout, *_: calls.append(timeout))
    return calls


def test_last_trace_id(provider, install, client, flushed):
    telemetry = install()
    client.models.generate_content(**CALL)
    first = telemetry.spans[-1].context.trace_id
    assert genspan.last_trace_id(timeout=3) == f"tr-{first:032x}"
    assert flushed == [3]
    list(client.models.generate_content_stream(**CALL))
    assert genspan.last_trace_id() == f"tr-{telemetry.spans[-1].context.trace_id:032x}"
    provider.script(Reply(status=400))
    with pytest.raises(Exception, match="400"):
        client.models.generate_content(**CALL)
    assert genspan.last_trace_id() == f"tr-{telemetry.spans[-1].context.trace_id:032x}"


def test_last_trace_id_is_of_this_thread_or_task(provider, install, client, flushed):
    telemetry = install()
    ids = {}

    async def one(name):
        await client.aio.models.generate_content(model=surfaces.MODEL, contents=name)
        await asyncio.sleep(0.02)
        ids[name] = genspan.last_trace_id()

    async def main():
        await asyncio.gather(*map(one, "abc"))
        await client.aio.aclose()

    asyncio.run(main())
    assert len(set(ids.values())) == 3
    client.models.generate_content(**CALL)
    mine = genspan.last_trace_id()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        pool.submit(client.models.generate_content, **CALL).result()
        theirs = pool.submit(genspan.last_trace_id).result()
    assert theirs != mine == genspan.last_trace_id()
    assert {f"tr-{span.context.trace_id:032x}" for span in telemetry.spans} >= {mine, theirs}


def test_last_trace_id_below_a_span_of_the_users(provider, install, client, flushed):
    telemetry = install()
    with telemetry.tracer_provider.get_tracer("mine").start_as_current_span("mine") as span:
        client.models.generate_content(**CALL)
        assert genspan.last_trace_id() == f"tr-{span.context.trace_id:032x}"
    assert trace.get_current_span() is trace.INVALID_SPAN


def test_telemetry_of_two_instruments_is_apart(provider, install, client):
    first = install()
    client.models.generate_content(**CALL)
    genspan.uninstrument()
    second = install(Telemetry())
    client.models.generate_content(**CALL)
    assert (len(first.spans), len(second.spans)) == (1, 1)
