"""Whatever fails in telemetry never reaches the user's call, and a call made inside telemetry does not recurse."""

from __future__ import annotations

import asyncio

import pytest
from opentelemetry.sdk._logs import LogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, PeriodicExportingMetricReader
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import Sampler

from genspan.gemini import GeminiInstrumentor
from tests.support import surfaces, verdict
from tests.support.provider import Reply
from tests.support.surfaces import SURFACES
from tests.support.telemetry import Telemetry

CALL = {"model": surfaces.MODEL, "contents": "hello"}


class Broken(Exception):
    pass


class BrokenSampler(Sampler):
    def should_sample(self, *args, **kwargs):
        raise Broken

    def get_description(self):
        return "broken"


class BrokenProcessor(SpanProcessor):
    def __init__(self, where):
        self.where = where

    def on_start(self, span, parent_context=None):
        if self.where == "start":
            raise Broken

    def on_end(self, span):
        if self.where == "end":
            raise Broken


class BrokenExporter(SpanExporter):
    def export(self, spans):
        raise Broken


class BrokenLogs(LogRecordProcessor):
    def on_emit(self, log_record):
        raise Broken

    def shutdown(self):
        pass

    def force_flush(self, timeout_millis=30000):
        return True


class BrokenMetrics(MetricExporter):
    def export(self, metrics_data, timeout_millis=10_000, **kwargs):
        raise Broken

    def shutdown(self, timeout_millis=30_000, **kwargs):
        pass

    def force_flush(self, timeout_millis=10_000):
        return True


class BrokenProvider:
    """A meter or tracer provider that hands out things that fail."""

    def get_meter(self, *args, **kwargs):
        return self

    def get_tracer(self, *args, **kwargs):
        return self

    def get_logger(self, *args, **kwargs):
        return self

    def __getattr__(self, name):
        def fail(*args, **kwargs):
            raise Broken(name)

        return fail


def _broken_telemetry(what):
    if what == "sampler":
        return Telemetry(sampler=BrokenSampler())
    if what in ("start", "end"):
        return Telemetry((BrokenProcessor(what),))
    if what == "exporter":
        return Telemetry((SimpleSpanProcessor(BrokenExporter()),))
    telemetry = Telemetry()
    if what == "logs":
        telemetry.logger_provider.add_log_record_processor(BrokenLogs())
    if what == "metrics":
        reader = PeriodicExportingMetricReader(BrokenMetrics(), export_interval_millis=50)
        telemetry.meter_provider = MeterProvider([reader], shutdown_on_exit=False)
    if what.endswith("provider"):
        setattr(telemetry, what, BrokenProvider())
    return telemetry


BROKEN = (
    "sampler",
    "start",
    "end",
    "exporter",
    "logs",
    "metrics",
    "tracer_provider",
    "meter_provider",
    "logger_provider",
)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("surface", SURFACES, ids=str)
@pytest.mark.parametrize("what", BROKEN)
def test_broken_telemetry(provider, install, what, surface):
    """Of a call that works, and of one that fails."""
    client = surfaces.make_client(provider.url)
    telemetry = install(_broken_telemetry(what), CAPTURE="SPAN_AND_EVENT")
    ran = []

    def get_weather(city: str) -> str:
        """Get the weather of a city."""
        ran.append(city)
        return "fine"

    def call():
        result = surfaces.method(surface, client, False)(**surfaces.arguments(surface, [get_weather]))
        return list(result) if surface.stream else result

    assert call()
    assert len(provider.ledger) == 1 + surface.afc
    assert len(ran) == surface.afc
    provider.script(Reply(status=400, message="the provider's words"))
    with pytest.raises(Exception, match="the provider's words"):
        call()
    if what == "metrics":
        telemetry.meter_provider.shutdown()
    telemetry.complaints.heard.clear()
    client.close()


class Unprintable(Exception):
    def __str__(self):
        raise Broken("no text")


@pytest.mark.parametrize("content", ["true", "false"])
@pytest.mark.parametrize("is_async", [False, True])
def test_exception_without_text(provider, install, content, is_async):
    """Raised by a tool, and thrown into a stream: it stays the user's own."""
    client = surfaces.make_client(provider.url)
    telemetry = install(CAPTURE=content)
    error = Unprintable()

    async def main():
        stream = await client.aio.models.generate_content_stream(**CALL)
        await anext(stream)
        try:
            await stream.athrow(error)
        finally:
            await client.aio.aclose()

    with pytest.raises(Unprintable) as raised:
        if is_async:
            asyncio.run(main())
        else:
            stream = client.models.generate_content_stream(**CALL)
            next(stream)
            stream.throw(error)
    assert raised.value is error
    (span,) = telemetry.spans
    assert verdict.failed(span) == "Unprintable"
    client.close()


class Calling(SpanProcessor):
    """Calls a model whenever a span starts or ends, as a guard-rail or a cost estimator might."""

    def __init__(self, client):
        self.client = client
        self.depth = 0

    def _call(self):
        assert self.depth < 3, "it recurses"
        self.depth += 1
        try:
            self.client.models.generate_content(**CALL)
            list(self.client.models.generate_content_stream(**CALL))
        finally:
            self.depth -= 1

    def on_start(self, span, parent_context=None):
        self._call()

    def on_end(self, span):
        self._call()


@pytest.mark.parametrize("surface", SURFACES, ids=str)
def test_model_call_in_a_processor(provider, install, surface):
    client = surfaces.make_client(provider.url)
    telemetry = install(Telemetry((Calling(client),)))

    def get_weather(city: str) -> str:
        """Get the weather of a city."""
        return "fine"

    result = surfaces.method(surface, client, False)(**surfaces.arguments(surface, [get_weather]))
    list(result) if surface.stream else result
    spans = 4 if surface.afc else 1
    assert len(telemetry.spans) == spans, "the calls of the processor are not traced"
    assert len(provider.ledger) == (1 + surface.afc) + spans * 4
    client.close()


def test_model_call_in_an_exporter(provider, install):
    client = surfaces.make_client(provider.url)

    class Exporter(SpanExporter):
        def export(self, spans):
            client.models.generate_content(**CALL)
            return MetricExportResult.SUCCESS

    telemetry = install(Telemetry((SimpleSpanProcessor(Exporter()),)))
    client.models.generate_content(**CALL)
    assert (len(telemetry.spans), len(provider.ledger)) == (1, 2)
    client.close()


def test_broken_settings_harm_nothing(provider, monkeypatch, install):
    client = surfaces.make_client(provider.url)
    telemetry = install(
        CAPTURE="perhaps", GENSPAN_DIALECTS="latin", GENSPAN_MAX_BLOB_BYTES="-3", OTEL_SEMCONV_STABILITY_OPT_IN=",,"
    )
    assert client.models.generate_content(**CALL).text
    verdict.sound(telemetry)
    assert "gen_ai.input.messages" not in telemetry.spans[0].attributes
    client.close()


def test_the_instrumentor_survives_a_failing_patch(monkeypatch):
    """An SDK that lacks a name of ours: what is there is patched, and the rest is left."""
    from google.genai.models import Models

    monkeypatch.delattr(Models, "count_tokens")
    GeminiInstrumentor().instrument()
    GeminiInstrumentor().uninstrument()
    assert not hasattr(Models, "count_tokens")
