"""The implementations that are compared, and the settings that each is measured in."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON
from opentelemetry.trace import NoOpTracerProvider

from benchmarks.floor import Floor

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Sequence

    from opentelemetry.sdk.trace import ReadableSpan

    from benchmarks.providers import Provider

BARE, FLOOR, GENSPAN = "bare", "floor", "genspan"


@dataclass(frozen=True)
class Setting:
    """What is switched on. ``forms`` are the forms of content that are captured."""

    title: str
    provider: bool = True
    sampled: bool = True
    metrics: bool = True
    forms: frozenset[str] = frozenset()


SETTINGS = {
    "off": Setting("recorded, content off"),
    "genai": Setting("recorded, content on", forms=frozenset({"genai"})),
    "mlflow": Setting("recorded, content on in MLflow's form", forms=frozenset({"mlflow"})),
    "dropped": Setting("sampled out, no metrics", sampled=False, metrics=False, forms=frozenset({"genai"})),
    "noop": Setting("no provider, content on", provider=False, metrics=False, forms=frozenset({"genai"})),
}


class Telemetry:
    """Providers of the OpenTelemetry SDK that export to nowhere."""

    def __init__(self, setting: Setting, exporter: SpanExporter | None = None) -> None:
        self.tracer_provider: Any = None
        self.reader = InMemoryMetricReader()
        self.meter_provider: Any = MeterProvider([self.reader]) if setting.metrics else None
        if setting.provider:
            self.tracer_provider = TracerProvider(sampler=ALWAYS_ON if setting.sampled else ALWAYS_OFF)
            self.tracer_provider.add_span_processor(BatchSpanProcessor(exporter or NullExporter()))

    def flush(self) -> None:
        if self.tracer_provider is not None:
            self.tracer_provider.force_flush()

    def shutdown(self) -> None:
        for provider in (self.tracer_provider, self.meter_provider):
            if provider is not None:
                provider.shutdown()


class NullExporter(SpanExporter):
    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return SpanExportResult.SUCCESS


@dataclass(frozen=True)
class Calls:
    """How to make one call within an implementation, wait until its spans are exported, and read its metrics."""

    call: Callable[[Any, str], Any]
    stream: Callable[[Any], Iterable[Any]]
    flush: Callable[[], None] = lambda: None
    metrics: Callable[[], Any] = lambda: None


@contextmanager
def implementation(
    name: str, provider: Provider, setting: Setting, exporter: SpanExporter | None = None
) -> Generator[Calls]:
    """Set one up for a block."""
    if name == BARE:
        yield Calls(provider.call, provider.stream)
        return
    telemetry = Telemetry(setting, exporter)
    try:
        if name == FLOOR:
            tracer_provider = telemetry.tracer_provider or NoOpTracerProvider()
            meter_provider = telemetry.meter_provider or NoOpMeterProvider()
            floor = Floor(tracer_provider.get_tracer("floor"), meter_provider.get_meter("floor"), setting.forms)
            yield Calls(
                partial(_floor_call, floor, provider),
                partial(_floor_stream, floor, provider),
                telemetry.flush,
                telemetry.reader.get_metrics_data,
            )
        else:
            with _instrumented(provider, setting, telemetry):
                yield Calls(provider.call, provider.stream, telemetry.flush, telemetry.reader.get_metrics_data)
    finally:
        telemetry.shutdown()


def _floor_call(floor: Floor, provider: Provider, client: Any, case: str) -> Any:
    read = partial(provider.FLOOR.read, floor.forms, provider.request(case))
    return floor.call(provider.START, lambda: provider.call(client, case), read)


def _floor_stream(floor: Floor, provider: Provider, client: Any) -> Iterable[Any]:
    found = provider.FLOOR.Chunks(floor.forms, provider.request("short"))
    return floor.stream(provider.START, lambda: provider.stream(client), found)


@contextmanager
def _instrumented(provider: Provider, setting: Setting, telemetry: Telemetry) -> Generator[None]:
    os.environ["OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"] = str(bool(setting.forms)).lower()
    os.environ["GENSPAN_DIALECTS"] = ",".join(setting.forms)
    instrumentor = provider.instrumentor()
    instrumentor.instrument(tracer_provider=telemetry.tracer_provider, meter_provider=telemetry.meter_provider)
    try:
        yield
    finally:
        instrumentor.uninstrument()
