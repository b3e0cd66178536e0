"""The newer family of metrics, ``gen_ai.client.inference.*``, switched on among other words of the setting."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from google.genai import errors

from tests.support.provider import Reply

PREFIX = "gen_ai.client.inference."
USAGE = {
    "promptTokenCount": 30,
    "candidatesTokenCount": 12,
    "thoughtsTokenCount": 5,
    "cachedContentTokenCount": 20,
    "totalTokenCount": 47,
    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 18}, {"modality": "IMAGE", "tokenCount": 12}],
}


@pytest.fixture
def telemetry(install):
    return install(OTEL_SEMCONV_STABILITY_OPT_IN="http, gen_ai_latest_experimental")


def ask(client, **config):
    return client.models.generate_content(model="gemini-2.5-flash", contents="hello", config=config or None)


def by(telemetry, name, attribute):
    """The sums of a metric by one attribute of its points."""
    points = telemetry.points(name)
    return {point.attributes.get(attribute): getattr(point, "sum", getattr(point, "value", None)) for point in points}


def test_a_plain_call(telemetry, client, provider):
    provider.script(Reply(usage=USAGE))
    ask(client)
    assert set(telemetry.metrics) == {
        PREFIX + "duration",
        PREFIX + "operation.input_tokens",
        PREFIX + "operation.output_tokens",
        PREFIX + "usage.input_tokens",
        PREFIX + "usage.output_tokens",
        PREFIX + "usage.cache_read.input_tokens",
        PREFIX + "usage.reasoning.output_tokens",
    }
    assert [point.count for point in telemetry.points(PREFIX + "duration")] == [1]
    assert [point.sum for point in telemetry.points(PREFIX + "operation.input_tokens")] == [30]
    assert [point.sum for point in telemetry.points(PREFIX + "operation.output_tokens")] == [17]
    assert by(telemetry, PREFIX + "usage.input_tokens", "gen_ai.token.modality") == {"text": 18, "image": 12}
    assert sum(by(telemetry, PREFIX + "usage.output_tokens", "gen_ai.token.modality").values()) == 17
    assert [point.value for point in telemetry.points(PREFIX + "usage.cache_read.input_tokens")] == [20]
    assert [point.value for point in telemetry.points(PREFIX + "usage.reasoning.output_tokens")] == [5]


def test_the_attributes(telemetry, client, provider):
    ask(client)
    (point,) = telemetry.points(PREFIX + "operation.input_tokens")
    assert dict(point.attributes) == {
        "gen_ai.operation.name": "generate_content",
        "gen_ai.provider.name": "gcp.gemini",
        "gen_ai.request.model": "gemini-2.5-flash",
        "gen_ai.response.model": "gemini-2.5-flash",
        "server.address": "127.0.0.1",
        "server.port": urlsplit(provider.url).port,
    }


def test_a_stream(telemetry, client, provider):
    list(client.models.generate_content_stream(model="gemini-2.5-flash", contents="hello"))
    billed = provider.ledger.total()
    (first,) = telemetry.points(PREFIX + "time_to_first_chunk")
    (whole,) = telemetry.points(PREFIX + "duration")
    assert 0 < first.sum <= whole.sum
    assert [point.sum for point in telemetry.points(PREFIX + "operation.output_tokens")] == [billed.output]


def test_an_error(telemetry, client, provider):
    provider.script(Reply(status=404))
    with pytest.raises(errors.ClientError):
        ask(client)
    assert set(telemetry.metrics) == {PREFIX + "duration"}
    assert set(by(telemetry, PREFIX + "duration", "error.type")) == {"ClientError"}


def test_what_is_no_inference_has_the_older_duration_and_no_tokens(telemetry, client, provider):
    client.models.embed_content(model="gemini-embedding-001", contents="hello")
    assert set(telemetry.metrics) == {"gen_ai.client.operation.duration"}


def test_functions_that_run_by_themselves(telemetry, client, provider):
    def get_weather(city: str) -> str:
        """Get the weather of a city."""
        return "sunny"

    ask(client, tools=[get_weather])
    (tools,) = telemetry.points("gen_ai.execute_tool.duration")
    assert (tools.count, tools.attributes["gen_ai.tool.name"]) == (1, "get_weather")
    (calls,) = telemetry.points(PREFIX + "duration")
    assert calls.count == len(provider.ledger) == 2
    billed = provider.ledger.total()
    assert [point.sum for point in telemetry.points(PREFIX + "operation.input_tokens")] == [billed.input]
    assert sum(point.value for point in telemetry.points(PREFIX + "usage.output_tokens")) == billed.output


def test_without_it_there_is_nothing_of_the_newer_family(install, client, provider):
    telemetry = install(OTEL_SEMCONV_STABILITY_OPT_IN="http")
    ask(client)
    assert not [name for name in telemetry.metrics if name.startswith(PREFIX)]
