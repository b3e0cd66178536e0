"""litellm: openai is asked by the SDK, others by its own transport; its callback makes spans when a call is over."""

from __future__ import annotations

import os

import pytest

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # read on import; otherwise it asks the network

import litellm
from litellm.integrations.opentelemetry import OpenTelemetry, OpenTelemetryConfig

from tests.support.telemetry import Counts

ASK = {"messages": [{"role": "user", "content": "Hello"}], "api_key": "sk-test-123456789"}


@pytest.fixture
def callback(global_providers, monkeypatch):
    """Its OpenTelemetry callback, at work on the global provider."""
    made = OpenTelemetry(OpenTelemetryConfig(exporter="console"), tracer_provider=global_providers.tracer_provider)
    monkeypatch.setattr(litellm, "callbacks", [made])
    yield
    for name in ("success_callback", "_async_success_callback", "failure_callback", "_async_failure_callback"):
        setattr(litellm, name, [one for one in getattr(litellm, name) if one is not made])


@pytest.mark.usefixtures("callback")
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
async def test_the_callback_after_a_call_by_the_sdk(program, provider, stream):
    telemetry = program()
    options = {"stream": True, "stream_options": {"include_usage": True}} if stream else {}
    url = f"{provider.url}/v1"
    answer = await litellm.acompletion("openai/gpt-4.1-mini", api_base=url, **ASK, **options)
    if stream:
        assert [chunk async for chunk in answer]
    await wait_for(telemetry, "litellm_request")
    assert [span.name for span in telemetry.leaves if span.instrumentation_scope.name == "genspan.openai"]


@pytest.mark.parametrize(
    ("model", "path"),
    [("anthropic/claude-sonnet-5", ""), ("gemini/gemini-2.5-flash", "/v1beta/models/gemini-2.5-flash")],
)
async def test_calls_by_its_own_transport_are_not_traced(global_providers, provider, model, path):
    """As README says."""
    global_providers.clear()
    assert await litellm.acompletion(model, api_base=provider.url + path, **ASK)
    assert len(provider.ledger) == 1
    assert global_providers.usage() == Counts(0, 0)


async def wait_for(telemetry, name):
    """The callback runs in a task or thread of its own."""
    import asyncio

    for _ in range(500):
        if any(span.name == name for span in telemetry.spans):
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"no span {name}")
