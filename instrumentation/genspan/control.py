"""Switching every installed SDK's tracing on and off, and finding the trace that it made."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, cast

from opentelemetry.instrumentation.dependencies import get_dependency_conflicts

from genspan._core.config import is_left_out
from genspan._core.emit.last_trace import last_trace
from genspan._core.hooks.instrumentor import ProviderInstrumentor
from genspan._setup.flush import flush

if TYPE_CHECKING:
    from opentelemetry._logs import LoggerProvider
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import TracerProvider

    from genspan._core.config import Settings


def instrument(
    *,
    tracer_provider: TracerProvider | None = None,
    meter_provider: MeterProvider | None = None,
    logger_provider: LoggerProvider | None = None,
) -> None:
    """Trace every installed SDK in a supported version; those that are traced already stay so.

    What ``OTEL_PYTHON_DISABLED_INSTRUMENTATIONS`` names is left out.
    """
    switch_on(tracer_provider=tracer_provider, meter_provider=meter_provider, logger_provider=logger_provider)


def switch_on(settings: Settings | None = None, **providers: Any) -> list[ProviderInstrumentor]:
    """Those that were not on and are now. Settings, where they are given, count for all that are on."""
    switched: list[ProviderInstrumentor] = []
    for instrumentor in _instrumentors(wanted=True):
        if instrumentor.is_instrumented_by_opentelemetry:
            if settings is not None:
                instrumentor.adopt(settings)
        elif get_dependency_conflicts(instrumentor.instrumentation_dependencies()) is None:
            instrumentor.instrument(settings=settings, **providers)
            switched.append(instrumentor)
    return switched


def uninstrument() -> None:
    """Stop tracing every SDK, and restore what was patched."""
    for instrumentor in _instrumentors():
        if instrumentor.is_instrumented_by_opentelemetry:
            instrumentor.uninstrument()


def last_trace_id(timeout: float = 30.0) -> str | None:
    """Export what is pending, and return the id of the last trace that a model call ended in: ``tr-<32 hex digits>``.

    Of this task or thread where it made one, else of the process; ``None`` where there is none. It is the id that
    ``mlflow.get_trace`` takes. Waits at most ``timeout`` seconds for the export.
    """
    trace_id = last_trace()
    if trace_id is None:
        return None
    flush(timeout, *(instrumentor.tracer_provider for instrumentor in _instrumentors()))
    return f"tr-{trace_id:032x}"


def _instrumentors(wanted: bool = False) -> list[ProviderInstrumentor]:
    """One for each SDK that genspan knows; without those that the environment leaves out, if they are not wanted."""
    own = [entry for entry in entry_points(group="opentelemetry_instrumentor") if entry.value.startswith("genspan.")]
    return [cast("ProviderInstrumentor", entry.load()()) for entry in own if not (wanted and is_left_out(entry.name))]
