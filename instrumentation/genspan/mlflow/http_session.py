"""The HTTP session of all requests to an MLflow server: its credentials, TLS settings and time limits."""

from __future__ import annotations

import json
import os
import threading
from typing import TYPE_CHECKING, Any, Final

import requests
from requests.adapters import HTTPAdapter
from requests.auth import HTTPBasicAuth
from requests.structures import CaseInsensitiveDict

from genspan.mlflow.errors import ServerResponse, error_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from genspan.mlflow.destination import Destination
    from genspan.mlflow.errors import ExportError

EXPERIMENT_HEADER: Final = "x-mlflow-experiment-id"
RUN_HEADER: Final = "x-mlflow-run-id"
_CONNECT_TIMEOUT: Final = 5.0
_KEPT_HEADERS: Final = frozenset(
    {"accept", "accept-encoding", "connection", "content-encoding", "content-length", "content-type", "user-agent"}
)


class MlflowSession(requests.Session):
    """Sends MLflow's own headers and TLS settings and no others, and remembers each thread's last answer.

    The OTLP exporter that uses this session reads ``OTEL_EXPORTER_OTLP_HEADERS`` and ``..._CERTIFICATE``, which are
    meant for a collector; therefore headers and certificates are set where a request leaves, and only there.
    """

    def __init__(self, destination: Destination) -> None:
        super().__init__()
        self._destination = destination
        self._pid = os.getpid()
        self._thread = threading.local()
        self.experiment_id: str | None = None
        self.run_id: str | None = None
        """The run that the traces of a request are linked to."""

    @property
    def last(self) -> ServerResponse:
        """The response to the last request of this thread; status 0 where there is none."""
        answer: object = getattr(self._thread, "answer", None)
        return answer if isinstance(answer, ServerResponse) else ServerResponse()

    def forget_last(self) -> None:
        self._thread.answer = ServerResponse()

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        self._after_fork()
        self.forget_last()
        request.headers = CaseInsensitiveDict(self._own_headers(request))
        if self._destination.username:
            password = self._destination.password or ""
            HTTPBasicAuth(self._destination.username.encode(), password.encode())(request)
        kwargs["verify"] = self._destination.verify
        kwargs["cert"] = self._destination.client_cert
        kwargs["timeout"] = (_CONNECT_TIMEOUT, self._destination.timeout)
        kwargs["allow_redirects"] = False
        try:
            response = super().send(request, **kwargs)
        except Exception as error:
            self._thread.answer = ServerResponse(error=error)
            raise
        self._thread.answer = _response(response)
        if response.status_code in (500, 501):
            # MLflow means "not these spans, ever"; older OTLP exporters (1.40) try every 5xx again for long.
            response.status_code = 400
        return response

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, object] | None = None,
    ) -> ServerResponse:
        """A call of MLflow's REST API. Raises no exception of the network; the answer holds it."""
        try:
            data = None if body is None else json.dumps(body)
            headers = {"content-type": "application/json"}
            self.request(method, self._destination.uri + path, params=query, data=data, headers=headers)
        except (requests.RequestException, ValueError, OSError) as error:
            return ServerResponse(error=error)
        return self.last

    def last_error(self) -> ExportError | None:
        """The error that the last response of this thread stands for."""
        return error_of(self.last, self._destination)

    def _own_headers(self, request: requests.PreparedRequest) -> dict[str, str | bytes]:
        headers: dict[str, str | bytes] = {}
        headers.update((name, value) for name, value in request.headers.items() if name.lower() in _KEPT_HEADERS)
        if self._destination.token:
            headers["Authorization"] = f"Bearer {self._destination.token}"
        if self.experiment_id is not None:
            headers[EXPERIMENT_HEADER] = self.experiment_id
        if self.run_id is not None:
            headers[RUN_HEADER] = self.run_id
        return headers

    def _after_fork(self) -> None:
        """A child process must not write to sockets that it shares with its parent."""
        if self._pid != os.getpid():
            self._pid = os.getpid()
            self.mount("https://", HTTPAdapter())
            self.mount("http://", HTTPAdapter())


def _response(response: requests.Response) -> ServerResponse:
    return ServerResponse(
        status=response.status_code,
        body=response.text,
        content_type=response.headers.get("content-type", ""),
        location=response.headers.get("location", ""),
    )
