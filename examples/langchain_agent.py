"""LangChain's agent: it calls a tool and answers with what that found."""

from __future__ import annotations

import os

from langchain.agents import create_agent
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI

MODEL = os.environ.get("OPENAI_MODEL", "gpt-4.1-mini")


@tool
def get_weather(city: str) -> str:
    """The current weather in a city."""
    print(f"(get_weather was asked for {city})")
    return f"sunny in {city}, 21 C"


def main() -> None:
    agent = create_agent(
        ChatOpenAI(model=MODEL),
        tools=[get_weather],
        system_prompt="Answer in one sentence.",
        name="weather",
    )
    question = {"messages": [("user", "What is the weather like in Paris today?")]}
    result = agent.invoke(question, {"configurable": {"thread_id": "trip-7"}})
    print(result["messages"][-1].content)


main()
