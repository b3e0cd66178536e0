"""Agents, graphs and tools: one connected tree for each call of the user's, usage on the model calls alone."""

from __future__ import annotations

import asyncio
import json

import pytest
from langchain.agents import create_agent
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import ToolException, tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import Command, interrupt
from opentelemetry import trace

from tests.langchain.conftest import run as complete
from tests.support import verdict
from tests.support.telemetry import Counts

ASK = {"messages": [("user", "[[rounds=1]] weather in Paris?")]}


@tool
def get_weather(city: str) -> str:
    """The weather of a city."""
    return f"sunny in {city}"


def run(agent, given, config, mode):
    if mode == "sync":
        return agent.invoke(given, config)
    if mode == "async":
        return complete(agent.ainvoke(given, config))
    if mode == "stream":
        return list(agent.stream(given, config))

    async def read():
        return [chunk async for chunk in agent.astream(given, config)]

    return complete(read())


def tree(telemetry):
    """``{name: name of its parent}`` of spans, in order of their start."""
    by_id = {span.context.span_id: span.name for span in telemetry.spans}
    ordered = sorted(telemetry.spans, key=lambda span: span.start_time)
    return [(span.name, by_id[span.parent.span_id] if span.parent else None) for span in ordered]


@pytest.mark.parametrize("mode", ["sync", "async", "stream", "astream"])
def test_agent_is_one_trace_of_agent_model_calls_and_tool(install, provider, gpt, mode):
    telemetry = install(CAPTURE="true")
    before = trace.get_current_span()
    run(create_agent(gpt(), tools=[get_weather], name="weather"), ASK, None, mode)
    assert trace.get_current_span() is before
    agent, chat = "invoke_agent weather", "chat gpt-4.1-mini"
    assert tree(telemetry) == [(agent, None), (chat, agent), ("execute_tool get_weather", agent), (chat, agent)]
    verdict.sound(telemetry)
    total = provider.ledger.total()
    assert telemetry.usage() == Counts(total.input, total.output)
    (ran,) = telemetry.named("execute_tool")
    asked = json.loads(telemetry.leaves[0].attributes["gen_ai.output.messages"])[0]["parts"][0]
    assert ran.attributes["gen_ai.tool.call.id"] == asked["id"]
    assert json.loads(ran.attributes["gen_ai.tool.call.arguments"]) == asked["arguments"]
    assert ran.attributes["gen_ai.tool.description"] == "The weather of a city."
    assert ran.attributes["gen_ai.agent.name"] == "weather"
    assert json.loads(ran.attributes["gen_ai.tool.call.result"]) == {"result": f"sunny in {asked['arguments']['city']}"}
    (root,) = telemetry.named("invoke_agent")
    assert root.attributes["gen_ai.agent.name"] == "weather"
    assert json.loads(root.attributes["gen_ai.input.messages"]) == [
        {"role": "user", "parts": [{"type": "text", "content": ASK["messages"][0][1]}]}
    ]


def test_without_capture_no_content_is_kept(install, provider, gpt):
    telemetry = install()
    create_agent(gpt(), tools=[get_weather], name="weather").invoke(ASK)
    assert b"Paris" not in telemetry.exported() and b"sunny" not in telemetry.exported()


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_interrupt_and_resume_are_no_errors(install, provider, gpt, mode, caplog):
    @tool
    def book(hotel: str) -> str:
        """Book a hotel."""
        return f"{hotel}: {interrupt('ok?')}"

    telemetry = install(CAPTURE="true")
    agent = create_agent(gpt(), tools=[book], checkpointer=InMemorySaver(), name="booker")
    config = {"configurable": {"thread_id": "trip-7"}}
    run(agent, ASK, config, mode)
    run(agent, Command(resume="yes"), config, mode)
    assert [verdict.failed(span) for span in telemetry.spans] == [None] * len(telemetry.spans)
    assert {span.attributes["gen_ai.conversation.id"] for span in telemetry.spans} == {"trip-7"}
    assert [record.getMessage() for record in caplog.records if record.levelname == "WARNING"] == []


