"""Logfire: a provider of its own kind, spans of pydantic-ai, and a wrapper of SDKs that asks others to stand aside."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

SET_UP = """
import asyncio, json, sys
import logfire
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
exporter, url, messages = InMemorySpanExporter(), sys.argv[1], [{"role": "user", "content": "Hello"}]
processors = [SimpleSpanProcessor(exporter)]
logfire.configure(send_to_logfire=False, console=False, additional_span_processors=processors)
import genspan, openai
genspan.instrument()
"""
PYDANTIC_AI = """
from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider
logfire.instrument_pydantic_ai(use_aggregated_usage_attribute_names=False)
model = OpenAIChatModel("gpt-4.1-mini", provider=OpenAIProvider(base_url=url + "/v1", api_key="sk-test-123456789"))
Agent(model, name="helper").run_sync("Hello")
"""
WRAPPED = """
logfire.instrument_openai()
client = openai.OpenAI(base_url=url + "/v1", api_key="sk-test-123456789")
client.chat.completions.create(model="gpt-4.1-mini", messages=messages)
"""
RESULT = """
spans = [span for span in exporter.get_finished_spans() if span.attributes.get("logfire.span_type") != "pending_span"]
found = [(span.instrumentation_scope.name, span.attributes.get("gen_ai.usage.input_tokens")) for span in spans]
print(json.dumps([one for one in found if one[1]]))
"""


@pytest.mark.parametrize(
    ("program", "scope"), [(PYDANTIC_AI, "genspan.openai"), (WRAPPED, "logfire.openai")], ids=["pydantic-ai", "wrapped"]
)
def test_who_has_the_usage(provider, tmp_path, program, scope):
    file = tmp_path / "program.py"
    file.write_text(SET_UP + program + RESULT, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(file), provider.url], capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == [[scope, provider.ledger.total().input]]
