"""What an agent of LangChain with ten calls of tools costs, bare and traced: eleven model calls over openai."""

from __future__ import annotations

import json
import os
from typing import Any

from langchain.agents import create_agent
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI

from benchmarks.meter import count, run_counted
from benchmarks.providers import openai as provider
from benchmarks.providers import transport
from benchmarks.setups import BARE, GENSPAN, SETTINGS, implementation
from genspan import LangChainInstrumentor, OpenAIInstrumentor

TOOL_CALLS = 10
_RUNS, _WARM_UP = 2, 3


@tool
def get_weather(city: str, day: int) -> str:
    """Look the weather of a city on a day up."""
    return f"In {city} it is clear on day {day}, at {day + 20} degrees."


def _reply(request: Any) -> dict[str, Any]:
    """A call of the tool, until it was called often enough."""
    called = sum(message["role"] == "tool" for message in json.loads(request.content)["messages"])
    if called == TOOL_CALLS:
        return provider.reply()
    function = {"name": get_weather.name, "arguments": json.dumps({"city": "Paris", "day": called})}
    found = provider.reply()
    (choice,) = found["choices"]
    calls = [{"id": f"call_{called}", "type": "function", "function": function}]
    message = {**choice["message"], "content": None, "tool_calls": calls}
    return {**found, "choices": [{**choice, "message": message, "finish_reason": "tool_calls"}]}


class Instrumentors:
    """Both as one."""

    def __init__(self) -> None:
        self._all = (OpenAIInstrumentor(), LangChainInstrumentor())

    def instrument(self, **providers: Any) -> None:
        for one in self._all:
            one.instrument(**providers)

    def uninstrument(self) -> None:
        for one in self._all:
            one.uninstrument()


class Agent:
    """A ``Provider`` whose one call is a run of the agent."""

    instrumentor = Instrumentors

    def client(self) -> Any:
        model = ChatOpenAI(
            model=provider.MODEL, api_key="key-of-the-benchmarks", http_client=transport.answering(_reply)
        )
        return create_agent(model, tools=[get_weather], name="traveller")

    def call(self, client: Any, case: str) -> Any:
        return client.invoke({"messages": [("user", case)]}, {"recursion_limit": 100})

    stream = call


SETUPS = ("", "off", "genai", "mlflow")
"""Settings of genspan, first the bare program."""


def measure() -> dict[str, float]:
    """What one run of the agent costs in each setting."""
    lines, windows = run_counted("benchmarks.agent")
    costs: dict[str, float] = {}
    for line in lines:
        process, setting, total = json.loads(line)
        costs[setting] = windows.get(process, [total])[0] / _RUNS
    return costs


def _measure_one(setting: str) -> float | None:
    agent: Any = Agent()
    client = agent.client()
    name = GENSPAN if setting else BARE
    with implementation(name, agent, SETTINGS.get(setting, SETTINGS["off"])) as calls:

        def work(times: int) -> None:
            for _ in range(times):
                calls.call(client, "How will the weather in Paris be on the next ten days?")
            calls.flush()

        work(_WARM_UP)
        return count(work, _RUNS)


def main() -> None:
    """Print a line for each setting, measured in a process of its own: process, setting, and its cost."""
    for setting in SETUPS:
        if os.fork() == 0:
            cost = _measure_one(setting)
            os.write(1, f"{json.dumps([os.getpid(), setting, cost])}\n".encode())
            os._exit(0)
        if os.wait()[1] != 0:
            raise SystemExit(1)


if __name__ == "__main__":
    main()
