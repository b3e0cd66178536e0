"""Two agents of google-adk, one of which uses a tool and streams."""

import asyncio

from google.adk.agents import Agent, RunConfig
from google.adk.agents.run_config import StreamingMode
from google.adk.runners import InMemoryRunner
from google.genai import types


def weather(city: str = "Paris") -> str:
    """The weather of a city."""
    return "sunny"


async def ask(agent: Agent, mode: StreamingMode) -> None:
    runner = InMemoryRunner(agent=agent, app_name="app")
    session = await runner.session_service.create_session(app_name="app", user_id="u")
    message = types.UserContent("What is the weather in Paris?")
    config = RunConfig(streaming_mode=mode)
    async for _ in runner.run_async(user_id="u", session_id=session.id, new_message=message, run_config=config):
        pass
    await runner.close()


async def main() -> None:
    await ask(Agent(name="one", model="gemini-2.5-flash"), StreamingMode.NONE)
    await ask(Agent(name="two", model="gemini-2.5-flash", tools=[weather]), StreamingMode.SSE)


asyncio.run(main())
