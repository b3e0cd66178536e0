"""The span exporter ``mlflow``: ``OTEL_TRACES_EXPORTER=mlflow`` under any distribution, or an object in code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from genspan._core.config import in_code
from genspan.mlflow.delivery import deliver
from genspan.mlflow.problems import Problem, Voice, logger
from genspan.mlflow.settings import SettingsError, read_destination
from genspan.mlflow.spans import for_mlflow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.sdk.trace import ReadableSpan

    from genspan.mlflow.delivery import Store
    from genspan.mlflow.settings import Destination


class MlflowSpanExporter(SpanExporter):
    """Ships spans to an MLflow tracking server or SQL store.

    Every argument has its ``MLFLOW_*`` variable, which is read when the argument is absent. The constructor reaches no
    server; server and experiment are found at the first export, on the thread that exports. Nothing is raised: what
    cannot be stored is said once per cause in the log ``genspan.mlflow``.

    Args:
        tracking_uri: ``http(s)://[user:password@]host[:port][/prefix]``, or an SQL store such as
            ``sqlite:///mlflow.db`` (needs the ``mlflow`` package). Default ``http://localhost:5000``.
        experiment_name: looked up, and created where it is missing.
        experiment_id: the number of an experiment that exists. Default: the experiment "Default".
        token: bearer token. username, password: basic authentication.
        insecure_tls: accept any certificate.
        server_cert_path: file of certificate authorities. client_cert_path: file of a certificate with its key.
        timeout: seconds to wait for an answer, default 30.
    """

    def __init__(
        self,
        tracking_uri: str | None = None,
        *,
        experiment_name: str | None = None,
        experiment_id: str | None = None,
        token: str | None = None,
        username: str | None = None,
        password: str | None = None,
        insecure_tls: bool | None = None,
        server_cert_path: str | None = None,
        client_cert_path: str | None = None,
        timeout: float | None = None,
    ) -> None:
        in_code.add(self)
        self._voice = Voice()
        self._is_shut_down = False
        self._store: Store | None = None
        try:
            destination = read_destination(
                tracking_uri,
                experiment_name=experiment_name,
                experiment_id=experiment_id,
                token=token,
                username=username,
                password=password,
                insecure_tls=insecure_tls,
                server_cert_path=server_cert_path,
                client_cert_path=client_cert_path,
                timeout=timeout,
            )
        except SettingsError as error:
            logger.error("%s. No span will reach MLflow.", error)
        else:
            self._store = _open(destination)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Stores the spans, or says once per cause why not."""
        if self._is_shut_down:
            return SpanExportResult.FAILURE
        if self._store is None:
            self._voice.tell(Problem("settings", "The settings for MLflow cannot be used, see above"), len(spans))
            return SpanExportResult.FAILURE
        try:
            with suppress_instrumentation():
                outgoing = [for_mlflow(span) for span in spans if span.context is not None]
                complete = deliver(outgoing, self._store, self._voice)
        except Exception:
            logger.exception("%d span(s) could not be sent to MLflow", len(spans))
            return SpanExportResult.FAILURE
        return SpanExportResult.SUCCESS if complete else SpanExportResult.FAILURE

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


def _open(destination: Destination) -> Store:
    if destination.is_server:
        from genspan.mlflow.server import Server

        return Server(destination)
    from genspan.mlflow.local import LocalStore

    return LocalStore(destination)
