"""Spans to a database that MLflow reads (``sqlite:///mlflow.db``), written through the installed ``mlflow`` package.

It is the code path of MLflow's own OTLP endpoint, so a trace looks the same either way. There is no public name for
it: the names used here exist since MLflow 3.6, and their absence is reported as a version that is too old.
"""

from __future__ import annotations

import os
from importlib import import_module
from inspect import signature
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans

from genspan._core.guard import Guard
from genspan.mlflow.errors import ExportError
from genspan.mlflow.experiments import Experiment, ExperimentIds
from genspan.mlflow.prompts import LINKED, PromptLinks, as_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.sdk.trace import ReadableSpan

    from genspan.mlflow.batch import Place
    from genspan.mlflow.destination import Destination

REQUIREMENT: Final = "mlflow>=3.6"
_SQLITE: Final = "sqlite:///"


class SqlStore:
    """One SQL store and one experiment in it."""

    def __init__(self, destination: Destination) -> None:
        self._destination = destination
        self._uri = _absolute(destination.uri)
        self._pid = os.getpid()
        self._store: Any = None
        self._convert: Any = None
        self._strip: Any = None
        self._experiments: ExperimentIds | None = None
        self._prompts = PromptLinks()
        # mlflow imports this when it is imported itself, at the first export. That may be the one at interpreter exit,
        # when it is too late for a first import: "can't register atexit after shutdown".
        import_module("concurrent.futures.thread")

    def store(self, spans: Sequence[ReadableSpan], place: Place) -> None:
        """Writes the spans in one transaction. Raises ``ExportError``."""
        store = self._opened()
        if self._experiments is None:
            self._experiments = ExperimentIds(self._destination, SqlExperiments(store))
        experiment = self._experiments.find(place)
        try:
            store.log_spans(experiment, self._as_mlflow(spans))
            if place.run is not None:
                _link(store, spans, place.run)
        except Exception as error:
            cause, text = f"content: {type(error).__name__}", f"MLflow refused a span ({error})"
            raise ExportError(cause, text, blames_spans=True) from error
        with Guard("link of traces to prompts"):
            for trace_id, prompts in self._prompts.changed(spans).items():
                store.link_prompts_to_trace(trace_id, [SimpleNamespace(**prompt) for prompt in prompts])
                store.set_trace_tag(trace_id, LINKED, as_json(prompts))

    def close(self) -> None:
        """Nothing is held open."""

    def _opened(self) -> Any:
        if self._store is None:
            try:
                self._convert = import_module("mlflow.entities.span").Span.from_otel_proto
                # Since MLflow 3.18 the endpoint takes off the second layer of JSON; before, the store did.
                translation = import_module("mlflow.tracing.otel.translation")
                self._strip = getattr(translation, "strip_otlp_double_encoding", None)
                self._store = import_module("mlflow.tracking._tracking_service.utils")._get_store(self._uri)
            except (ImportError, AttributeError) as error:
                text = f"{self._destination.shown} is written by the mlflow package: pip install '{REQUIREMENT}'"
                raise ExportError("no mlflow", text) from error
            except Exception as error:
                text = f"The store {self._destination.shown} cannot be opened ({str(error)[:300]})"
                raise ExportError("store", text) from error
        elif self._pid != os.getpid():
            self._pid = os.getpid()
            self._store.engine.dispose(close=False)  # the parent process goes on using its connections
        return self._store

    def _as_mlflow(self, spans: Sequence[ReadableSpan]) -> list[Any]:
        takes_resource = "resource" in signature(self._convert).parameters  # since MLflow 3.14
        converted = [
            self._convert(span, **({"resource": of_resource.resource} if takes_resource else {}))
            for of_resource in encode_spans(spans).resource_spans
            for of_scope in of_resource.scope_spans
            for span in of_scope.spans
        ]
        if self._strip is not None:
            for one in converted:
                one._span._attributes = self._strip(one._span._attributes)
        return converted


class SqlExperiments:
    """The experiments of mlflow's ``SqlAlchemyStore``."""

    def __init__(self, store: Any) -> None:
        self._store = store

    def get(self, experiment_id: str) -> Experiment | None:
        try:
            return _experiment(self._store.get_experiment(experiment_id))
        except Exception as error:
            if getattr(error, "error_code", None) == "RESOURCE_DOES_NOT_EXIST":
                return None
            raise _unreadable(error) from error

    def get_by_name(self, name: str) -> Experiment | None:
        try:
            found = self._store.get_experiment_by_name(name)
        except Exception as error:
            raise _unreadable(error) from error
        return _experiment(found) if found is not None else None

    def create(self, name: str) -> str | None:
        try:
            return str(self._store.create_experiment(name))
        except Exception as error:
            if getattr(error, "error_code", None) == "RESOURCE_ALREADY_EXISTS":
                return None
            raise ExportError("experiment", f"The experiment {name!r} cannot be created ({error})") from error


def _experiment(found: Any) -> Experiment:
    return Experiment(str(found.experiment_id), found.lifecycle_stage == "deleted")


def _unreadable(error: Exception) -> ExportError:
    return ExportError("experiment", f"The experiment cannot be read ({str(error)[:300]})")


def _link(store: Any, spans: Sequence[ReadableSpan], run: str) -> None:
    """As the server does for its header: the traces whose first span is among these."""
    begun = {f"tr-{span.context.trace_id:032x}" for span in spans if span.parent is None and span.context is not None}
    with Guard("link of traces to a run"):
        if begun:
            store.link_traces_to_run(sorted(begun), run)


def _absolute(uri: str) -> str:
    """The program may change its working directory before the store is opened."""
    path = uri.removeprefix(_SQLITE)
    if path in (uri, "", ":memory:") or os.path.isabs(path):
        return uri
    return _SQLITE + os.path.abspath(path)
