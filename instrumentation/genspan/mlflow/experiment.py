"""Which experiment the spans belong to: looked up by name, created where it is missing."""

from __future__ import annotations

import time
from threading import Event
from typing import TYPE_CHECKING, Final, cast

from genspan.mlflow.problems import Problem, judge

if TYPE_CHECKING:
    from genspan.mlflow.problems import Answer
    from genspan.mlflow.session import MlflowSession
    from genspan.mlflow.settings import Destination

DEFAULT_ID: Final = "0"
"""MLflow makes the experiment "Default" itself."""
RETRY_SECONDS: Final = 10.0
"""How long a request is tried again while the server is away; the default of OpenTelemetry's exporter."""


class ExperimentLookup:
    """Finds the experiment's id once; a failure is not remembered, the next batch of spans asks again."""

    def __init__(self, session: MlflowSession, destination: Destination, closing: Event | None = None) -> None:
        self._session = session
        self._destination = destination
        self._closing = closing or Event()
        self._found: str | None = None

    def resolve(self) -> str:
        """The id of the experiment. Raises ``Problem``."""
        if self._found is None:
            name, number = self._destination.experiment_name, self._destination.experiment_id
            self._found = number or DEFAULT_ID if name is None else self._by_name(name)
            if number is not None and number != self._found:
                found, self._found = self._found, None
                raise Problem(
                    "two experiments",
                    f"MLFLOW_EXPERIMENT_NAME={name!r} is experiment {found}, MLFLOW_EXPERIMENT_ID is {number}: set one",
                )
        return self._found

    def forget(self) -> None:
        """Ask again next time: the server no longer knows the experiment."""
        self._found = None

    def _by_name(self, name: str) -> str:
        query = {"experiment_name": name}
        found = self._call("GET", "get-by-name", query=query)
        if found.status != 200:
            created = self._call("POST", "create", body={"name": name})
            if created.status == 200:
                return str(created.json().get("experiment_id", ""))
            # Another process was quicker.
            found = self._call("GET", "get-by-name", query=query)
        return self._id_of(found, name)

    def _id_of(self, found: Answer, name: str) -> str:
        experiment = found.json().get("experiment")
        members = cast("dict[str, object]", experiment) if isinstance(experiment, dict) else {}
        number = str(members.get("experiment_id", ""))
        if not number:
            raise Problem(
                "not mlflow",
                f"{self._destination.shown} does not answer as an MLflow server: check MLFLOW_TRACKING_URI",
            )
        if members.get("lifecycle_stage") == "deleted":
            raise Problem(
                "deleted",
                f"The experiment {name!r} is deleted, spans in it would not be seen: restore it or choose another name",
            )
        return number

    def _call(
        self,
        method: str,
        action: str,
        query: dict[str, str] | None = None,
        body: dict[str, object] | None = None,
    ) -> Answer:
        """One call, tried again like the spans themselves while the server is away or busy."""
        deadline = time.monotonic() + RETRY_SECONDS
        delay = 1.0
        while True:
            answer = self._session.ask(method, f"/api/2.0/mlflow/experiments/{action}", query=query, body=body)
            problem = judge(answer, self._destination)
            if problem is None or answer.code in ("RESOURCE_DOES_NOT_EXIST", "RESOURCE_ALREADY_EXISTS"):
                return answer
            if problem.is_content:  # what is refused here is the experiment, not a span
                raise Problem("experiment", f"The experiment cannot be found or created ({answer.reason})")
            if not problem.is_passing or time.monotonic() + delay > deadline or self._closing.wait(delay):
                raise problem
            delay *= 2
