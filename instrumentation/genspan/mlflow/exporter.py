"""The span exporter ``mlflow``: ``OTEL_TRACES_EXPORTER=mlflow`` under any distribution, or an object in code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from genspan._core.config import in_code
from genspan.mlflow.batch import Places, store_batch
from genspan.mlflow.destination import SettingsError, read_destination
from genspan.mlflow.errors import ExportError, FailureLog, logger
from genspan.mlflow.span_copy import to_mlflow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.sdk.trace import ReadableSpan
    from typing_extensions import Unpack

    from genspan.mlflow.batch import SpanStore
    from genspan.mlflow.destination import Arguments, Destination


class MlflowSpanExporter(SpanExporter):
    """Ships spans to an MLflow tracking server or SQL store.

    The constructor reaches no server; server and experiment are found at the first export, on the thread that exports.
    Nothing is raised but ``TypeError`` for an unknown argument: what cannot be stored is logged once per cause
    ``genspan.mlflow``.

    Args:
        tracking_uri: ``http(s)://[user:password@]host[:port][/prefix]``, or an SQL store such as
            ``sqlite:///mlflow.db`` (needs the ``mlflow`` package). Default: ``MLFLOW_TRACKING_URI``, else
            what the installed ``mlflow`` writes to itself (``sqlite:///mlflow.db``), else ``http://localhost:5000``.
        arguments: ``experiment_name``, ``experiment_id``, ``token``, ``username``, ``password``, ``insecure_tls``,
            ``server_cert_path``, ``client_cert_path``, ``timeout``: see ``genspan.mlflow.destination.Arguments``.
            Where one is absent its ``MLFLOW_*`` variable is read.
    """

    def __init__(self, tracking_uri: str | None = None, **arguments: Unpack[Arguments]) -> None:
        self._log = FailureLog()
        self._places = Places()
        self._is_shut_down = False
        self._store: SpanStore | None = None
        self.destination: Destination | None = None
        """Where spans go; ``None`` where the settings cannot be used."""
        try:
            self.destination = read_destination(tracking_uri, **arguments)
            self._store = _open(self.destination)
        except SettingsError as error:
            logger.error("%s. No span will reach MLflow.", error)
        in_code.add(self)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Stores the spans, or says once per cause why not."""
        if self._is_shut_down:
            return SpanExportResult.FAILURE
        if self._store is None:
            self._log.lost(ExportError("settings", "The settings for MLflow cannot be used, see above"), len(spans))
            return SpanExportResult.FAILURE
        try:
            with suppress_instrumentation():
                outgoing = [to_mlflow(span) for span in spans if span.context is not None]
                is_complete = store_batch(outgoing, self._store, self._log, self._places)
        except Exception:
            logger.exception("%d span(s) could not be sent to MLflow", len(spans))
            return SpanExportResult.FAILURE
        return SpanExportResult.SUCCESS if is_complete else SpanExportResult.FAILURE

    def shutdown(self) -> None:
        """Ends waiting for a server; spans that come later are dropped."""
        if not self._is_shut_down:
            self._is_shut_down = True
            in_code.discard(self)
            if self._store is not None:
                self._store.close()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Nothing is buffered here."""
        return True


def _open(destination: Destination) -> SpanStore:
    if destination.is_server:
        from genspan.mlflow.tracking_server import TrackingServer

        return TrackingServer(destination)
    from genspan.mlflow.sql_store import SqlStore

    return SqlStore(destination)
