"""pydantic-ai: `invoke_agent` and `chat` spans around ours, of the scope pydantic-ai."""

from __future__ import annotations

import asyncio

import anthropic
import pytest
from pydantic_ai import Agent, InstrumentationSettings
from pydantic_ai.capabilities.instrumentation import Instrumentation
from pydantic_ai.embeddings import Embedder
from pydantic_ai.embeddings.openai import OpenAIEmbeddingModel
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.fallback import FallbackModel
from pydantic_ai.models.google import GoogleModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.google import GoogleProvider
from pydantic_ai.providers.openai import OpenAIProvider

from tests.support.provider.script import Reply

KEY = "sk-test-123456789"
PROMPT = "What is the weather in Paris?"


def openai_provider(url):
    return OpenAIProvider(base_url=f"{url}/v1", api_key=KEY)


MODELS = {
    "chat": lambda url: OpenAIChatModel("gpt-4.1-mini", provider=openai_provider(url)),
    "responses": lambda url: OpenAIResponsesModel("gpt-4.1-mini", provider=openai_provider(url)),
    "anthropic": lambda url: AnthropicModel(
        "claude-sonnet-5",
        provider=AnthropicProvider(anthropic_client=anthropic.AsyncAnthropic(api_key=KEY, base_url=url, max_retries=0)),
    ),
    "google": lambda url: GoogleModel("gemini-2.5-flash", provider=GoogleProvider(api_key=KEY, base_url=url)),
}


def weather(city: str = "Paris") -> str:
    """The weather of a city."""
    return "sunny"


def agent(model, tools=(), **settings) -> Agent:
    """One whose spans carry the sum of a run under the conventions' names, too."""
    settings = InstrumentationSettings(**{"use_aggregated_usage_attribute_names": False, **settings})
    return Agent(model, name="helper", tools=list(tools), capabilities=[Instrumentation(settings=settings)])


def nested(telemetry, calls: int) -> None:
    """Each call of ours is the child of the framework's span of the same call, in one trace."""
    spans = {span.context.span_id: span for span in telemetry.spans}
    ours = [span for span in spans.values() if span.instrumentation_scope.name.startswith("genspan.")]
    parents = [spans[span.parent.span_id] for span in ours]
    assert [parent.instrumentation_scope.name for parent in parents] == ["pydantic-ai"] * calls
    assert len({span.context.trace_id for span in spans.values()}) == 1


@pytest.mark.parametrize("model", MODELS)
def test_tools(program, provider, model):
    telemetry = program()
    assert agent(MODELS[model](provider.url), [weather]).run_sync(PROMPT).output
    nested(telemetry, 2)


@pytest.mark.parametrize("model", MODELS)
def test_a_stream(program, provider, model):
    telemetry = program()

    async def read():
        async with agent(MODELS[model](provider.url), [weather]).run_stream(PROMPT) as answer:
            assert [text async for text in answer.stream_text()]

    asyncio.run(read())
    nested(telemetry, 2)


@pytest.mark.parametrize("model", MODELS)
def test_a_stream_that_the_program_leaves(program, provider, model):
    telemetry = program()
    provider.script(Reply(text="word " * 40, slow=0.01))

    async def read():
        async with agent(MODELS[model](provider.url)).run_stream(PROMPT) as answer:
            async for _ in answer.stream_text():
                break

    asyncio.run(read())
    nested(telemetry, 1)


@pytest.mark.parametrize("model", MODELS)
def test_an_error(program, provider, model):
    telemetry = program()
    provider.script(Reply(status=400))
    with pytest.raises(ModelHTTPError):
        agent(MODELS[model](provider.url)).run_sync(PROMPT)
    nested(telemetry, 1)


def test_a_model_that_stands_in(program, provider):
    telemetry = program()
    provider.script(Reply(status=400))
    fallback = FallbackModel(MODELS["chat"](provider.url), MODELS["google"](provider.url))
    assert agent(fallback).run_sync(PROMPT).output
    nested(telemetry, 2)


def test_agents_of_agents(program, provider):
    """An agent that is the tool of another; the sums of both are on their spans."""
    telemetry = program()
    inner = agent(MODELS["google"](provider.url))

    async def weather(city: str = "Paris") -> str:
        """The weather of a city."""
        return (await inner.run("The weather?")).output

    assert agent(MODELS["chat"](provider.url), [weather]).run_sync(PROMPT).output
    nested(telemetry, 3)


@pytest.mark.parametrize("include_content", [True, False])
@pytest.mark.parametrize("version", [2, 6])
def test_their_settings(program, provider, include_content, version):
    telemetry = program()
    helper = agent(MODELS["chat"](provider.url), [weather], include_content=include_content, version=version)
    assert helper.run_sync(PROMPT).output
    nested(telemetry, 2)


def test_the_sum_of_a_run_under_a_name_of_its_own_stays(program, provider):
    telemetry = program()
    agent(MODELS["chat"](provider.url), use_aggregated_usage_attribute_names=True).run_sync(PROMPT)
    [run] = telemetry.named("invoke_agent")
    assert run.attributes["gen_ai.aggregated_usage.input_tokens"] == provider.ledger.total().input


def test_embeddings(program, provider):
    telemetry = program()
    model = OpenAIEmbeddingModel("text-embedding-3-small", provider=openai_provider(provider.url))
    embedder = Embedder(model, instrument=True)
    assert asyncio.run(embedder.embed_query("Hello")).embeddings
    nested(telemetry, 1)
