"""Under any limit of the span, what matters survives, and content is valid JSON or absent."""

from __future__ import annotations

import functools
import json

import pytest
from google.genai import types
from opentelemetry.sdk.trace import SpanLimits

import genspan
from tests.support import surfaces, verdict
from tests.support.provider import Reply
from tests.support.registry import violations
from tests.support.telemetry import Telemetry

ESSENTIAL = (
    "gen_ai.operation.name",
    "gen_ai.request.model",
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.output_tokens",
    "mlflow.chat.tokenUsage",
)
CONTENT = (
    "gen_ai.input.messages",
    "gen_ai.output.messages",
    "gen_ai.system_instructions",
    "gen_ai.tool.definitions",
    "mlflow.spanInputs",
    "mlflow.spanOutputs",
)
LONG = 'Tell me "everything" about \\ backslashes, ümlauts, 漢字 and 🎈. ' * 40


def _tool(city: str) -> dict[str, str]:
    """Get the weather of a city."""
    return {"city": city, "text": LONG}


@functools.cache
def _client(url):
    return surfaces.make_client(url)


@pytest.fixture(scope="module", autouse=True)
def close_client(running_provider):
    yield
    _client(running_provider.url).close()


def _call(provider, attributes, length, install, *, tools=False, session=False, status=200, content="true", cut=False):
    limits = SpanLimits(max_span_attributes=attributes, max_span_attribute_length=length)
    telemetry = install(Telemetry(limits=limits), CAPTURE=content, GENSPAN_DIALECTS="genai,mlflow")
    provider.script(*[Reply()] * tools, Reply(status=status, message=LONG, text=LONG))
    config = types.GenerateContentConfig(
        temperature=0.1, top_p=0.5, top_k=3, max_output_tokens=9000, seed=1, stop_sequences=["a", "b"],
        candidate_count=2 if not tools else 1, presence_penalty=0.1, frequency_penalty=0.2,
        system_instruction=LONG, tools=[_tool] if tools else None,
    )  # fmt: skip
    client = _client(provider.url)
    history = [types.UserContent(LONG), types.ModelContent(LONG)] * 3
    try:
        with genspan.session("session-1", user="user-1", tags={"a": "b", "c": "d"}):
            client.models.generate_content(
                model=surfaces.MODEL, contents=[*history, types.UserContent(LONG)], config=config
            )
    except Exception:
        assert status >= 400
    # The SDK tells what it drops. It is what was on the span before: a session's tags, and what a start has.
    told = ("Attributes dict is full", *(["String attribute value exceeds"] if cut else []))
    telemetry.complaints.heard = [one for one in telemetry.complaints.heard if not one.startswith(told)]
    return telemetry


def _valid(span, length):
    for name, value in span.attributes.items():
        if length is not None and isinstance(value, str):
            assert len(value) <= length
        if name in CONTENT:
            json.loads(value)
    wrong = [one for one in violations(span) if "not fit" in one or "not JSON" in one]
    assert wrong == []


@pytest.mark.parametrize("length", [200, 201, 500, 2000, 20_000, None])
@pytest.mark.parametrize("attributes", [16, 17, 24, 40, 128, None])
def test_one_call(provider, install, attributes, length):
    telemetry = _call(provider, attributes, length, install)
    (span,) = telemetry.spans
    for name in ESSENTIAL:
        assert name in span.attributes
    assert verdict.operation(span) == "generate_content"
    verdict.billed(telemetry, provider)
    assert json.loads(span.attributes["mlflow.chat.tokenUsage"])["input_tokens"] == telemetry.usage().input
    _valid(span, length)
    if attributes in (None, 128) and length in (None, 20_000):
        assert length or "genspan.content.truncated" not in span.attributes
        assert set(CONTENT) - {"gen_ai.tool.definitions"} <= set(span.attributes)
    if length and length <= 5000 and attributes in (None, 128):
        assert span.attributes["genspan.content.truncated"] is True


@pytest.mark.parametrize("length", [200, 1000, None])
@pytest.mark.parametrize("attributes", [16, 32, None])
def test_function_calling(provider, install, attributes, length):
    telemetry = _call(provider, attributes, length, install, tools=True)
    assert len(telemetry.leaves) == 2
    verdict.billed(telemetry, provider)
    for span in telemetry.spans:
        _valid(span, length)
        assert "gen_ai.operation.name" in span.attributes
        if span in telemetry.leaves:
            assert set(ESSENTIAL) <= set(span.attributes)
        else:
            assert "mlflow.spanType" in span.attributes


@pytest.mark.parametrize("length", [200, None])
@pytest.mark.parametrize("attributes", [16, None])
def test_error(provider, install, attributes, length):
    telemetry = _call(provider, attributes, length, install, status=400)
    (span,) = telemetry.spans
    assert verdict.failed(span) == "ClientError"
    assert span.attributes["gen_ai.request.model"] == surfaces.MODEL
    _valid(span, length)


@pytest.mark.parametrize("attributes", [0, 1, 3, 8])
@pytest.mark.parametrize("length", [0, 1, 10, 50])
def test_absurd_limits_harm_nothing(provider, install, attributes, length):
    """Below what is promised: whatever fits, and the call is not affected."""
    telemetry = _call(provider, attributes, length, install, cut=True)
    assert telemetry.unbalanced() == {}
    assert len(telemetry.spans) == 1


def test_event_limits(provider, install, monkeypatch):
    """Content of events is a structure; what the log limits cut is cut by the SDK, not by an error of ours."""
    monkeypatch.setenv("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "50")
    telemetry = _call(provider, None, None, install, content="EVENT_ONLY", cut=True)
    assert len(telemetry.logs) == 1
    assert not set(CONTENT) & set(telemetry.spans[0].attributes)
