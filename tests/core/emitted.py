"""One call without an SDK: its request, its answer, and everything that is emitted for it."""

from __future__ import annotations

from contextlib import contextmanager, suppress

from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from genspan._core.calls.call import open_call
from genspan._core.calls.tool import Tool, open_tool
from genspan._core.config import read_settings
from genspan._core.emit.telemetry import Telemetry
from genspan._core.routes.contract import Request, Route
from genspan.openai import chat
from genspan_semconv.model import Key

KEY = Key("chat", "openai", "gpt", "host", 443, False)
SECRET = "sk-proj-9a8b7c6d5e4f3a2b"
BODY = {"model": "gpt", "max_tokens": 7, "messages": [{"role": "user", "content": "my secret plan"}]}
DATA = {
    "id": "r",
    "model": "gpt-1",
    "choices": [{"message": {"content": "fine"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13},
}
DURATION, FIRST, LATER = (
    f"gen_ai.client.operation.{name}" for name in ("duration", "time_to_first_chunk", "time_per_output_chunk")
)


class Emitted:
    """One set of outlets, and what came out of them."""

    def __init__(self, monkeypatch, capture="NO_CONTENT", limits=None, **environment):
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", capture)
        self._spans, self._reader, self._logs = (
            InMemorySpanExporter(),
            InMemoryMetricReader(),
            InMemoryLogRecordExporter(),
        )
        tracers = TracerProvider(span_limits=limits, shutdown_on_exit=False)
        tracers.add_span_processor(SimpleSpanProcessor(self._spans))
        loggers = LoggerProvider(shutdown_on_exit=False)
        loggers.add_log_record_processor(SimpleLogRecordProcessor(self._logs))
        meters = MeterProvider([self._reader], shutdown_on_exit=False)
        self.telemetry = Telemetry("genspan.tests", read_settings(), tracers, meters, loggers)
        self.tracer = tracers.get_tracer("program")

    @property
    def spans(self):
        return self._spans.get_finished_spans()

    @property
    def span(self):
        (one,) = self.spans
        return one

    @property
    def events(self):
        return [record.log_record for record in self._logs.get_finished_logs()]

    def points(self, name):
        return [(point.sum, dict(point.attributes)) for point in self._points(name)]

    def recorded(self, name):
        """How many measurements."""
        return sum(point.count for point in self._points(name))

    def _points(self, name):
        data = self._reader.get_metrics_data()
        metrics = [] if data is None else data.resource_metrics[0].scope_metrics[0].metrics
        return [point for metric in metrics if metric.name == name for point in metric.data.data_points]


def request(stream=False, body=BODY, **headers):
    return Request(Route(chat, KEY._replace(stream=stream)), body, headers, "https://host/v1")


def begin(emitted, **options):
    return open_call(emitted.telemetry, lambda: request(**options))


def piece(content="", finish=None, **more):
    return {"choices": [{"index": 0, "delta": {"content": content}, "finish_reason": finish}], **more}


@contextmanager
def running(emitted, tool=None, raised=None):
    run = open_tool(emitted.telemetry, lambda: tool or Tool("f", "c", {"x": 1}, "adds"))
    with suppress(type(raised) if raised else ()), run:
        yield run
    run.end(raised)
