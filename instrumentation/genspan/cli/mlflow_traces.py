"""Traces read back over MLflow's REST API (``/api/3.0/mlflow/traces``, MLflow 3.6 and newer)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from genspan.cli.otlp_spans import from_json, usage
from genspan.mlflow.experiment import DEFAULT_ID
from genspan.mlflow.problems import Problem, judge
from genspan.mlflow.session import MlflowSession
from genspan_semconv import attributes as names
from genspan_semconv.model import obj, seq, text

if TYPE_CHECKING:
    from genspan.cli.tree import SpanDict, UsageDict
    from genspan.mlflow.problems import Answer
    from genspan.mlflow.settings import Destination

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
    """Reads from one server. Every method raises ``Problem``, with words for the user, when it cannot."""

    def __init__(self, destination: Destination) -> None:
        if not destination.is_server:
            raise Problem("store", f"{destination.shown} is a store without a server: `mlflow server` shows its traces")
        self._destination = destination
        self._session = MlflowSession(destination)

    def close(self) -> None:
        self._session.close()

    def newest(self, count: int) -> list[Trace]:
        """The newest traces of the experiment, newest first."""
        place = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": self.experiment_id()}}
        body = {"locations": [place], "max_results": count, "order_by": ["timestamp_ms DESC"]}
        found = self._checked(self._session.ask("POST", f"{_TRACES}/search", body=body))
        return [self.trace(str(obj(info).get("trace_id"))) for info in seq(found.json().get("traces"))]

    def trace(self, trace_id: str) -> Trace:
        """A trace by its id, with or without ``tr-``."""
        trace_id = f"tr-{trace_id.removeprefix('tr-')}"
        answer = self._session.ask("GET", f"{_TRACES}/get", query={"trace_id": trace_id})
        if answer.code == "RESOURCE_DOES_NOT_EXIST":
            raise Problem("trace", f"There is no trace {trace_id} on {self._destination.shown}")
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
        """The experiment that the settings name."""
        name = self._destination.experiment_name
        if name is None:
            return self._destination.experiment_id or DEFAULT_ID
        path = "/api/2.0/mlflow/experiments/get-by-name"
        answer = self._session.ask("GET", path, query={"experiment_name": name})
        if answer.code == "RESOURCE_DOES_NOT_EXIST":
            raise Problem("experiment", f"There is no experiment {name!r} on {self._destination.shown}")
        found = obj(self._checked(answer).json().get("experiment"))
        return text(found.get("experiment_id")) or DEFAULT_ID

    def _checked(self, answer: Answer) -> Answer:
        problem = judge(answer, self._destination)
        if problem is not None:
            raise problem
        return answer
