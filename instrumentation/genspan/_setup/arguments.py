"""The arguments of ``genspan.configure``, and the variables that they stand for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from genspan._core.config import CAPTURE, ENDPOINT, TRACKING_URI, listed
from genspan.mlflow.destination import SettingsError, default_uri, read_destination

if TYPE_CHECKING:
    from collections.abc import Mapping

_TRACES: Final = "OTEL_TRACES_EXPORTER"
_SIGNALS: Final = ("TRACES", "METRICS", "LOGS")


@dataclass(frozen=True, slots=True)
class Arguments:
    """As they were given; ``None`` where the environment decides."""

    mlflow: str | None = None
    experiment: str | None = None
    endpoint: str | None = None
    content: bool | None = None
    service_name: str | None = None
    console: bool = False

    def check(self) -> None:
        """Raise ``TypeError`` or ``ValueError`` for what cannot be meant."""
        for name in ("mlflow", "experiment", "endpoint", "service_name"):
            value: Any = getattr(self, name)
            if value is not None and not isinstance(value, str):
                raise TypeError(f"genspan.configure: {name} is a str, not {type(value).__name__}")
            if value is not None and not value.strip():
                raise ValueError(f"genspan.configure: {name} is empty; leave it out, or give it a value")
        for name, values in (("content", (True, False, None)), ("console", (True, False))):
            if not any(getattr(self, name) is value for value in values):
                raise TypeError(f"genspan.configure: {name} is True or False, not {getattr(self, name)!r}")
        if self.endpoint is not None:
            _check_endpoint(self.endpoint)
        if self.mlflow is not None:
            try:
                read_destination(self.mlflow, experiment_name=self.experiment)
            except SettingsError as error:
                text = str(error).replace("MLFLOW_TRACKING_URI", "mlflow")
                raise ValueError(f"genspan.configure: {text}") from None

    def variables(self, env: Mapping[str, str]) -> dict[str, str]:
        """What is to be laid over the environment, so that the same rules hold for both."""
        over: dict[str, str] = {}
        if self.mlflow is not None:
            over[TRACKING_URI] = self.mlflow
        if self.endpoint is not None:
            over[ENDPOINT] = self.endpoint
        if self.content is not None:
            over[CAPTURE] = "SPAN_ONLY" if self.content else "NO_CONTENT"
        exporters = [name for name in listed(env.get(_TRACES, "")) if name != "none"]
        if (self.mlflow or self.experiment) and "mlflow" not in exporters:
            exporters.append("mlflow")
        if self.endpoint and not any(name.startswith("otlp") for name in exporters):
            exporters.append("otlp")
        if _TRACES in env and self != Arguments():
            over[_TRACES] = ",".join(exporters) or "none"
        return over

    def address(self) -> dict[str, str]:
        """That of MLflow, where an experiment is named and nothing says on which server."""
        return {} if self.experiment is None else {TRACKING_URI: default_uri()}

    def default(self, for_a_program_without: bool) -> dict[str, str]:
        """Where spans go if nothing names a destination, for a program with or without a tracer provider of its own."""
        if self.experiment is None and (self.console or not for_a_program_without):
            return {f"OTEL_{signal}_EXPORTER": "none" for signal in _SIGNALS}
        return {}  # MLflow's or OpenTelemetry's own

    def of_exporters(self, env: Mapping[str, str]) -> dict[str, dict[str, str]]:
        """What the exporters ``mlflow`` and ``otlp`` are made with."""
        mlflow = {"tracking_uri": env.get(TRACKING_URI), "experiment_name": self.experiment}
        otlp = {"endpoint": self.endpoint and self.endpoint.rstrip("/")}
        return {"mlflow": _present(mlflow), "otlp": _present(otlp)}


def _present(values: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in values.items() if value}


def _check_endpoint(endpoint: str) -> None:
    try:
        parts = urlsplit(endpoint)
        complete = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        complete = False
    else:
        if complete and parts.path.rstrip("/").endswith(("/v1/traces", "/v1/metrics", "/v1/logs")):
            raise ValueError("genspan.configure: endpoint is the base address; leave out the path /v1/...")
    if not complete:
        raise ValueError("genspan.configure: endpoint is no address like http://collector:4318")
