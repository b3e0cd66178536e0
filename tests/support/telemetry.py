"""The instrumentor with everything that it emits kept in memory.

Fixtures: `install(**environment)` sets variables, instruments google-genai and returns the `Telemetry`; `telemetry` is
that with the defaults (no content). After the test everything is uninstrumented, and whatever genspan or OpenTelemetry
complained of while it ran fails the test.
"""

from __future__ import annotations

import logging
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, SpanProcessor, TracerProvider

from genspan._core import guard
from genspan.gemini import GeminiInstrumentor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from opentelemetry.instrumentation.instrumentor import BaseInstrumentor

CAPTURE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
USER_VARIABLES = ("MLFLOW_", "OTEL_", "GENSPAN_", "GOOGLE_", "GEMINI_", "OPENAI_", "AZURE_", "ANTHROPIC_", "AWS_")

LEAVES = (
    *("generate_content", "embeddings", "count_tokens", "chat", "text_completion", "moderation", "fetch_response"),
    *("create_cache", "get_cache", "update_cache"),
)
"""Operations of spans that stand for one HTTP request."""

TOKENS = "gen_ai.client.token.usage"
DURATION = "gen_ai.client.operation.duration"
BY = ("gen_ai.operation.name", "gen_ai.request.model", "gen_ai.response.model", "error.type")
"""By what durations are told apart."""


class Counts(NamedTuple):
    """Tokens, as a span, a metric or the provider's ledger has them."""

    input: int
    output: int


class _Keeper(SpanProcessor):
    def __init__(self) -> None:
        self.started: Counter[int] = Counter()
        self.ended: Counter[int] = Counter()
        self.finished: list[ReadableSpan] = []

    def on_start(self, span: Any, parent_context: Any = None) -> None:
        self.started[span.context.span_id] += 1

    def on_end(self, span: ReadableSpan) -> None:
        self.ended[span.context.span_id] += 1
        self.finished.append(span)


