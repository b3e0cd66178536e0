"""Traces read back over MLflow's REST API (``/api/3.0/mlflow/traces``, whole since MLflow 3.7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from genspan.cli.otlp_json import from_json, usage
from genspan.mlflow.errors import ExportError, error_of
from genspan.mlflow.experiments import RestExperiments, find
from genspan.mlflow.http_session import MlflowSession
from genspan_semconv import attributes as names
from genspan_semconv.model import obj, seq, text

if TYPE_CHECKING:
    from genspan.cli.trace_tree import SpanDict, UsageDict
    from genspan.mlflow.destination import Destination
    from genspan.mlflow.errors import ServerResponse

_TRACES = "/api/3.0/mlflow/traces"


@dataclass(frozen=True, slots=True)
class Trace:
    """One stored trace."""

    id: str
    name: str
    state: str
    time: str
    usage: UsageDict
    """MLflow's own sum over the spans."""
    spans: list[SpanDict]


class TraceReader:
    """Reads from one server. Every method raises ``ExportError`` when it cannot."""

    def __init__(self, destination: Destination) -> None:
        if not destination.is_server:
            raise ExportError(
                "store", f"{destination.shown} is a store without a server: `mlflow server` shows its traces"
            )
        self._destination = destination
        self._session = MlflowSession(destination)

    def close(self) -> None:
        self._session.close()

    def newest(self, count: int) -> list[Trace]:
        """The newest traces of the experiment, newest first."""
        place = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": self.experiment_id()}}
        body = {"locations": [place], "max_results": count, "order_by": ["timestamp_ms DESC"]}
        found = self._checked(self._session.call("POST", f"{_TRACES}/search", body=body))
        return [self.trace(str(obj(info).get("trace_id"))) for info in seq(found.json().get("traces"))]

    def trace(self, trace_id: str) -> Trace:
        """A trace by its id, with or without ``tr-``."""
        trace_id = f"tr-{trace_id.removeprefix('tr-')}"
        answer = self._session.call("GET", f"{_TRACES}/get", query={"trace_id": trace_id})
        if answer.error_code == "RESOURCE_DOES_NOT_EXIST":
            raise ExportError("trace", f"There is no trace {trace_id} on {self._destination.shown}")
        if answer.status == 404:
            raise ExportError(
                "not mlflow",
                f"{self._destination.shown} does not answer as an MLflow server that shows spans: check "
                "MLFLOW_TRACKING_URI; the server must be MLflow 3.7 or newer",
            )
        trace = obj(self._checked(answer).json().get("trace"))
        info = obj(trace.get("trace_info"))
        total = obj(info.get("trace_metadata")).get("mlflow.trace.tokenUsage")
        return Trace(
            id=trace_id,
            name=text(obj(info.get("tags")).get("mlflow.traceName")) or "",
            state=text(info.get("state")) or "",
            time=text(info.get("request_time")) or "",
            usage=usage({names.MLFLOW_CHAT_TOKEN_USAGE: total}),
            spans=[from_json(obj(span)) for span in seq(trace.get("spans"))],
        )

    def experiment_id(self) -> str:
        """The id of the experiment that the settings name."""
        found = find(self._destination, RestExperiments(self._session, self._destination))
        if found is None:
            name = self._destination.experiment_name or self._destination.experiment_id
            raise ExportError("experiment", f"There is no experiment {name!r} on {self._destination.shown}")
        return found.id

    def _checked(self, answer: ServerResponse) -> ServerResponse:
        error = error_of(answer, self._destination)
        if error is not None:
            raise error
        return answer
