"""Who counts: LangChain's own figures agree with the spans, and LangSmith's spans of the same runs carry no usage."""

from __future__ import annotations

import logging

import langsmith
import pytest
from langchain.agents import create_agent
from langchain_core.callbacks import get_usage_metadata_callback
from langchain_core.tracers import LangChainTracer

from tests.langchain.conftest import run as complete
from tests.langchain.programs import get_weather
from tests.langchain.test_agents import ASK
from tests.support import verdict
from tests.support.telemetry import Counts, Telemetry

PATHS = {"chat": {}, "responses": {"use_responses_api": True}}


@pytest.mark.parametrize("mode", ["invoke", "ainvoke", "stream"])
@pytest.mark.parametrize("path", PATHS)
def test_spans_have_the_figures_that_langchain_gives(install, provider, gpt, path, mode):
    telemetry = install()
    agent = create_agent(gpt(**PATHS[path]), tools=[get_weather], name="weather")
    with get_usage_metadata_callback() as langchains:
        if mode == "ainvoke":
            complete(agent.ainvoke(ASK))
        else:
            list(agent.stream(ASK)) if mode == "stream" else agent.invoke(ASK)
    figures = list(langchains.usage_metadata.values())
    total = provider.ledger.total()
    assert (
        Counts(*(sum(one[side] for one in figures) for side in ("input_tokens", "output_tokens"))) == telemetry.usage()
    )
    assert telemetry.usage() == Counts(total.input, total.output) != Counts(0, 0)


@pytest.fixture
def langsmiths(monkeypatch):
    """A handler that sends every run as a span of LangSmith's to a provider."""

    def make(telemetry: Telemetry) -> LangChainTracer:
        for name in ("LANGSMITH_TRACING", "LANGSMITH_OTEL_ENABLED", "LANGSMITH_OTEL_ONLY"):
            monkeypatch.setenv(name, "true")
        monkeypatch.setenv("LANGSMITH_API_KEY", "test")
        langsmith.utils.get_env_var.cache_clear()
        client = langsmith.Client(otel_tracer_provider=telemetry.tracer_provider, tracing_mode="otel")
        return LangChainTracer(client=client)

    yield make
    monkeypatch.undo()
    langsmith.utils.get_env_var.cache_clear()


def test_langsmiths_spans_of_the_same_runs_have_no_usage_and_that_is_said_once(
    install, provider, gpt, langsmiths, caplog
):
    telemetry = install()
    handler = langsmiths(telemetry)
    caplog.set_level(logging.INFO, "genspan")
    agent = create_agent(gpt(), tools=[get_weather], name="weather")
    for _ in range(2):
        agent.invoke(ASK, {"callbacks": [handler]})
    handler.client.flush()
    theirs = [span for span in telemetry.spans if span.instrumentation_scope.name == "langsmith"]
    assert sum(span.name == "ChatOpenAI" for span in theirs) == 4
    assert [name for span in theirs for name in span.attributes if name.startswith("gen_ai.usage")] == []
    total = provider.ledger.total()
    assert telemetry.usage() == Counts(total.input, total.output)
    said = [record.getMessage() for record in caplog.records if "'langsmith'" in record.getMessage()]
    assert len(said) == 1
    assert [verdict.failed(span) for span in theirs] == [None] * len(theirs)
