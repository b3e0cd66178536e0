"""Everyday programs of LangChain and LangGraph, each a runnable around a chat model, and what its spans are called."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware
from langchain_core.caches import InMemoryCache
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.rate_limiters import InMemoryRateLimiter
from langchain_core.runnables import (
    Runnable,
    RunnableBranch,
    RunnableConfig,
    RunnableGenerator,
    RunnableLambda,
    RunnableParallel,
    RunnablePassthrough,
    chain,
)
from langchain_core.tools import tool
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.types import Send
from pydantic import BaseModel

if TYPE_CHECKING:
    from collections.abc import Callable

CHAT = "chat"
"""A model call, whose name goes on with the model's."""


class Answer(BaseModel):
    """An answer."""

    city: str


@tool
def get_weather(city: str) -> str:
    """The weather of a city."""
    return f"sunny in {city}"


@tool
def get_time(city: str) -> str:
    """The time in a city."""
    return f"noon in {city}"


class Program(NamedTuple):
    """``make(model)`` is the runnable; ``spans`` are the names of the spans of one call, model calls as ``chat``."""

    make: Callable[..., Runnable[Any, Any]]
    spans: tuple[str, ...]
    given: Callable[[str], Any] = str
    """What it takes, made of the question."""


def _messages(question: str) -> Any:
    return {"messages": [("user", question)]}


def _with_tool(question: str) -> Any:
    return _messages(f"[[rounds=1]] {question}")


class Custom(Runnable):
    """A runnable of the program's own, which makes no run."""

    def __init__(self, model):
        self.model = model

    def invoke(self, input, config=None, **kwargs):
        return self.model.invoke(input, config).content


class Hooks(AgentMiddleware):
    """Middleware with hooks, a tool, and a model call of its own."""

    tools = (get_time,)

    def __init__(self, model):
        super().__init__()
        self.model = model

    def before_agent(self, state, runtime):
        self.model.invoke("classify")

    def wrap_model_call(self, request, handler):
        return handler(request)

    async def awrap_model_call(self, request, handler):
        return await handler(request)

    def wrap_tool_call(self, request, handler):
        return handler(request)

    async def awrap_tool_call(self, request, handler):
        return await handler(request)


def _talk(model):
    def talk(state):
        return {"messages": [model.invoke(state["messages"])]}

    async def atalk(state):
        return {"messages": [await model.ainvoke(state["messages"])]}

    return RunnableLambda(talk, atalk)


def _subgraph(model):
    child = StateGraph(MessagesState)
    child.add_node("talk", _talk(model))
    child.add_edge(START, "talk")
    parent = StateGraph(MessagesState)
    parent.add_node("child", child.compile())
    parent.add_edge(START, "child")
    return parent.compile(name="parent")


def _send(model):
    graph = StateGraph(MessagesState)
    graph.add_node("work", _talk(model))
    graph.add_conditional_edges(START, lambda state: [Send("work", state)] * 3, ["work"])
    graph.add_edge("work", END)
    return graph.compile(name="map")


def _threads(model):
    def ask_in_threads(question: str, config: RunnableConfig):
        with ThreadPoolExecutor(2) as executor:
            asked = [executor.submit(model.invoke, question, config) for _ in range(2)]
            return [one.result().content for one in asked]

    return RunnableLambda(ask_in_threads, name="threads")


def _executor(model):
    async def ask_in_an_executor(question: str, config: RunnableConfig):
        found = await asyncio.get_running_loop().run_in_executor(None, model.invoke, question, config)
        return found.content

    return RunnableLambda(lambda question: model.invoke(question).content, ask_in_an_executor, name="executor")


def _custom_function(model):
    @chain
    def shout(question):
        return model.invoke(question).content.upper()

    return shout


def _generator(model):
    def letters(chunks):
        for chunk in chunks:
            yield chunk.content

    async def aletters(chunks):
        async for chunk in chunks:
            yield chunk.content

    return (model | RunnableGenerator(letters, aletters)).with_config(run_name="spell")


def _named(model):
    prompt = ChatPromptTemplate.from_template("{question}")
    return ({"question": RunnablePassthrough()} | prompt | model | StrOutputParser()).with_config(run_name="answer")


def _failing(model):
    return model.bind(extra_headers={"x-fake-status": "503"})


AGENT = ("invoke_agent weather", CHAT, "execute_tool get_weather", CHAT)

PROGRAMS = {
    "model": Program(lambda model: model, (CHAT,)),
    "chain": Program(_named, ("invoke_workflow answer", CHAT)),
    "unnamed chain": Program(lambda model: model | StrOutputParser(), ("invoke_workflow", CHAT)),
    "structured output": Program(
        lambda model: model.with_structured_output(Answer, include_raw=True), ("invoke_workflow", CHAT)
    ),
    "fallbacks": Program(
        lambda model: _failing(model).with_fallbacks([model]).with_config(run_name="careful"),
        ("invoke_workflow careful", CHAT, CHAT),
    ),
    "retry": Program(lambda model: model.with_retry(stop_after_attempt=2, wait_exponential_jitter=False), (CHAT,)),
    "bound tools": Program(lambda model: model.bind_tools([get_weather]), (CHAT,), lambda text: f"[[rounds=1]] {text}"),
    "custom runnable": Program(Custom, (CHAT,)),
    "custom function": Program(_custom_function, ("invoke_workflow shout", CHAT)),
    "generator": Program(_generator, ("invoke_workflow spell", "invoke_workflow letters", CHAT)),
    "parallel": Program(
        lambda model: RunnableParallel(one=model, two=model).with_config(run_name="both"),
        ("invoke_workflow both", CHAT, CHAT),
    ),
    "branch": Program(
        lambda model: RunnableBranch((lambda _: True, model), model).with_config(run_name="choice"),
        ("invoke_workflow choice", CHAT),
    ),
    "threads": Program(_threads, ("invoke_workflow threads", CHAT, CHAT)),
    "executor": Program(_executor, ("invoke_workflow executor", CHAT)),
    "rate limiter": Program(
        lambda model: model.model_copy(
            update={"rate_limiter": InMemoryRateLimiter(requests_per_second=1e6, check_every_n_seconds=1e-4)}
        ),
        (CHAT,),
    ),
    "empty cache": Program(lambda model: model.model_copy(update={"cache": InMemoryCache()}), (CHAT,)),
    "agent": Program(lambda model: create_agent(model, tools=[get_weather], name="weather"), AGENT, _with_tool),
    "middleware": Program(
        lambda model: create_agent(model, tools=[get_weather], middleware=[Hooks(model)], name="weather"),
        ("invoke_agent weather", CHAT, CHAT, "execute_tool get_time", CHAT),
        _with_tool,
    ),
    "subgraph": Program(
        _subgraph,
        ("invoke_workflow parent", "invoke_workflow child", *("invoke_workflow talk",) * 2, CHAT),
        _messages,
    ),
    "send": Program(
        _send, ("invoke_workflow map", *("invoke_workflow work", "invoke_workflow talk", CHAT) * 3), _messages
    ),
}
