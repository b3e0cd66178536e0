"""What ``opentelemetry-instrument`` loads: defaults for the environment, and the SDK set up by them."""

from __future__ import annotations

from os import environ
from typing import TYPE_CHECKING, Any

from opentelemetry.instrumentation.distro import BaseDistro
from opentelemetry.sdk._configuration import _OTelSDKConfigurator

from genspan._core.config import defaults, sdk_disabled
from genspan._service_name import default_service_name
from genspan._setup import process_end
from genspan._setup.exporting import span_processor
from genspan._setup.outlet import Outlet

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
        if (program := default_service_name()) is not None:
            environ["OTEL_SERVICE_NAME"] = program

    def load_instrumentor(self, entry_point: EntryPoint, **kwargs: Any) -> None:
        """Loads it, unless another distribution's would trace what ours traces."""
        from genspan._setup.other_instrumentations import is_superseded

        if not is_superseded(entry_point):
            untyped: Any = super()
            untyped.load_instrumentor(entry_point, **kwargs)


class Configurator(_OTelSDKConfigurator):
    """The SDK's own set-up; and spans get out however the process ends."""

    def _configure(self, **kwargs: Any) -> None:
        if not environ.get("OTEL_CONFIG_FILE"):  # with a file the SDK takes no arguments
            kwargs.setdefault("export_span_processor", _processor)
        untyped: Any = super()
        untyped._configure(**kwargs)
        if not sdk_disabled():
            process_end.install()


def _processor(span_exporter: SpanExporter, *_: Any, **__: Any) -> SpanProcessor:
    return Outlet(span_processor(span_exporter, environ))
