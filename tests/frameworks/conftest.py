"""Frameworks with spans of their own, in an environment that has them (`make test-frameworks`)."""

from __future__ import annotations

from importlib.util import find_spec

import pytest
from opentelemetry import metrics, trace

import genspan
from tests.support.telemetry import Counts, Telemetry, clean_environment

PACKAGES = {
    "test_agent_framework.py": "agent_framework.openai",
    "test_google_adk.py": "google.adk",
    "test_into_mlflow.py": "google.adk",
    "test_langchain_groq.py": "langchain_groq",
    "test_langsmith.py": "agents",  # langsmith's wrappers import it; langsmith itself comes with LangChain
    "test_litellm.py": "litellm",
    "test_logfire.py": "logfire",
    "test_openai_agents.py": "openinference.instrumentation.openai_agents",
    "test_pydantic_ai.py": "pydantic_ai",
    "test_smolagents.py": "openinference.instrumentation.smolagents",
    "test_uvicorn.py": "uvicorn",
}
USAGE = ("gen_ai.usage.", "llm.token_count.", "llm.cost.", "llm.usage.")


def _is_missing(package: str) -> bool:
    try:
        return find_spec(package) is None
    except ModuleNotFoundError:
        return True


collect_ignore = [name for name, package in PACKAGES.items() if _is_missing(package)]


@pytest.fixture(scope="session")
def global_providers():
    """Frameworks take their tracers from the global providers, which can be set once in a process."""
    telemetry = Telemetry()
    trace.set_tracer_provider(telemetry.tracer_provider)
    metrics.set_meter_provider(telemetry.meter_provider)
    return telemetry


@pytest.fixture
def program(global_providers, provider, monkeypatch):
    """`program(**environment)`: every SDK instrumented; afterwards the sum over all spans must be the bill."""
    clean_environment(monkeypatch)
    telemetry = global_providers
    telemetry.clear()

    def start(**environment: str) -> Telemetry:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        genspan.instrument()
        return telemetry

    yield start
    genspan.uninstrument()
    total = provider.ledger.total()
    assert telemetry.usage() == Counts(total.input, total.output)
    assert telemetry.unbalanced() == {}
    theirs = [span for span in telemetry.spans if not span.instrumentation_scope.name.startswith("genspan.")]
    assert [(span.name, name) for span in theirs for name in span.attributes if name.startswith(USAGE)] == []
