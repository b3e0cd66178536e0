"""What ``opentelemetry-instrument`` loads: defaults for the environment, and the SDK set up by them."""

from __future__ import annotations

from os import environ
from typing import TYPE_CHECKING, Any

from opentelemetry.instrumentation.distro import BaseDistro
from opentelemetry.sdk._configuration import _OTelSDKConfigurator
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from genspan import _process_end
from genspan._core.config import DIALECTS, exporters

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from opentelemetry.sdk.trace import SpanProcessor
    from opentelemetry.sdk.trace.export import SpanExporter


class Distro(BaseDistro):
    """Fills in what the environment leaves open, and keeps an SDK from being traced twice."""

    def _configure(self, **_: Any) -> None:
        for name, value in defaults().items():
            if not environ.get(name, "").strip():
                environ[name] = value

    def load_instrumentor(self, entry_point: EntryPoint, **kwargs: Any) -> None:
        """Loads it, unless another distribution's would trace what ours traces."""
        from genspan._rivals import stands_aside

        if not stands_aside(entry_point):
            untyped: Any = super()
            untyped.load_instrumentor(entry_point, **kwargs)


class Configurator(_OTelSDKConfigurator):
    """The SDK's own set-up; and spans get out however the process ends."""

    def _configure(self, **kwargs: Any) -> None:
        if _hides_mlflow_content():
            kwargs.setdefault("export_span_processor", _processor)
        untyped: Any = super()
        untyped._configure(**kwargs)
        if environ.get("OTEL_SDK_DISABLED", "").strip().lower() != "true":
            _process_end.install()


def defaults() -> dict[str, str]:
    """The values for variables that are unset or empty."""
    traces = exporters()
    is_mlflow = "mlflow" in traces or _sends_otlp_to_mlflow()
    return {
        "OTEL_TRACES_EXPORTER": ",".join(traces),
        "OTEL_METRICS_EXPORTER": _other_signal("METRICS", is_mlflow),
        "OTEL_LOGS_EXPORTER": _other_signal("LOGS", is_mlflow),
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
    }


def _other_signal(signal: str, is_mlflow: bool) -> str:
    """MLflow takes spans only. Beside it metrics and logs need an endpoint that is somebody else's."""
    own_endpoint = environ.get(f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT")
    shared_endpoint = not _sends_otlp_to_mlflow() and environ.get("OTEL_EXPORTER_OTLP_ENDPOINT")
    return "otlp" if own_endpoint or shared_endpoint or not is_mlflow else "none"


def _sends_otlp_to_mlflow() -> bool:
    names = ("OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS")
    return any("x-mlflow-experiment-id" in environ.get(name, "").lower() for name in names)


def _hides_mlflow_content() -> bool:
    """Whether spans carry two forms of content because there are two destinations."""
    two_forms_wanted = bool(environ.get(DIALECTS, "").strip())
    by_file = bool(environ.get("OTEL_CONFIG_FILE"))  # then the SDK takes no arguments
    return "mlflow" in exporters() and not (two_forms_wanted or by_file or _sends_otlp_to_mlflow())


def _processor(span_exporter: SpanExporter, *_: Any, **__: Any) -> SpanProcessor:
    from genspan.mlflow import MlflowSpanExporter
    from genspan.mlflow.spans import WithoutMlflowContent

    is_ours = isinstance(span_exporter, MlflowSpanExporter)
    return BatchSpanProcessor(span_exporter if is_ours else WithoutMlflowContent(span_exporter))
