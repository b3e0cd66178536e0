"""What one instrumentor writes to: tracer, instruments, logger and settings, and whether anybody listens."""

from __future__ import annotations

import atexit
import logging
from collections import deque
from functools import partial
from importlib.metadata import version
from time import perf_counter
from typing import TYPE_CHECKING, Final

from opentelemetry import metrics, trace
from opentelemetry._logs import NoOpLogger, get_logger
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.trace import NoOpTracer, ProxyTracer, SpanKind

from genspan._core import otel_internals
from genspan._core.config import exporters, names_destination, sdk_disabled
from genspan._core.context import emitting, of_span_only
from genspan._core.emit.events import emit
from genspan._core.emit.metrics import INFERENCE, Instruments
from genspan._core.emit.usage_deduplication import deduplicate_usage
from genspan._core.guard import Guard, swallow
from genspan._core.routes.chains import Chains
from genspan._core.usage_tally import tallying
from genspan._core.user_context import attributes_in
from genspan_semconv import attributes as names
from genspan_semconv import render_genai, render_mlflow

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry._logs import Logger, LoggerProvider
    from opentelemetry.context import Context
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import Span, Tracer, TracerProvider

    from genspan._core.config import Settings
    from genspan._core.emit.events import Event
    from genspan._core.emit.metrics import Measurement, RunMeasurement
    from genspan_semconv.model import AttributeValue, Key

SCHEMA_URL: Final = "https://opentelemetry.io/schemas/1.43.0"
_TOOL: Final = "execute_tool"
_MAX_CACHED: Final = 1000
_MAX_WAITING: Final = 10_000

_logger = logging.getLogger("genspan")


_missed: list[bool] = []


def _missing_provider() -> None:
    """Say once what is amiss where the environment names a destination and no provider takes a span there."""
    _missed.append(True)
    if names_destination() and exporters() != ("none",) and not sdk_disabled():
        _logger.warning(
            "A model was called and nothing is traced: the environment names a destination (%s), but the program has "
            "no TracerProvider. Call genspan.configure() in place of instrument(), or set a TracerProvider.",
            ", ".join(exporters()),
        )


