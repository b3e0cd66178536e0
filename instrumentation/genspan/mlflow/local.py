"""Spans to a database that MLflow reads (``sqlite:///mlflow.db``), written through the installed ``mlflow`` package.

It is the code path of MLflow's own OTLP endpoint, so a trace looks the same either way. There is no public name for
it: the names used here exist since MLflow 3.6, and their absence is reported as a version that is too old.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans

from genspan.mlflow.experiment import DEFAULT_ID
from genspan.mlflow.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.sdk.trace import ReadableSpan

    from genspan.mlflow.settings import Destination

_SQLITE: Final = "sqlite:///"


class LocalStore:
    """One SQL store and one experiment in it."""

    def __init__(self, destination: Destination) -> None:
        self._destination = destination
        self._uri = _absolute(destination.uri)
        self._pid = os.getpid()
        self._store: Any = None
        self._convert: Any = None
        self._experiment: str | None = None
        # mlflow imports this when it is imported itself, at the first export. That may be the one at interpreter exit,
        # when it is too late for a first import: "can't register atexit after shutdown".
        import_module("concurrent.futures.thread")

    def store(self, spans: Sequence[ReadableSpan]) -> None:
        """Writes the spans in one transaction. Raises ``Problem``."""
        store = self._opened()
        if self._experiment is None:
            self._experiment = self._resolve(store)
        try:
            store.log_spans(self._experiment, self._as_mlflow(spans))
        except Exception as error:
            cause, text = f"content: {type(error).__name__}", f"MLflow refused a span ({error})"
            raise Problem(cause, text, is_content=True) from error

    def close(self) -> None:
        """Nothing is held open."""

    def _opened(self) -> Any:
        if self._store is None:
            try:
                self._convert = import_module("mlflow.entities.span").Span.from_otel_proto
                self._store = import_module("mlflow.tracking._tracking_service.utils")._get_store(self._uri)
            except (ImportError, AttributeError) as error:
                raise Problem(
                    "no mlflow",
                    f"{self._destination.shown} is written by the mlflow package: pip install 'mlflow>=3.6'",
                ) from error
            except Exception as error:
                text = f"The store {self._destination.shown} cannot be opened ({str(error)[:300]})"
                raise Problem("store", text) from error
        elif self._pid != os.getpid():
            self._pid = os.getpid()
            self._store.engine.dispose(close=False)  # the parent process goes on using its connections
        return self._store

    def _as_mlflow(self, spans: Sequence[ReadableSpan]) -> list[Any]:
        return [
            self._convert(span, resource=of_resource.resource)
            for of_resource in encode_spans(spans).resource_spans
            for of_scope in of_resource.scope_spans
            for span in of_scope.spans
        ]

    def _resolve(self, store: Any) -> str:
        name, number = self._destination.experiment_name, self._destination.experiment_id
        if name is None:
            return number or DEFAULT_ID
        found = store.get_experiment_by_name(name)
        if found is None:
            try:
                return str(store.create_experiment(name))
            except Exception as error:  # another process was quicker
                found = store.get_experiment_by_name(name)
                if found is None:
                    raise Problem("experiment", f"The experiment {name!r} cannot be created ({error})") from error
        if found.lifecycle_stage == "deleted":
            raise Problem("deleted", f"The experiment {name!r} is deleted: restore it or choose another name")
        return str(found.experiment_id)


def _absolute(uri: str) -> str:
    """The program may change its working directory before the store is opened."""
    path = uri.removeprefix(_SQLITE)
    if path in (uri, "", ":memory:") or os.path.isabs(path):
        return uri
    return _SQLITE + os.path.abspath(path)
