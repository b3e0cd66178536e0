"""The providers of a program that has none: made as OpenTelemetry's own configurator makes them, and set as global."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry import metrics, trace
from opentelemetry._logs import NoOpLoggerProvider, get_logger_provider, set_logger_provider
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider

from genspan._core.otel_internals import configured, is_proxy
from genspan._service_name import default_service_name
from genspan._setup import flush

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def tracer_provider(service_name: str | None) -> tuple[Any, bool]:
    """The global tracer provider, and whether it was made now."""
    there = trace.get_tracer_provider()
    if not is_proxy(there):
        return there, False
    service_name = service_name or default_service_name()
    made = TracerProvider(
        sampler=configured("sampler"),
        id_generator=configured("id_generator"),
        resource=Resource.create({SERVICE_NAME: service_name} if service_name else None),
    )
    trace.set_tracer_provider(made)
    return trace.get_tracer_provider(), trace.get_tracer_provider() is made


def service_name(provider: Any) -> str | None:
    """The name in the resource of a tracer provider."""
    resource = getattr(provider, "resource", None)
    return None if resource is None else resource.attributes.get(SERVICE_NAME)


def meter_provider(exporters: Sequence[Any], resource: Resource | None) -> Any:
    """A meter provider for the exporters, global where there was none. Without exporters ``None``: the global one."""
    if not exporters:
        return metrics.NoOpMeterProvider() if metrics.get_meter_provider() in flush.ended else None
    # Some exporters (Prometheus) are readers already.
    readers = [one if isinstance(one, MetricReader) else PeriodicExportingMetricReader(one) for one in exporters]
    made = MeterProvider(readers, resource=resource)
    if is_proxy(metrics.get_meter_provider()):
        metrics.set_meter_provider(made)
    flush.others.add(made)
    return made


def logger_provider(exporters: Sequence[Any], resource: Resource | None) -> Any:
    """The same for log records."""
    if not exporters:
        return NoOpLoggerProvider() if get_logger_provider() in flush.ended else None
    made = LoggerProvider(resource=resource)
    for exporter in exporters:
        made.add_log_record_processor(BatchLogRecordProcessor(exporter))
    if is_proxy(get_logger_provider()):
        set_logger_provider(made)
    flush.others.add(made)
    return made


def program_has_meters() -> bool:
    """Whether the global meter provider is one that the program set."""
    there = metrics.get_meter_provider()
    return not is_proxy(there) and there not in flush.others


def program_has_logs() -> bool:
    """Whether the global logger provider is one that the program set."""
    there = get_logger_provider()
    return not is_proxy(there) and there not in flush.others


def end(providers: Iterable[Any]) -> list[Any]:
    """Those that can be shut down, and will be."""
    ending = [one for one in providers if hasattr(one, "shutdown")]
    flush.ended.update(ending)
    return ending