class Telemetry:
    """The outlets of one instrumentor. Providers that are not given are the global ones, set now or later."""

    def __init__(
        self,
        scope: str,
        settings: Settings,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
        logger_provider: LoggerProvider | None = None,
    ) -> None:
        self.settings = settings
        self._scope = scope
        self._version = version("genspan")
        self._tracer_provider = tracer_provider
        self._meter_provider = meter_provider
        self._tracer = self._new_tracer()
        self._traces = False
        self._instruments: Instruments | None = None
        self._closed = False
        self._logger_provider = logger_provider
        self._logger = self._new_logger()
        self._starts: dict[Key, tuple[str, dict[str, AttributeValue]]] = {}
        self.chains = Chains()
        self._waiting: deque[Callable[[], None]] = deque(maxlen=_MAX_WAITING)

    def write_to(self, meter_provider: MeterProvider | None, logger_provider: LoggerProvider | None) -> None:
        """Record metrics and events elsewhere from now on; ``None`` is the global provider."""
        if meter_provider is not self._meter_provider:
            self._meter_provider, self._instruments = meter_provider, None
        if logger_provider is not self._logger_provider:
            self._logger_provider = logger_provider
            self._logger = self._new_logger()

    def close(self) -> None:
        """Listen no more: wrappers that somebody still holds become pass-through."""
        self._closed = True

    def listening(self) -> bool:
        """Whether anybody would see a call."""
        return not self._closed and (self.tracing() or self.instruments() is not None or tallying())

    def tracing(self) -> bool:
        """Whether a tracer is there. Not yet is asked again: a program may set its provider after us."""
        if self._traces:
            return True
        if self._tracer_provider is None and not otel_internals.has_tracer_provider():
            if not _missed:
                _missing_provider()
        else:
            self._tracer = self._new_tracer()
            self._traces = not isinstance(self._tracer, (NoOpTracer, ProxyTracer))
            if self._traces and not self.settings.keep_others:
                deduplicate_usage(self._tracer_provider or trace.get_tracer_provider())
        return self._traces

    def instruments(self) -> Instruments | None:
        """The instruments, if a meter provider is there."""
        if self._instruments is None:
            if self._meter_provider is None and not otel_internals.has_meter_provider():
                return None
            provider = self._meter_provider or metrics.get_meter_provider()
            if isinstance(provider, NoOpMeterProvider) or otel_internals.is_proxy(provider):
                return None
            meter = provider.get_meter(self._scope, self._version, SCHEMA_URL)
            self._instruments = Instruments(meter, self.settings.latest_metrics)
            atexit.register(self.catch_up)  # after the provider's own hook, and so run before it
        return self._instruments

    def logging(self) -> bool:
        """Whether log events have a listener."""
        if otel_internals.is_proxy_logger(self._logger) and not otel_internals.has_logger_provider():
            return False
        return not isinstance(self._logger, NoOpLogger)

    def start_call(self, key: Key, context: Context, kind: SpanKind, began: int | None = None) -> Span:
        """Start the span of a model call or of a turn, now or as of a time before."""
        try:
            return self._start(*self._named(key), context, kind, began)
        except Exception as error:
            swallow("start of a span", error)
            return trace.NonRecordingSpan(trace.get_current_span(context).get_span_context())

    def rename(self, span: Span, key: Key) -> None:
        """Make a span that runs already one of this key."""
        name, attributes = self._named(key)
        span.update_name(name)
        root = getattr(span, "parent", span) is None
        span.set_attributes({**attributes, **render_mlflow.root(name)} if root else attributes)

    def start_tool(
        self, tool: str, call_id: str | None, description: str | None, context: Context, began: int | None = None
    ) -> Span:
        """Start the span of one run of a tool, now or as of a time before."""
        with Guard("start of a span"):
            attributes = {**render_genai.tool(tool, call_id, description), **render_mlflow.start(_TOOL, None)}
            return self._start(f"{_TOOL} {tool}", attributes, context, SpanKind.INTERNAL, began)
        return trace.NonRecordingSpan(trace.get_current_span(context).get_span_context())

    def start_run(
        self, name: str, attributes: dict[str, AttributeValue], context: Context, kind: SpanKind = SpanKind.INTERNAL
    ) -> Span:
        """Start the span of what a framework runs: an agent, a workflow, a tool, a retrieval."""
        with Guard("start of a span"):
            return self._start(name, attributes, context, kind)
        return trace.NonRecordingSpan(trace.get_current_span(context).get_span_context())

    def _start(
        self,
        name: str,
        attributes: dict[str, AttributeValue],
        context: Context,
        kind: SpanKind,
        began: int | None = None,
    ) -> Span:
        parent = trace.get_current_span(context)
        root = not parent.get_span_context().is_valid
        given = attributes_in(context, parent, attributes.get(names.GEN_AI_OPERATION_NAME) in INFERENCE)
        if given or root:
            # What the SDK evicts first where there are too many attributes stands first.
            attributes = {**given, **(render_mlflow.root(name) if root else {}), **attributes}
        busy = emitting.set(True)
        try:
            return self._tracer.start_span(name, context, kind, attributes, None, began, record_exception=False)
        finally:
            emitting.reset(busy)

    def report(self, measurement: Measurement, event: Event | None, later: bool) -> None:
        """Record the metrics of a call and emit its log events, if there are any, which takes locks of the SDK.

        That is done now; from a finaliser (``later``), where it could deadlock, at the next call.
        """
        if later:
            self._waiting.append(partial(self._report, measurement, event))
            return
        if self._waiting:
            self.catch_up()
        self._report(measurement, event)

    def catch_up(self) -> None:
        """Report what is waiting."""
        while self._waiting:
            self._waiting.popleft()()

    def _report(self, measurement: Measurement, event: Event | None) -> None:
        try:
            instruments = self.instruments()
            if instruments is not None:
                instruments.record(measurement)
        except Exception as error:
            swallow("metrics", error)
        if event is None:
            return
        with Guard("events"):
            if self.logging():
                emit(self._logger, event)

    def measure_run(self, run: RunMeasurement, started: float, later: bool = False) -> None:
        """Record one run of a tool, an agent, ... that began at ``started`` (``perf_counter``) and ends now."""
        seconds = perf_counter() - started
        if later:
            run = run._replace(context=of_span_only(run.context))
            self._waiting.append(partial(self._measure_run, run, seconds))
        else:
            self.catch_up()
            self._measure_run(run, seconds)

    def _measure_run(self, run: RunMeasurement, seconds: float) -> None:
        with Guard("metrics"):
            instruments = self.instruments()
            if instruments is not None:
                instruments.record_run(run, seconds)

    def _named(self, key: Key) -> tuple[str, dict[str, AttributeValue]]:
        """The name and the attributes that a span of this key starts with, cached."""
        cached = self._starts.get(key)
        if cached is not None:
            return cached
        attributes = {**render_genai.start(key), **render_mlflow.start(key.operation, key.provider)}
        called = key.model if key.operation != "invoke_agent" else None  # the name of that is an agent's
        named = (f"{key.operation} {called}" if called else key.operation, attributes)
        if len(self._starts) >= _MAX_CACHED:
            self._starts.clear()
        self._starts[key] = named
        return named

    def _new_tracer(self) -> Tracer:
        return trace.get_tracer(self._scope, self._version, self._tracer_provider, SCHEMA_URL)

    def _new_logger(self) -> Logger:
        return get_logger(self._scope, self._version, self._logger_provider, SCHEMA_URL)
