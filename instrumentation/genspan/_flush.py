"""Getting spans out now, within a time limit that OpenTelemetry's own ``force_flush`` does not keep."""

from __future__ import annotations

import logging
import threading
from typing import Any

from opentelemetry import metrics, trace
from opentelemetry._logs import get_logger_provider

_logger = logging.getLogger("genspan")


def flush(timeout_seconds: float, *others: Any) -> bool:
    """Sends the spans that have ended to the exporters of the global tracer provider, and of others.

    False if that could not be finished in time, or if there is no provider that can be flushed.
    """
    known = {id(provider): provider for provider in (trace.get_tracer_provider(), *others)}
    providers = [provider for provider in known.values() if hasattr(provider, "force_flush")]
    return bool(providers) and _flush(timeout_seconds, *providers)


def flush_all(timeout_seconds: float) -> bool:
    """The same for spans, metrics and logs, for the end of a process that runs no ``atexit`` functions."""
    providers = (trace.get_tracer_provider(), metrics.get_meter_provider(), get_logger_provider())
    return _flush(timeout_seconds, *(provider for provider in providers if hasattr(provider, "force_flush")))


def _flush(timeout_seconds: float, *providers: Any) -> bool:
    """On a thread: exporters wait for networks, and in a signal handler for locks that the signal interrupted."""
    done: list[bool] = []

    def run() -> None:
        done.extend(_force_flush(provider) for provider in providers)

    thread = threading.Thread(target=run, name="genspan-flush", daemon=True)
    thread.start()
    thread.join(timeout_seconds)
    return done == [True] * len(providers)


def _force_flush(provider: Any) -> bool:
    try:
        return provider.force_flush() is not False
    except Exception:
        _logger.debug("%s could not be flushed", provider, exc_info=True)
        return False
