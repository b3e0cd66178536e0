"""The rules of the settings: what the environment, with arguments of the program laid over it, asks for.

Every function reads a mapping of variables, ``os.environ`` unless another is given. Nothing here writes to one.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from os import environ
from typing import TYPE_CHECKING, Final
from weakref import WeakSet

if TYPE_CHECKING:
    from collections.abc import Mapping

_logger = logging.getLogger("genspan")

CAPTURE: Final = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
DIALECTS: Final = "GENSPAN_DIALECTS"
MAX_BLOB_BYTES: Final = "GENSPAN_MAX_BLOB_BYTES"
OTHERS: Final = "GENSPAN_RIVALS"
PROPAGATE_HOSTS: Final = "GENSPAN_PROPAGATE_HOSTS"
STABILITY: Final = "OTEL_SEMCONV_STABILITY_OPT_IN"
DISABLED: Final = "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"
TRACKING_URI: Final = "MLFLOW_TRACKING_URI"
ENDPOINT: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"
PROTOCOL: Final = "OTEL_EXPORTER_OTLP_PROTOCOL"

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
    keep_others: bool = False
    """Other instrumentations of the same SDKs are loaded too, and spans of others keep the usage that they report."""
    propagate_hosts: tuple[str, ...] = ()
    """Hosts that are sent the trace context: ``host``, ``host:port`` or ``*.domain``."""


in_code: WeakSet[object] = WeakSet()
"""Exporters to MLflow that the program made itself: a destination that no variable need name."""


def listed(value: str) -> tuple[str, ...]:
    """The words of a list with commas, without the blanks around them."""
    return tuple(word for part in value.split(",") if (word := part.strip()))


def exporters(env: Mapping[str, str] = environ) -> tuple[str, ...]:
    """The names of the trace exporters that ``OTEL_TRACES_EXPORTER`` asks for, or that the destinations imply."""
    named = listed(env.get("OTEL_TRACES_EXPORTER", ""))
    if named:
        return named
    mlflow = ("mlflow",) if env.get(TRACKING_URI) else ()
    otlp = ("otlp",) if not mlflow or _has_endpoint(env) else ()
    return mlflow + otlp


def names_destination(env: Mapping[str, str] = environ) -> bool:
    """Whether anything says where spans go; if not, they go to OpenTelemetry's default, ``localhost:4318``."""
    return bool(listed(env.get("OTEL_TRACES_EXPORTER", "")) or env.get(TRACKING_URI) or _has_endpoint(env))


def defaults(env: Mapping[str, str] = environ) -> dict[str, str]:
    """The values for variables of OpenTelemetry that are unset or empty."""
    traces = exporters(env)
    mlflow = "mlflow" in traces or sends_otlp_to_mlflow(env)
    return {
        "OTEL_TRACES_EXPORTER": ",".join(traces),
        "OTEL_METRICS_EXPORTER": _other_signal(env, "METRICS", mlflow),
        "OTEL_LOGS_EXPORTER": _other_signal(env, "LOGS", mlflow),
        PROTOCOL: "http/protobuf",
    }


def sends_otlp_to_mlflow(env: Mapping[str, str] = environ) -> bool:
    """Whether the exporter ``otlp`` addresses an MLflow server."""
    headers = ("OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS")
    return any("x-mlflow-experiment-id" in env.get(name, "").lower() for name in headers)


def hides_mlflow_content(env: Mapping[str, str] = environ) -> bool:
    """Whether spans carry two forms of content because there are two destinations, so that each is sent its own."""
    two_forms_wanted = bool(env.get(DIALECTS, "").strip())
    return "mlflow" in exporters(env) and not two_forms_wanted and not sends_otlp_to_mlflow(env)


def sdk_disabled(env: Mapping[str, str] = environ) -> bool:
    """The setting ``OTEL_SDK_DISABLED``."""
    return env.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"


def is_left_out(instrumentation: str, env: Mapping[str, str] = environ) -> bool:
    """Whether ``OTEL_PYTHON_DISABLED_INSTRUMENTATIONS`` names an instrumentation, or all of them by ``*``."""
    return not {instrumentation, "*"}.isdisjoint(listed(env.get(DISABLED, "")))


