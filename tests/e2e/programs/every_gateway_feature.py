"""Programs of MLflow's gateway guide, in the ways that their SDKs offer, as one program without a line of ours.

The words of each question name what is asked; models are endpoints of the gateway.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress

import anthropic
import openai
from google import genai
from langchain.agents import create_agent
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI

GATEWAY = os.environ["SERVER"] + "/gateway"
OPENAI, UNIFIED = f"{GATEWAY}/openai/v1", f"{GATEWAY}/mlflow/v1"
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}}
FUNCTION = {"name": "get_weather", "description": "The weather.", "parameters": PARAMETERS}
TOOL = {"type": "function", "function": FUNCTION}


def said(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


def openai_sdk() -> None:
    with openai.OpenAI(base_url=OPENAI, api_key="dummy", max_retries=0) as client:
        chat = client.chat.completions
        chat.create(model="openai", messages=said("openai plain"))
        list(chat.create(model="openai", messages=said("openai stream"), stream=True))
        chat.create(model="openai", messages=said("openai tools"), tools=[TOOL])
        list(chat.create(model="openai", messages=said("openai streamed tools"), tools=[TOOL], stream=True))
        client.responses.create(model="openai", input="openai responses")
        list(client.responses.create(model="openai", input="openai streamed responses", stream=True))
        client.embeddings.create(model="openai", input="openai embeddings")
        with suppress(openai.NotFoundError):
            chat.create(model="nobody", messages=said("openai unknown endpoint"))
        with suppress(openai.RateLimitError):
            chat.create(model="openai", messages=said("openai upstream limit [[status=429]]"))
        with suppress(openai.RateLimitError):
            chat.create(model="poor", messages=said("openai quota"))
        with suppress(openai.BadRequestError):
            chat.create(model="anthropic", messages=said("openai mismatch"))
        with suppress(openai.APIError):
            list(chat.create(model="openai", messages=said("openai error chunk [[error-in-stream=2]]"), stream=True))
        with suppress(openai.APIStatusError):
            chat.create(model="guarded", messages=said("openai guardrail"))


def anthropic_sdk() -> None:
    with anthropic.Anthropic(base_url=f"{GATEWAY}/anthropic", api_key="dummy", max_retries=0) as client:

        def asked(text: str, model: str = "anthropic") -> dict:
            return {"model": model, "max_tokens": 1024, "messages": said(text)}

        client.messages.create(**asked("anthropic plain"))
        list(client.messages.create(**asked("anthropic stream"), stream=True))
        with client.messages.stream(**asked("anthropic helper")) as stream:
            stream.until_done()
        tools = [{"name": "get_weather", "description": "The weather.", "input_schema": PARAMETERS}]
        client.messages.create(**asked("anthropic tools"), tools=tools)
        with suppress(anthropic.NotFoundError):
            client.messages.create(**asked("anthropic unknown endpoint", "nobody"))
        with suppress(anthropic.APIError):
            list(client.messages.create(**asked("anthropic error chunk [[error-in-stream=3]]"), stream=True))


def gemini_sdk() -> None:
    options = {"base_url": f"{GATEWAY}/gemini", "api_version": "v1beta"}
    with genai.Client(api_key="dummy", http_options=options) as client:

        def get_weather(city: str) -> str:
            "Get the weather of a city."
            return "sunny"

        client.models.generate_content(model="gemini", contents="gemini plain")
        list(client.models.generate_content_stream(model="gemini", contents="gemini stream"))
        client.models.generate_content(model="gemini", contents="gemini tools", config={"tools": [get_weather]})
        with suppress(genai.errors.ClientError):
            client.models.generate_content(model="nobody", contents="gemini unknown endpoint")


def unified() -> None:
    with openai.OpenAI(base_url=UNIFIED, api_key="dummy", max_retries=0) as client:
        for endpoint in ("openai", "anthropic", "gemini"):
            chat = client.chat.completions
            chat.create(model=endpoint, messages=said(f"unified {endpoint} plain"))
            list(chat.create(model=endpoint, messages=said(f"unified {endpoint} stream"), stream=True))
            chat.create(model=endpoint, messages=said(f"unified {endpoint} tools"), tools=[TOOL])


async def asynchronous() -> None:
    async with openai.AsyncOpenAI(base_url=OPENAI, api_key="dummy") as client:
        await client.chat.completions.create(model="openai", messages=said("openai async"))


@tool
def get_weather(city: str) -> str:
    """The weather of a city."""
    return f"sunny in {city}"


def langchain() -> None:
    for endpoint in ("openai", "gemini"):
        model = ChatOpenAI(model=endpoint, base_url=UNIFIED, api_key="dummy", max_retries=0)
        agent = create_agent(model, tools=[get_weather], name="weather")
        agent.invoke({"messages": [("user", f"langchain {endpoint} agent")]})
        list(agent.stream({"messages": [("user", f"langchain {endpoint} streamed agent")]}, stream_mode="messages"))


openai_sdk()
anthropic_sdk()
gemini_sdk()
unified()
langchain()
asyncio.run(asynchronous())
