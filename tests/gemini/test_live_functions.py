"""Functions that a model calls in a live session: the program runs them within a turn."""

from __future__ import annotations

import json

import pytest
from google.genai import types

from tests.support import verdict
from tests.support.live_programs import BACKENDS, ask, connect, read, said, turns, used

# google-genai deprecates methods of its own, and speaks of previews.
pytestmark = pytest.mark.filterwarnings("ignore:::google", "ignore::DeprecationWarning")


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_turn_with_functions_is_one_span_with_all_its_generations(install, live, backend):
    async def script(socket):
        await socket.receive()
        call = {"id": "call-1", "name": "weather", "args": {"city": "Paris"}}
        await socket.send(toolCall={"functionCalls": [call]}, usageMetadata=socket.usage(50, 5))
        await socket.receive()
        await socket.answer("It is warm.", usage=socket.usage(70, 9, toolUsePromptTokenCount=4))

    async def program(client):
        async with connect(client) as session:
            await ask(session, "How warm is it?")
            async for message in session.receive():
                for call in (message.tool_call and message.tool_call.function_calls) or ():
                    result = types.FunctionResponse(id=call.id, name=call.name, response={"degrees": 21})
                    await session.send_tool_response(function_responses=[result])

    telemetry = install(CAPTURE="true")
    service = live(script, program, backend)
    (turn,) = turns(telemetry)
    assert used(turn) == service.billed() == (124, 14)
    (run,), (session,) = telemetry.named("execute_tool"), telemetry.named("invoke_agent")
    assert run.parent.span_id == session.context.span_id
    assert turn.start_time < run.start_time < run.end_time < turn.end_time
    assert (run.attributes["gen_ai.tool.name"], run.attributes["gen_ai.tool.call.id"]) == ("weather", "call-1")
    assert json.loads(run.attributes["gen_ai.tool.call.arguments"]) == {"city": "Paris"}
    assert json.loads(run.attributes["gen_ai.tool.call.result"]) == {"degrees": 21}
    (question, asked), (role, (result,)) = said(turn, "input")
    assert (question, asked, role) == ("user", ["How warm is it?"], "tool")
    assert (result["id"], result["response"]) == ("call-1", {"degrees": 21})
    ((_, (call, text)),) = said(turn, "output")
    assert (call["type"], call["name"], call["arguments"]) == ("tool_call", "weather", {"city": "Paris"})
    assert text == "It is warm."


@pytest.mark.parametrize("backend", BACKENDS)
def test_several_functions_of_one_name_cancelled_and_unanswered_ones(install, live, backend):
    """Vertex AI gives no ids. A call that the service cancels has no span, nor has one that nobody ran."""

    def call(identity, name, **arguments):
        return {"name": name, "args": arguments, **({} if backend != "gemini" else {"id": identity})}

    async def script(socket):
        await socket.receive()
        calls = [
            call("1", "weather", city="Paris"),
            call("2", "weather", city="Rome"),
            call("3", "slow"),
            call("4", "no"),
        ]
        await socket.send(toolCall={"functionCalls": calls}, usageMetadata=socket.usage(50, 5))
        if backend == "gemini":
            await socket.send(toolCallCancellation={"ids": ["3"]})
        await socket.receive()
        await socket.receive()
        await socket.answer("Warm.", usage=socket.usage(70, 9))

    async def program(client):
        async with connect(client) as session:
            await ask(session, "How warm is it?")
            calls = (await anext(session.receive())).tool_call.function_calls
            for one, response in zip(calls, ({"output": 21}, {"error": "no such city"}), strict=False):
                result = types.FunctionResponse(id=one.id, name=one.name, response=response)
                await session.send_tool_response(function_responses=result)
            await read(session)

    telemetry = install(CAPTURE="true")
    if backend != "gemini" and not hasattr(types, "JobState"):
        pytest.skip("this version of google-genai wants ids on Vertex AI, too")
    service = live(script, program, backend)
    (turn,) = turns(telemetry)
    assert used(turn) == service.billed() == (120, 14)
    first, second = telemetry.named("execute_tool")
    assert [verdict.failed(first), verdict.failed(second)] == [None, "_OTHER"]
    cities = [json.loads(run.attributes["gen_ai.tool.call.arguments"]) for run in (first, second)]
    assert cities == [{"city": "Paris"}, {"city": "Rome"}]
    assert json.loads(first.attributes["gen_ai.tool.call.result"]) == {"output": 21}


def test_a_function_whose_results_come_in_pieces_is_one_run(install, live):
    async def script(socket):
        await socket.receive()
        await socket.send(toolCall={"functionCalls": [{"id": "1", "name": "count", "args": {}}]})
        for _ in range(3):
            await socket.receive()
        await socket.answer("Three.", usage=socket.usage(70, 9))

    async def program(client):
        async with connect(client) as session:
            await ask(session, "Count")
            await anext(session.receive())
            for n in (1, 2, 3):
                result = {"id": "1", "name": "count", "response": {"output": n}, "will_continue": n < 3}
                await session.send_tool_response(function_responses=[types.FunctionResponse(**result)])
            await read(session)

    if "will_continue" not in types.FunctionResponse.model_fields:
        pytest.skip("not in this version of google-genai")
    telemetry = install(CAPTURE="true")
    live(script, program)
    (run,) = telemetry.named("execute_tool")
    assert json.loads(run.attributes["gen_ai.tool.call.result"]) == {"output": 3}
    assert [used(turn) for turn in turns(telemetry)] == [(70, 9)]


def test_usage_alone_after_a_turn_that_ended_with_a_call(install, live):
    """A call that is not waited for: the turn ends before its result is there, and its usage comes after that."""

    async def script(socket):
        await socket.receive()
        await socket.send(toolCall={"functionCalls": [{"id": "1", "name": "weather", "args": {}}]})
        await socket.over()
        await socket.receive()
        await socket.send(usageMetadata=socket.usage(50, 5))
        await socket.answer("Warm.", usage=socket.usage(70, 9))

    async def program(client):
        async with connect(client) as session:
            await ask(session, "How warm is it?")
            await read(session)
            result = types.FunctionResponse(id="1", name="weather", response={"output": 21})
            await session.send_tool_response(function_responses=[result])
            await read(session)

    telemetry = install(CAPTURE="true")
    service = live(script, program)
    assert [used(turn) for turn in turns(telemetry)] == [(50, 5), (70, 9)]
    assert telemetry.usage() == service.billed()
    assert len(telemetry.named("execute_tool")) == 1
