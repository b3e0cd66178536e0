"""OpenTelemetry's global providers, which a process sets once, given back to a test as they are in a fresh process."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING
from unittest.mock import patch

from opentelemetry import metrics, trace
from opentelemetry._logs import _internal as logs
from opentelemetry.metrics import _internal as meters
from opentelemetry.util._once import Once

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def fresh_globals() -> Iterator[None]:
    """No provider is set inside; those that were set inside are shut down at the end."""
    with (
        patch.object(trace, "_TRACER_PROVIDER", None),
        patch.object(trace, "_TRACER_PROVIDER_SET_ONCE", Once()),
        patch.object(meters, "_METER_PROVIDER", None),
        patch.object(meters, "_METER_PROVIDER_SET_ONCE", Once()),
        patch.object(logs, "_LOGGER_PROVIDER", None),
        patch.object(logs, "_LOGGER_PROVIDER_SET_ONCE", Once()),
    ):
        yield
        for provider in (trace.get_tracer_provider(), metrics.get_meter_provider(), logs.get_logger_provider()):
            if hasattr(provider, "shutdown"):
                provider.shutdown()
