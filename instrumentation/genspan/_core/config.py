"""Settings, read from the environment when an instrumentor is switched on. Reads only; never writes."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from os import environ
from typing import Final
from weakref import WeakSet

_logger = logging.getLogger("genspan")

CAPTURE: Final = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
DIALECTS: Final = "GENSPAN_DIALECTS"
MAX_BLOB_BYTES: Final = "GENSPAN_MAX_BLOB_BYTES"
STABILITY: Final = "OTEL_SEMCONV_STABILITY_OPT_IN"

_MODES: Final = {
    "NO_CONTENT": (False, False),
    "SPAN_ONLY": (True, False),
    "EVENT_ONLY": (False, True),
    "SPAN_AND_EVENT": (True, True),
    "TRUE": (True, False),
    "FALSE": (False, False),
}


@dataclass(frozen=True, slots=True)
class Settings:
    """What to record, and in which forms."""

    span_content: bool = False
    """Prompts and answers as attributes of spans."""
    event_content: bool = False
    """Prompts and answers as log events (``gen_ai.client.inference.operation.details``)."""
    dialects: frozenset[str] = frozenset({"genai"})
    """The forms of content on spans: ``genai`` for OTLP, ``mlflow`` for an MLflow server."""
    max_blob_bytes: int = 1 << 20
    """Inline data (images, audio) above this size is named but not kept."""
    latest_metrics: bool = False
    """The ``gen_ai.client.inference.*`` metrics in place of ``gen_ai.client.operation.*`` and ``.token.usage``."""


in_code: WeakSet[object] = WeakSet()
"""Exporters to MLflow that the program made itself: a destination that no variable need name."""


def exporters() -> tuple[str, ...]:
    """The names of the trace exporters that ``OTEL_TRACES_EXPORTER`` asks for, or that the destinations imply."""
    named = tuple(name.strip() for name in environ.get("OTEL_TRACES_EXPORTER", "").split(",") if name.strip())
    if named:
        return named
    mlflow = ("mlflow",) if environ.get("MLFLOW_TRACKING_URI") else ()
    endpoints = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    otlp = ("otlp",) if not mlflow or any(environ.get(name) for name in endpoints) else ()
    return mlflow + otlp


def read_settings() -> Settings:
    """The settings as the environment has them; a value that is not known warns once and leaves the safe default."""
    names = exporters()
    headers = ("OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS")
    direct = any("x-mlflow-experiment-id" in environ.get(name, "").lower() for name in headers)
    mlflow = direct or "mlflow" in names or bool(in_code)
    others = [name for name in names if name not in ("mlflow", "none")] and not direct
    implied = {"mlflow"} if mlflow else set[str]()
    if others or not mlflow:
        implied.add("genai")
    span_content, event_content = _mode(mlflow)
    return Settings(
        span_content=span_content,
        event_content=event_content,
        dialects=_dialects(frozenset(implied)),
        max_blob_bytes=_size(MAX_BLOB_BYTES, 1 << 20),
        latest_metrics="gen_ai_latest_experimental" in environ.get(STABILITY, "").split(","),
    )


def _mode(mlflow: bool) -> tuple[bool, bool]:
    value = environ.get(CAPTURE, "").strip()
    if not value:
        return _MODES["SPAN_ONLY" if mlflow else "NO_CONTENT"]
    mode = _MODES.get(value.upper())
    if mode is None:
        refuse(CAPTURE, value, "NO_CONTENT, SPAN_ONLY, EVENT_ONLY, SPAN_AND_EVENT, true, false", "no content")
        return _MODES["NO_CONTENT"]
    return mode


def _dialects(implied: frozenset[str]) -> frozenset[str]:
    value = environ.get(DIALECTS, "").strip()
    if not value:
        return implied
    asked = frozenset(name.strip().lower() for name in value.split(",") if name.strip())
    if not asked <= {"genai", "mlflow"}:
        refuse(DIALECTS, value, "genai, mlflow, or both with a comma", ",".join(sorted(implied)))
        return implied
    return asked


def _size(name: str, default: int) -> int:
    value = environ.get(name, "").strip()
    if not value:
        return default
    if not value.isdecimal():
        refuse(name, value, "a number of bytes", str(default))
        return default
    return int(value)


_refused: set[tuple[str, str]] = set()


def flag(name: str) -> bool:
    """Whether a switch that is off by default is on."""
    value = environ.get(name, "").strip()
    if value.lower() not in ("", "true", "false"):
        refuse(name, value, "true, false", "false")
    return value.lower() == "true"


def refuse(name: str, value: str, accepted: str, used: str) -> None:
    """Warn of a value that is not known, once."""
    if (name, value) not in _refused:
        _refused.add((name, value))
        _logger.warning("%s=%r is not known; accepted: %s. Using: %s.", name, value, accepted, used)
