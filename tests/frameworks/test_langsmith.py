"""LangSmith's OpenTelemetry bridge, whose spans are made beside ours when a run is over."""

from __future__ import annotations

import langsmith
import openai
import pytest
from langsmith.wrappers import wrap_openai


@pytest.fixture
def bridge(monkeypatch):
    for name in ("LANGSMITH_TRACING", "LANGSMITH_OTEL_ENABLED", "LANGSMITH_OTEL_ONLY"):
        monkeypatch.setenv(name, "true")
    monkeypatch.setenv("LANGSMITH_API_KEY", "test")
    langsmith.utils.get_env_var.cache_clear()
    yield
    langsmith.utils.get_env_var.cache_clear()


@pytest.mark.usefixtures("bridge")
def test_a_wrapped_client(program, provider, global_providers):
    telemetry = program()
    bridge = langsmith.Client(otel_tracer_provider=global_providers.tracer_provider, tracing_mode="otel")
    with openai.OpenAI(api_key="sk-test-123456789", base_url=f"{provider.url}/v1") as client:
        wrapped = wrap_openai(client)

        @langsmith.traceable(client=bridge)
        def chain():
            messages = [{"role": "user", "content": "Hello"}]
            return wrapped.chat.completions.create(model="gpt-4.1-mini", messages=messages)

        chain()
    bridge.flush()
    names = sorted(span.name for span in telemetry.spans if span.instrumentation_scope.name == "langsmith")
    assert names == ["ChatOpenAI", "chain"]
