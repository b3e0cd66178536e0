"""From variables to exporters: what ``opentelemetry-instrument`` would make of them, made without writing any.

Only the names of exporters, OpenTelemetry's protocol and our own arguments are read here; what else there is for an
exporter (headers, certificates, time limits, batch sizes) OpenTelemetry's classes read from the environment themselves.
"""

from __future__ import annotations

import logging
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from opentelemetry.sdk.trace.export import BatchSpanProcessor

from genspan._core.config import PROTOCOL, defaults, hides_mlflow_content, listed
from genspan._setup.outlet import Outlet

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from opentelemetry.sdk.trace import SpanProcessor
    from opentelemetry.sdk.trace.export import SpanExporter

_logger = logging.getLogger("genspan")
_PROTOCOLS: Final = {"grpc": "otlp_proto_grpc", "http/protobuf": "otlp_proto_http"}
_OTLP: Final = "opentelemetry.exporter.otlp."


def made(signal: str, env: Mapping[str, str], arguments: Mapping[str, Mapping[str, str]]) -> Iterator[Any]:
    """The exporters of a signal (``traces``, ``metrics``, ``logs``). One that cannot be made is logged and left out.

    ``arguments`` are those to make ``mlflow`` and ``otlp`` with.
    """
    for point in names(signal, env):
        found = next(iter(entry_points(group=f"opentelemetry_{signal}_exporter", name=point)), None)
        if found is None:
            _logger.error("There is no exporter %r for %s; it is left out.", point, signal)
            continue
        try:
            yield found.load()(**_arguments(point, signal, arguments))
        except Exception:
            _logger.exception("The exporter %r for %s cannot be made; it is left out.", point, signal)


def names(signal: str, env: Mapping[str, str]) -> list[str]:
    """The exporters of a signal, by the names of their entry points."""
    variable = f"OTEL_{signal.upper()}_EXPORTER"
    asked = listed(env.get(variable) or defaults(env)[variable])
    return list(dict.fromkeys(_entry_point(name, signal, env) for name in asked if name != "none"))


def _entry_point(name: str, signal: str, env: Mapping[str, str]) -> str:
    if name != "otlp":
        return name
    protocol = env.get(f"OTEL_EXPORTER_OTLP_{signal.upper()}_PROTOCOL") or env.get(PROTOCOL) or defaults(env)[PROTOCOL]
    return _PROTOCOLS.get(protocol.strip(), f"otlp by {protocol}")


def _arguments(point: str, signal: str, arguments: Mapping[str, Mapping[str, str]]) -> Mapping[str, str]:
    given = arguments.get(point if point == "mlflow" else "otlp", {})
    if point == "otlp_proto_http" and "endpoint" in given:
        return {"endpoint": f"{given['endpoint']}/v1/{signal}"}
    return given if point in ("mlflow", *_PROTOCOLS.values()) else {}


def span_processor(exporter: SpanExporter, env: Mapping[str, str], *, any_experiment: bool = True) -> SpanProcessor:
    """A batch processor that lets each destination have its own form of content."""
    from genspan.mlflow import MlflowSpanExporter
    from genspan.mlflow.processor import MlflowSpanProcessor, leaves_experiment_open
    from genspan.mlflow.span_copy import WithoutMlflowContent

    if isinstance(exporter, MlflowSpanExporter):
        return MlflowSpanProcessor(exporter, any_experiment=any_experiment and leaves_experiment_open())
    return BatchSpanProcessor(WithoutMlflowContent(exporter) if hides_mlflow_content(env) else exporter)


def present(provider: Any) -> list[Any]:
    """The exporters that a program gave its tracer provider, as far as the SDK's own processors show them."""
    found = [getattr(processor, "span_exporter", None) for processor in _processors(provider)]
    return [exporter for exporter in found if exporter is not None]


def outlets(provider: Any) -> list[Outlet]:
    """Those that a tracer provider has already, from ``opentelemetry-instrument``."""
    return [processor for processor in _processors(provider) if isinstance(processor, Outlet)]


def _processors(provider: Any) -> tuple[SpanProcessor, ...]:
    return getattr(getattr(provider, "_active_span_processor", None), "_span_processors", ())


def is_there(exporter: Any, others: list[Any], *, named_in_code: bool) -> bool:
    """Whether one of the others sends to the same place already.

    An OTLP exporter that variables ask for is there if any OTLP exporter is: it reads the same variables.
    """
    if _is_otlp(exporter) and not named_in_code:
        return any(map(_is_otlp, others))
    return any(_place(exporter) == _place(other) for other in others)


def _is_otlp(exporter: Any) -> bool:
    return type(exporter).__module__.startswith(_OTLP)


def _place(exporter: Any) -> object:
    """An address, or what stands for it."""
    if _is_otlp(exporter):
        endpoint = str(getattr(exporter, "_endpoint", ""))
        return "otlp", urlsplit(endpoint).netloc or endpoint
    destination = getattr(exporter, "destination", None)
    return type(exporter).__qualname__, getattr(destination, "uri", None)
