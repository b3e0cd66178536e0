"""Which experiment the spans belong to: one search, over a tracking server's REST API or in an SQL store.

https://mlflow.org/docs/latest/rest-api.html (``experiments/get``, ``get-by-name``, ``create``).
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from genspan._core.routes.seen_ids import Recent
from genspan.mlflow.errors import ExportError, error_of
from genspan_semconv.model import obj, text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from threading import Event

    from genspan.mlflow.batch import Place
    from genspan.mlflow.destination import Destination
    from genspan.mlflow.errors import ServerResponse
    from genspan.mlflow.http_session import MlflowSession

DEFAULT_ID: Final = "0"
"""MLflow makes the experiment "Default" itself."""
RETRY_SECONDS: Final = 10.0
"""How long a request is tried again while the server is away; the default of OpenTelemetry's exporter."""


class Experiment(NamedTuple):
    """An experiment that exists. ``id`` is a decimal number as text."""

    id: str
    is_deleted: bool


class Experiments(Protocol):
    """Where experiments are kept. Every method raises ``ExportError`` where it gets no answer."""

    def get(self, experiment_id: str) -> Experiment | None:
        """The experiment of an id."""
        ...

    def get_by_name(self, name: str) -> Experiment | None:
        """The experiment of a name."""
        ...

    def create(self, name: str) -> str | None:
        """The id of the new experiment; None where the name is taken."""
        ...


def find(destination: Destination, experiments: Experiments) -> Experiment | None:
    """The experiment that the settings name; None where there is none of that name, or of that id.

    Raises ``ExportError`` where it is deleted, and where name and id are two experiments.
    """
    name, number = destination.experiment_name, destination.experiment_id
    found = experiments.get(number or DEFAULT_ID) if name is None else experiments.get_by_name(name)
    if name is not None and number not in (None, found and found.id):
        other = f"experiment {found.id}" if found else "none yet"
        raise ExportError(
            "two experiments", f"MLFLOW_EXPERIMENT_NAME={name!r} is {other}, MLFLOW_EXPERIMENT_ID is {number}: set one"
        )
    if found is not None and found.is_deleted:
        raise ExportError(
            "deleted",
            f"The experiment {name or found.id!r} is deleted, spans in it would not be seen: restore it or choose "
            "another",
        )
    return found


class ExperimentLookup:
    """Finds the experiment once, and creates it where it is missing. A failure is not remembered."""

    def __init__(self, destination: Destination, experiments: Experiments) -> None:
        self._destination = destination
        self._experiments = experiments
        self._id: str | None = None

    def resolve(self) -> str:
        """The id of the experiment. Raises ``ExportError``."""
        if self._id is None:
            name = self._destination.experiment_name
            self._id = self._by_id() if name is None else self._by_name(name)
        return self._id

    def forget(self) -> None:
        """Search again next time: the server no longer knows the experiment."""
        self._id = None

    def _by_id(self) -> str:
        """An id needs no search, but MLflow stores spans in a deleted experiment without a word."""
        try:
            find(self._destination, self._experiments)
        except ExportError as error:
            if error.cause == "deleted" or error.is_retryable:
                raise
            # Whatever else is wrong is the answer to the spans too.
        return self._destination.experiment_id or DEFAULT_ID

    def _by_name(self, name: str) -> str:
        found = find(self._destination, self._experiments)
        if found is None and (created := self._experiments.create(name)):
            return created
        found = found or find(self._destination, self._experiments)  # another process was quicker
        if found is None:
            raise ExportError("experiment", f"The experiment {name!r} cannot be created")
        return found.id


class ExperimentIds:
    """The ids of the experiments that the settings and the program name."""

    def __init__(self, destination: Destination, experiments: Experiments) -> None:
        self._destination = destination
        self._experiments = experiments
        self._lookups = Recent[str | None, ExperimentLookup]()

    def find(self, place: Place) -> str:
        """The id of a place's experiment. Raises ``ExportError``."""
        if place.experiment_name is None and place.experiment_id is not None:
            return place.experiment_id
        return self._lookup(place.experiment_name).resolve()

    def forget(self, place: Place) -> None:
        """Search again next time: the server no longer knows the experiment."""
        self._lookup(place.experiment_name).forget()

    def _lookup(self, name: str | None) -> ExperimentLookup:
        if name not in self._lookups:
            named = replace(self._destination, experiment_name=name, experiment_id=None)
            where = self._destination if name is None else named
            self._lookups.put(name, ExperimentLookup(where, self._experiments))
        return self._lookups[name]


class RestExperiments:
    """The experiments of a tracking server. ``closing`` ends the waiting for a server that is away; None: no wait."""

    def __init__(self, session: MlflowSession, destination: Destination, closing: Event | None = None) -> None:
        self._session = session
        self._destination = destination
        self._closing = closing

    def get(self, experiment_id: str) -> Experiment | None:
        return self._read("get", {"experiment_id": experiment_id})

    def get_by_name(self, name: str) -> Experiment | None:
        return self._read("get-by-name", {"experiment_name": name})

    def create(self, name: str) -> str | None:
        answer = self._call("POST", "create", body={"name": name})
        return text(answer.json().get("experiment_id")) if answer.status == 200 else None

    def _read(self, action: str, query: Mapping[str, str]) -> Experiment | None:
        answer = self._call("GET", action, query=query)
        if answer.status != 200:
            return None
        experiment = obj(answer.json().get("experiment"))
        number = text(experiment.get("experiment_id"))
        if not number:
            raise ExportError(
                "not mlflow",
                f"{self._destination.shown} does not answer as an MLflow server: check MLFLOW_TRACKING_URI",
            )
        return Experiment(number, experiment.get("lifecycle_stage") == "deleted")

    def _call(
        self,
        method: str,
        action: str,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, object] | None = None,
    ) -> ServerResponse:
        """One call, tried again like the spans themselves while the server is away or busy."""
        deadline = time.monotonic() + RETRY_SECONDS
        delay = 1.0
        while True:
            answer = self._session.call(method, f"/api/2.0/mlflow/experiments/{action}", query=query, body=body)
            error = error_of(answer, self._destination)
            if error is None or answer.error_code in ("RESOURCE_DOES_NOT_EXIST", "RESOURCE_ALREADY_EXISTS"):
                return answer
            if error.blames_spans:  # what is refused here is the experiment, not a span
                raise ExportError("experiment", f"The experiment cannot be found or created ({answer.reason})")
            is_last = self._closing is None or time.monotonic() + delay > deadline
            if not error.is_retryable or is_last or (self._closing and self._closing.wait(delay)):
                raise error
            delay *= 2
