"""Getting spans out now, within a time limit that OpenTelemetry's own ``force_flush`` does not keep."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from opentelemetry import metrics, trace
from opentelemetry._logs import get_logger_provider

if TYPE_CHECKING:
    from collections.abc import Callable

_logger = logging.getLogger("genspan")

others: WeakSet[Any] = WeakSet()
"""Providers that genspan made, for the case that they are not the global ones."""
ended: WeakSet[Any] = WeakSet()
"""Those of them that it has shut down since; the global ones of a process cannot be replaced."""


def flush(timeout_seconds: float, *more: Any) -> bool:
    """Sends the spans that have ended to the exporters of the global tracer provider, and of more.

    False if that could not be finished in time, or if there is no provider that can be flushed.
    """
    known = {id(provider): provider for provider in (trace.get_tracer_provider(), *more)}
    providers = [provider for provider in known.values() if hasattr(provider, "force_flush")]
    return bool(providers) and _flush(timeout_seconds, *providers)


def flush_all(timeout_seconds: float) -> bool:
    """The same for spans, metrics and logs, for the end of a process that runs no ``atexit`` functions."""
    known = (trace.get_tracer_provider(), metrics.get_meter_provider(), get_logger_provider(), *others)
    providers = {id(one): one for one in known if hasattr(one, "force_flush") and one not in ended}
    return _flush(timeout_seconds, *providers.values())


def _flush(timeout_seconds: float, *providers: Any) -> bool:
    return within(timeout_seconds, *(provider.force_flush for provider in providers))


def within(timeout_seconds: float, *jobs: Callable[[], object]) -> bool:
    """Whether all jobs were done in that time, none failed, and none returned False.

    On a thread: exporters wait for networks, and in a signal handler for locks that the signal interrupted.
    """
    done: list[bool] = []
    thread = threading.Thread(
        target=lambda: done.extend(_succeeds(job) for job in jobs), name="genspan-flush", daemon=True
    )
    thread.start()
    thread.join(timeout_seconds)
    return done == [True] * len(jobs)


def _succeeds(job: Callable[[], object]) -> bool:
    try:
        return job() is not False
    except Exception:
        _logger.debug("%s failed", job, exc_info=True)
        return False