def test_tool_that_raises_is_an_error_of_the_tool_and_of_the_agent_that_it_ends(install, provider, gpt):
    @tool
    def explode(city: str) -> str:
        """Does not work."""
        raise ValueError(f"broken by {city}")

    telemetry = install()
    with pytest.raises(ValueError, match="broken by"):
        create_agent(gpt(), tools=[explode], name="words").invoke(ASK)
    found = {span.name: verdict.failed(span) for span in telemetry.spans}
    assert found["execute_tool explode"] == found["invoke_agent words"] == "ValueError"
    assert found["chat gpt-4.1-mini"] is None
    exported = telemetry.exported()
    assert b"broken by" not in exported


def test_handled_tool_error_leaves_the_agent_whole(install, provider, gpt):
    @tool
    def lookup(city: str) -> str:
        """Look a word up."""
        raise ToolException("no entry")

    lookup.handle_tool_error = True
    telemetry = install()
    create_agent(gpt(), tools=[lookup], name="words").invoke(ASK)
    assert verdict.failed(telemetry.named("invoke_agent")[0]) is None


def test_model_call_and_span_of_the_program_inside_a_tool_are_below_it(install, provider, gpt):
    @tool
    def research(city: str) -> str:
        """Ask a model."""
        with telemetry.tracer_provider.get_tracer("app").start_as_current_span("fetch"):
            return gpt().invoke("hello").content

    telemetry = install()
    create_agent(gpt(), tools=[research], name="researcher").invoke(ASK)
    assert ("fetch", "execute_tool research") in tree(telemetry)
    assert ("chat gpt-4.1-mini", "fetch") in tree(telemetry)


def test_nested_agent_is_an_agent_below_the_tool_that_runs_it(install, provider, gpt):
    inner = create_agent(gpt(), tools=[], name="helper")

    @tool
    def ask_helper(city: str) -> str:
        """Ask another agent."""
        return inner.invoke({"messages": [("user", "hello")]})["messages"][-1].content

    telemetry = install()
    create_agent(gpt(), tools=[ask_helper], name="boss").invoke(ASK)
    assert ("invoke_agent helper", "execute_tool ask_helper") in tree(telemetry)
    assert len(telemetry.named("invoke_agent")) == 2


def test_agent_without_a_name_inside_a_tool_is_an_agent_and_a_chain_there_a_workflow(install, provider, gpt):
    chain = RunnableLambda(lambda text: text + "!", name="shout")

    @tool
    def ask(city: str) -> str:
        """Ask another agent."""
        return chain.invoke(inner.invoke({"messages": [("user", "hello")]})["messages"][-1].content)

    telemetry = install()
    inner = create_agent(gpt(), tools=[]).with_config(tags=["inner"])
    create_agent(gpt(), tools=[ask], name="boss").invoke(ASK)
    assert ("invoke_agent", "execute_tool ask") in tree(telemetry)
    assert ("invoke_workflow shout", "execute_tool ask") in tree(telemetry)
    assert {span.name for span in telemetry.named("invoke_workflow")} == {"invoke_workflow shout"}


def test_nodes_of_a_graph_are_workflows_under_the_graph(install, provider, gpt):
    def talk(state):
        return {"messages": [gpt().invoke(state["messages"])]}

    graph = StateGraph(MessagesState)
    graph.add_node("talk", talk)
    graph.add_edge(START, "talk")
    telemetry = install()
    graph.compile(name="talker").invoke({"messages": [("user", "hello")]})
    talker, node = "invoke_workflow talker", "invoke_workflow talk"
    assert tree(telemetry) == [(talker, None), (node, talker), ("chat gpt-4.1-mini", node)]


def test_concurrent_agents_keep_their_trees_apart(install, provider, gpt):
    telemetry = install()
    agent = create_agent(gpt(), tools=[get_weather], name="weather")

    async def all_at_once():
        await asyncio.gather(*(agent.ainvoke(ASK) for _ in range(100)))

    complete(all_at_once())
    traces: dict[int, list[str]] = {}
    for span in telemetry.spans:
        traces.setdefault(span.context.trace_id, []).append(span.name)
    expected = ["chat gpt-4.1-mini"] * 2 + ["execute_tool get_weather", "invoke_agent weather"]
    assert [sorted(names) for names in traces.values()] == [expected] * 100
    total = provider.ledger.total()
    assert telemetry.usage() == telemetry.measured() == Counts(total.input, total.output)
