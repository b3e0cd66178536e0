"""Spans to an MLflow tracking server, over OTLP/HTTP and with OpenTelemetry's own exporter."""

from __future__ import annotations

import logging
import threading
from contextvars import ContextVar
from typing import TYPE_CHECKING

from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace.export import SpanExportResult

from genspan.mlflow.experiment import RETRY_SECONDS, ExperimentLookup
from genspan.mlflow.problems import Problem
from genspan.mlflow.session import MlflowSession

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.sdk.trace import ReadableSpan

    from genspan.mlflow.settings import Destination

_sending: ContextVar[bool] = ContextVar("genspan_mlflow_sending", default=False)


def _is_not_ours(_: logging.LogRecord) -> bool:
    """Keeps the exporter's own lines (a status code, once per batch) out of the log: we say the same in words, once."""
    return not _sending.get()


logging.getLogger(OTLPSpanExporter.__module__).addFilter(_is_not_ours)


class Server:
    """One tracking server and one experiment on it."""

    def __init__(self, destination: Destination) -> None:
        self._closing = threading.Event()
        self._session = MlflowSession(destination)
        self._experiment = ExperimentLookup(self._session, destination, self._closing)
        self._otlp = OTLPSpanExporter(
            endpoint=f"{destination.uri}/v1/traces",
            timeout=RETRY_SECONDS,
            compression=Compression.Gzip,
            session=self._session,
        )

    def store(self, spans: Sequence[ReadableSpan]) -> None:
        """Sends one request. Raises ``Problem`` when the spans were not stored."""
        if self._closing.is_set():
            raise Problem("closed", "The exporter is shut down")
        self._session.experiment_id = self._experiment.resolve()
        self._session.forget_last()
        token = _sending.set(True)
        try:
            result = self._otlp.export(spans)
        finally:
            _sending.reset(token)
        problem = self._session.judge_last()
        if problem is None and result is not SpanExportResult.SUCCESS:
            problem = Problem("request", "The spans could not be sent")
        if problem is not None:
            if problem.cause == "experiment":
                self._experiment.forget()
            raise problem

    def close(self) -> None:
        self._closing.set()
        self._otlp.shutdown()
