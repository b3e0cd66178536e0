"""smolagents, for which OpenInference makes spans around ours with `llm.token_count.*`, sums of a run included."""

from __future__ import annotations

import pytest
from openinference.instrumentation.smolagents import SmolagentsInstrumentor
from smolagents import OpenAIServerModel, ToolCallingAgent


@pytest.fixture
def bridge(global_providers):
    instrumentor = SmolagentsInstrumentor()
    instrumentor.instrument(tracer_provider=global_providers.tracer_provider)
    yield
    instrumentor.uninstrument()


@pytest.mark.usefixtures("bridge")
def test_a_run(program, provider):
    telemetry = program()
    model = OpenAIServerModel("gpt-4.1-mini", api_base=f"{provider.url}/v1", api_key="sk-test-123456789")
    ToolCallingAgent(tools=[], model=model, max_steps=1, verbosity_level=0).run("Hello")
    model.client.close()
    spans = {span.context.span_id: span for span in telemetry.spans}
    parents = [spans[span.parent.span_id].name for span in telemetry.leaves]
    assert parents == ["OpenAIModel.generate"]