def read_settings(env: Mapping[str, str] = environ) -> Settings:
    """What to record; a value that is not known warns once and leaves the safe default."""
    names = exporters(env)
    direct = sends_otlp_to_mlflow(env)
    mlflow = direct or "mlflow" in names or bool(in_code)
    others = [name for name in names if name not in ("mlflow", "none")] and not direct
    implied = {"mlflow"} if mlflow else set[str]()
    if others or not mlflow:
        implied.add("genai")
    span_content, event_content = _mode(env, mlflow)
    return Settings(
        span_content=span_content,
        event_content=event_content,
        dialects=_dialects(env, frozenset(implied)),
        max_blob_bytes=_size(env, MAX_BLOB_BYTES, 1 << 20),
        latest_metrics="gen_ai_latest_experimental" in listed(env.get(STABILITY, "")),
        keep_others=keeps_others(env),
        propagate_hosts=_hosts(env),
    )


def _has_endpoint(env: Mapping[str, str]) -> bool:
    return bool(env.get(ENDPOINT) or env.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"))


def _other_signal(env: Mapping[str, str], signal: str, mlflow: bool) -> str:
    """MLflow takes spans only. Beside it metrics and logs need an endpoint that is somebody else's."""
    own_endpoint = env.get(f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT")
    shared_endpoint = not sends_otlp_to_mlflow(env) and env.get(ENDPOINT)
    return "otlp" if own_endpoint or shared_endpoint or not mlflow else "none"


def _mode(env: Mapping[str, str], mlflow: bool) -> tuple[bool, bool]:
    value = env.get(CAPTURE, "").strip()
    if not value:
        return _MODES["SPAN_ONLY" if mlflow else "NO_CONTENT"]
    mode = _MODES.get(value.upper())
    if mode is None:
        refuse(CAPTURE, value, "NO_CONTENT, SPAN_ONLY, EVENT_ONLY, SPAN_AND_EVENT, true, false", "no content")
        return _MODES["NO_CONTENT"]
    return mode


def _dialects(env: Mapping[str, str], implied: frozenset[str]) -> frozenset[str]:
    value = env.get(DIALECTS, "").strip()
    if not value:
        return implied
    asked = frozenset(name.strip().lower() for name in value.split(",") if name.strip())
    if not asked <= {"genai", "mlflow"}:
        refuse(DIALECTS, value, "genai, mlflow, or both with a comma", ",".join(sorted(implied)))
        return implied
    return asked


def _size(env: Mapping[str, str], name: str, default: int) -> int:
    value = env.get(name, "").strip()
    if not value:
        return default
    if not value.isdecimal():
        refuse(name, value, "a number of bytes", str(default))
        return default
    return int(value)


def _hosts(env: Mapping[str, str]) -> tuple[str, ...]:
    named: list[str] = []
    for host in listed(env.get(PROPAGATE_HOSTS, "").lower()):
        if "*" in host.removeprefix("*.") or "/" in host:
            refuse(PROPAGATE_HOSTS, host, "host, host:port, *.domain, several with commas", "the others")
        else:
            named.append(host)
    return tuple(named)


def keeps_others(env: Mapping[str, str] = environ) -> bool:
    """The setting ``GENSPAN_RIVALS``: ``keep``, or ``skip`` as by default."""
    value = env.get(OTHERS, "").strip()
    if value.lower() not in ("", "keep", "skip"):
        refuse(OTHERS, value, "keep, skip", "skip")
    return value.lower() == "keep"


_refused: set[tuple[str, str]] = set()


def flag(name: str, default: bool = False) -> bool:
    """Whether a switch is on."""
    value = environ.get(name, "").strip()
    if value.lower() in ("true", "false"):
        return value.lower() == "true"
    if value:
        refuse(name, value, "true, false", str(default).lower())
    return default


def refuse(name: str, value: str, accepted: str, used: str) -> None:
    """Warn of a value that is not known, once."""
    if (name, value) not in _refused:
        _refused.add((name, value))
        _logger.warning("%s=%r is not known; accepted: %s. Using: %s.", name, value, accepted, used)
