"""Microsoft's agent-framework: `invoke_agent` and `chat` spans around ours, of the scope agent_framework."""

from __future__ import annotations

import agent_framework
import openai
import pytest
from agent_framework.observability import enable_instrumentation
from agent_framework.openai import OpenAIChatClient


def weather(city: str = "Paris") -> str:
    """The weather of a city."""
    return "sunny"


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
async def test_tools(program, provider, stream):
    telemetry = program()
    enable_instrumentation()
    async with openai.AsyncOpenAI(api_key="sk-test-123456789", base_url=f"{provider.url}/v1") as client:
        chat = OpenAIChatClient(model="gpt-4.1-mini", async_client=client)
        agent = agent_framework.Agent(chat, instructions="Help.", name="helper", tools=[weather])
        if stream:
            assert [update async for update in agent.run("What is the weather in Paris?", stream=True)]
        else:
            assert (await agent.run("What is the weather in Paris?")).text
    spans = {span.context.span_id: span for span in telemetry.spans}
    parents = [spans[span.parent.span_id].instrumentation_scope.name for span in telemetry.leaves if span.parent]
    ours = [span for span in telemetry.spans if span.instrumentation_scope.name == "genspan.openai"]
    assert len(ours) == 2
    assert set(parents) == {"agent_framework"}
