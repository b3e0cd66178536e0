"""A program that uses every feature of anthropic that is traced. Knows nothing of tracing but
the session, which is the program's to name.
"""

from __future__ import annotations

import asyncio
import contextlib

from anthropic import Anthropic, AnthropicVertex, APIStatusError, AsyncAnthropic, beta_tool
from pydantic import BaseModel

from genspan import session

MODEL = "claude-sonnet-5"


class City(BaseModel):
    name: str
    country: str


@beta_tool
def get_weather(city: str) -> str:
    """The weather."""
    return f"Sunny in {city}."


def said(text: object) -> dict:
    return {"model": MODEL, "max_tokens": 100, "messages": [{"role": "user", "content": text}]}


def messages(client: Anthropic) -> None:
    client.messages.create(**said("plain call"), system="You are terse.", stop_sequences=["END"])
    kept = {"type": "text", "text": "cached call " * 40, "cache_control": {"type": "ephemeral", "ttl": "1h"}}
    client.messages.create(**said([kept]))
    list(client.messages.create(**said("streamed call"), stream=True))
    with client.messages.stream(**said("helped call"), thinking={"type": "enabled", "budget_tokens": 1024}) as stream:
        stream.get_final_message()
    with client.beta.messages.stream(**said("helped beta call")) as stream:
        stream.get_final_message()
    client.messages.parse(**said("parsed call to Paris"), output_format=City)
    client.messages.with_raw_response.create(**said("raw call")).parse()
    with client.messages.with_streaming_response.create(**said("lines call"), stream=True) as response:
        list(response.iter_lines())
    client.messages.count_tokens(model=MODEL, messages=said("counted call")["messages"])
    with contextlib.suppress(APIStatusError):
        client.messages.create(**said("failing call [[status=400]]"))


def jobs(client: Anthropic) -> None:
    batch = client.messages.batches.create(requests=[{"custom_id": "one", "params": said("batched call")}])
    for _ in range(2):
        list(client.messages.batches.results(batch.id))
    agent = client.beta.sessions.create(agent="agent_1", environment_id="env_1")
    list(client.beta.sessions.events.stream(agent.id))
    list(client.beta.sessions.events.list(agent.id))


async def later() -> None:
    async with AsyncAnthropic() as client:
        await client.messages.create(**said("later call"))
        async with client.messages.stream(**said("later streamed call")) as stream:
            await stream.get_final_message()


def main() -> None:
    with Anthropic(max_retries=0) as client:
        messages(client)
        with session("trip-42", user="ada"):
            client.beta.messages.tool_runner(**said("tools call for Paris"), tools=[get_weather]).until_done()
        jobs(client)
        url = str(client.base_url).rstrip("/")
    asyncio.run(later())
    with AnthropicVertex(region="us-east1", project_id="p", access_token="token-123", base_url=f"{url}/v1") as client:
        client.messages.create(**said("vertex call"))


main()
