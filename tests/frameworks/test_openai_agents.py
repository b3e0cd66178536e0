"""openai-agents, whose traces OpenInference turns into spans around ours."""

from __future__ import annotations

import agents
import openai
import pytest
from openinference.instrumentation.openai_agents import OpenAIAgentsInstrumentor

SCOPE = "openinference.instrumentation.openai_agents"


@pytest.fixture
def bridge(global_providers):
    instrumentor = OpenAIAgentsInstrumentor()
    instrumentor.instrument(tracer_provider=global_providers.tracer_provider)
    yield
    instrumentor.uninstrument()
    agents.set_trace_processors([])


@agents.function_tool
def weather(city: str = "Paris") -> str:
    """The weather of a city."""
    return "sunny"


@pytest.mark.parametrize("api", [agents.OpenAIResponsesModel, agents.OpenAIChatCompletionsModel])
@pytest.mark.usefixtures("bridge")
async def test_tools(program, provider, api):
    telemetry = program()
    async with openai.AsyncOpenAI(api_key="sk-test-123456789", base_url=f"{provider.url}/v1") as client:
        agent = agents.Agent(name="helper", model=api("gpt-4.1-mini", openai_client=client), tools=[weather])
        assert (await agents.Runner.run(agent, "What is the weather in Paris?")).final_output
    spans = {span.context.span_id: span for span in telemetry.spans}
    parents = [spans[span.parent.span_id].instrumentation_scope.name for span in telemetry.leaves]
    assert parents == [SCOPE, SCOPE]
