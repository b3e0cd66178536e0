"""Spans to an MLflow tracking server, over OTLP/HTTP and with OpenTelemetry's own exporter."""

from __future__ import annotations

import logging
import threading
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace.export import SpanExportResult

from genspan._core.guard import Guard
from genspan.mlflow.errors import ExportError
from genspan.mlflow.experiments import RETRY_SECONDS, ExperimentIds, RestExperiments
from genspan.mlflow.http_session import MlflowSession
from genspan.mlflow.prompts import LINKED, PromptLinks, as_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.sdk.trace import ReadableSpan

    from genspan.mlflow.batch import Place
    from genspan.mlflow.destination import Destination

_NOT_DECOMPRESSED: Final = "Invalid OpenTelemetry protobuf"
"""What MLflow 3.6 answers to a compressed request; later versions say it of a body that is no protobuf."""

_LINKS: Final = "/api/2.0/mlflow/traces/link-prompts"

_sending: ContextVar[bool] = ContextVar("genspan_mlflow_sending", default=False)


def _is_foreign(_: logging.LogRecord) -> bool:
    """Keeps the exporter's own lines (a status code, once per batch) out of the log: we say the same in words, once."""
    return not _sending.get()


logging.getLogger(OTLPSpanExporter.__module__).addFilter(_is_foreign)


class TrackingServer:
    """One tracking server and one experiment on it."""

    def __init__(self, destination: Destination) -> None:
        self._closing = threading.Event()
        self._session = MlflowSession(destination)
        self._experiments = ExperimentIds(destination, RestExperiments(self._session, destination, self._closing))
        self._endpoint = f"{destination.uri}/v1/traces"
        self._compresses = True
        self._prompts = PromptLinks()
        self._otlp = self._exporter(Compression.Gzip)

    def store(self, spans: Sequence[ReadableSpan], place: Place) -> None:
        """Sends one request. Raises ``ExportError`` when the spans were not stored."""
        if self._closing.is_set():
            raise ExportError("closed", "The exporter is shut down")
        experiment = self._experiments.find(place)
        self._session.experiment_id, self._session.run_id = experiment, place.run
        error = self._send(spans)
        if error is not None and _NOT_DECOMPRESSED in self._session.last.body and self._compresses:
            self._compresses = False
            self._otlp = self._exporter(Compression.NoCompression)
            error = self._send(spans)
        self._session.experiment_id = self._session.run_id = None  # of other requests they are no headers
        if error is not None:
            if error.cause == "experiment":
                self._experiments.forget(place)
            raise error
        with Guard("link of traces to prompts"):
            self._link(spans)

    def _link(self, spans: Sequence[ReadableSpan]) -> None:
        """Searches go by the links, pages show the tag."""
        for trace_id, prompts in self._prompts.changed(spans).items():
            self._session.call("POST", _LINKS, body={"trace_id": trace_id, "prompt_versions": prompts})
            tag = {"key": LINKED, "value": as_json(prompts)}
            self._session.call("PATCH", f"/api/3.0/mlflow/traces/{trace_id}/tags", body=tag)

    def _send(self, spans: Sequence[ReadableSpan]) -> ExportError | None:
        self._session.forget_last()
        token = _sending.set(True)
        try:
            result = self._otlp.export(spans)
        finally:
            _sending.reset(token)
        error = self._session.last_error()
        if error is None and result is not SpanExportResult.SUCCESS:
            return ExportError("request", "The spans could not be sent")
        return error

    def _exporter(self, compression: Compression) -> OTLPSpanExporter:
        return OTLPSpanExporter(
            endpoint=self._endpoint, timeout=RETRY_SECONDS, compression=compression, session=self._session
        )

    def close(self) -> None:
        self._closing.set()
        self._otlp.shutdown()
