"""An agent of pydantic-ai with a tool, whose spans have the sum of the run under the conventions' names, too."""

from pydantic_ai import Agent, InstrumentationSettings
from pydantic_ai.capabilities.instrumentation import Instrumentation
from pydantic_ai.models.google import GoogleModel


def weather(city: str = "Paris") -> str:
    """The weather of a city."""
    return "sunny"


instrumentation = Instrumentation(settings=InstrumentationSettings(use_aggregated_usage_attribute_names=False))
agent = Agent(GoogleModel("gemini-2.5-flash"), name="helper", tools=[weather], capabilities=[instrumentation])
agent.run_sync("What is the weather in Paris?")