class _Complaints(logging.Handler):
    """What genspan swallowed, and what OpenTelemetry warned of."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        swallowed = record.name == "genspan" and "failed in" in record.msg
        warned = record.name.startswith("opentelemetry") and record.levelno >= logging.WARNING
        if swallowed or warned:
            self.heard.append(logging.Formatter().format(record))


class Telemetry:
    """Providers of its own, and what came out of them."""

    def __init__(self, processors: tuple[SpanProcessor, ...] = (), limits: SpanLimits | None = None, **options: Any):
        self._keeper = _Keeper()
        self.tracer_provider = TracerProvider(span_limits=limits, shutdown_on_exit=False, **options)
        for processor in (*processors, self._keeper):
            self.tracer_provider.add_span_processor(processor)
        self._reader = InMemoryMetricReader()
        self.meter_provider = MeterProvider([self._reader], shutdown_on_exit=False)
        self._exporter = InMemoryLogRecordExporter()
        self.logger_provider = LoggerProvider(shutdown_on_exit=False)
        self.logger_provider.add_log_record_processor(SimpleLogRecordProcessor(self._exporter))
        self.complaints = _Complaints()
        self._tokens_before = Counter[str]()
        self._durations_before = Counter[tuple[Any, ...]]()

    @property
    def providers(self) -> dict[str, Any]:
        """Arguments of `instrument`."""
        return {name: getattr(self, name) for name in ("tracer_provider", "meter_provider", "logger_provider")}

    @property
    def spans(self) -> list[ReadableSpan]:
        """In order of their end."""
        return list(self._keeper.finished)

    @property
    def leaves(self) -> list[ReadableSpan]:
        """The spans of single requests, in order of their start."""
        found = [span for span in self.spans if span.attributes.get("gen_ai.operation.name") in LEAVES]
        return sorted(found, key=lambda span: span.start_time)

    def named(self, operation: str) -> list[ReadableSpan]:
        """The spans of one `gen_ai.operation.name`."""
        return [span for span in self.spans if span.attributes.get("gen_ai.operation.name") == operation]

    @property
    def logs(self) -> list[Any]:
        return [record.log_record for record in self._exporter.get_finished_logs()]

    @property
    def metrics(self) -> dict[str, Any]:
        """By name; of instrumentors that record the same one, the last. Reading them does not reset them."""
        return {metric.name: metric for metric in self._metrics()}

    def points(self, name: str) -> list[Any]:
        """The points of a metric, of all instrumentors."""
        return [point for metric in self._metrics() if metric.name == name for point in metric.data.data_points]

    def _metrics(self) -> Iterator[Any]:
        data = self._reader.get_metrics_data()
        for resource in data.resource_metrics if data else ():
            for scope in resource.scope_metrics:
                yield from scope.metrics

    def exported(self) -> bytes:
        """All of it as it would leave the process: OTLP protobuf, with resources and scopes."""
        parts = [encode_spans(self.spans).SerializeToString()]
        parts.append(encode_logs(self._exporter.get_finished_logs()).SerializeToString())
        data = self._reader.get_metrics_data()
        if data:
            parts.append(encode_metrics(data).SerializeToString())
        return b"".join(parts)

    # Sums and counts

    @property
    def started(self) -> int:
        return sum(self._keeper.started.values())

    def unbalanced(self) -> dict[int, tuple[int, int]]:
        """Spans that were not started and ended once each: id -> (started, ended)."""
        started, ended = self._keeper.started, self._keeper.ended
        wrong = {one for one in started | ended if (started[one], ended[one]) != (1, 1)}
        return {one: (started[one], ended[one]) for one in wrong}

    def usage(self) -> Counts:
        """The sum over all spans, parents included."""
        return Counts(*(sum(_count(span, side) for span in self.spans) for side in ("input", "output")))

    def measured(self) -> Counts:
        """The same from the token metric."""
        sums = self._tokens() - self._tokens_before
        return Counts(sums["input"], sums["output"])

    def durations(self) -> Counter[tuple[Any, ...]]:
        """How many durations were recorded, by operation, models and error."""
        return self._durations() - self._durations_before

    def _tokens(self) -> Counter[str]:
        sums = Counter[str]()
        for point in self.points(TOKENS):
            sums[point.attributes["gen_ai.token.type"]] += int(point.sum)
        return sums

    def _durations(self) -> Counter[tuple[Any, ...]]:
        found = Counter[tuple[Any, ...]]()
        for point in self.points(DURATION):
            found[tuple(point.attributes.get(name) for name in BY)] += point.count
        return found

    def clear(self) -> None:
        """Forget spans and logs, and what was measured."""
        self._keeper.__init__()
        self._exporter.clear()
        self._tokens_before, self._durations_before = self._tokens(), self._durations()


def _count(span: ReadableSpan, side: str) -> int:
    return span.attributes.get(f"gen_ai.usage.{side}_tokens", 0)


@pytest.fixture
def instrumentor() -> BaseInstrumentor:
    """What `install` switches on; the tests of another SDK have a fixture of their own."""
    return GeminiInstrumentor()


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch, instrumentor: BaseInstrumentor) -> Iterator[Callable[..., Telemetry]]:
    """`install(CAPTURE="true", telemetry=Telemetry(limits=...))`: the environment first, then `instrument()`."""
    clean_environment(monkeypatch)
    monkeypatch.setattr(guard, "_reported", set())
    installed: list[Telemetry] = []
    loggers = [logging.getLogger(name) for name in ("genspan", "opentelemetry")]

    def install_(telemetry: Telemetry | None = None, **environment: str) -> Telemetry:
        for name, value in environment.items():
            monkeypatch.setenv(CAPTURE if name == "CAPTURE" else name, value)
        telemetry = telemetry or Telemetry()
        for logger in loggers:
            logger.addHandler(telemetry.complaints)
        instrumentor.instrument(**telemetry.providers)
        installed.append(telemetry)
        return telemetry

    loggers[0].setLevel(logging.DEBUG)
    yield install_
    if instrumentor.is_instrumented_by_opentelemetry:
        instrumentor.uninstrument()
    loggers[0].setLevel(logging.NOTSET)
    for telemetry in installed:
        for logger in loggers:
            logger.removeHandler(telemetry.complaints)
    assert [text for telemetry in installed for text in telemetry.complaints.heard] == []


@pytest.fixture
def telemetry(install: Callable[..., Telemetry]) -> Telemetry:
    return install()


def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without what the machine's user has set for MLflow, OpenTelemetry or Google."""
    import os

    for name in list(os.environ):
        if name.startswith(USER_VARIABLES):
            monkeypatch.delenv(name)
