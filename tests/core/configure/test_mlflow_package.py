"""The destination that the program has set in the `mlflow` package."""

from __future__ import annotations

import contextlib
import os
import sys
from types import ModuleType, SimpleNamespace
from unittest.mock import patch

import pytest
from opentelemetry import trace

import genspan
from tests.core.configure.setting import NAME, NO_BACKEND, names_at
from tests.support.otlp_sink import attributes


@contextlib.contextmanager
def program_of_mlflow(uri: str | None = None, experiment: str | None = None, run: tuple[str, str] | None = None):
    """The modules of ``mlflow`` as they are after ``set_tracking_uri``, ``set_experiment`` and ``start_run``."""
    address = ModuleType("mlflow.tracking._tracking_service.utils")
    address.is_tracking_uri_set = lambda: uri is not None
    address.get_tracking_uri = lambda: uri or "sqlite:///mlflow.db"
    fluent = ModuleType("mlflow.tracking.fluent")
    fluent._active_experiment_id = experiment
    info = run and SimpleNamespace(info=SimpleNamespace(run_id=run[0], experiment_id=run[1]))
    fluent._get_latest_active_run = lambda: info
    written = {"MLFLOW_TRACKING_URI": uri, "MLFLOW_EXPERIMENT_ID": experiment}
    os.environ.update({name: value for name, value in written.items() if value is not None})
    with patch.dict(sys.modules, {address.__name__: address, fluent.__name__: fluent}):
        yield fluent


@pytest.mark.parametrize("order", ["before", "after"])
def test_lines_for_mlflow_name_the_destination(ask, mlflow, order):
    if order == "after":
        genspan.configure()
    with program_of_mlflow(mlflow.uri, "5"):
        if order == "before":
            genspan.configure()
        ask()
        genspan.configure().flush()
    assert mlflow.stored_names == [NAME]
    assert mlflow.posts[0].headers["x-mlflow-experiment-id"] == "5"
    assert "hello" in attributes(mlflow.stored[0])["mlflow.spanInputs"]
    assert "gen_ai.input.messages" not in attributes(mlflow.stored[0])


def test_lines_for_mlflow_count_also_after_the_first_span(ask, mlflow, localhost):
    setup = genspan.configure()
    with trace.get_tracer("tests").start_as_current_span("of the program"):
        pass
    with program_of_mlflow(mlflow.uri, "5"):
        ask()
        setup.flush()
    assert mlflow.stored_names == [NAME]
    assert "hello" in attributes(mlflow.stored[0])["mlflow.spanInputs"]
    assert NAME not in names_at(localhost)


@pytest.mark.parametrize("named", ["argument", "environment", "none"])
def test_lines_for_mlflow_do_not_count_where_something_else_names_a_destination(ask, mlflow, sink, named):
    if named != "argument":
        os.environ.update({"OTEL_EXPORTER_OTLP_ENDPOINT": sink.url} if named == "environment" else NO_BACKEND)
    setup = genspan.configure(**({"endpoint": sink.url} if named == "argument" else {}))
    with program_of_mlflow(mlflow.uri, "5"):
        ask()
        setup.flush()
    assert mlflow.requests == []
    assert names_at(sink) == ([] if named == "none" else [NAME])
    assert b"hello" not in sink.raw


def test_experiments_may_change_from_trace_to_trace(ask, mlflow):
    with program_of_mlflow(mlflow.uri, "5") as fluent:
        setup = genspan.configure()
        ask()
        with trace.get_tracer("tests").start_as_current_span("root"):
            fluent._active_experiment_id = "6"
            ask()
        ask()
        setup.flush()
    sent = {post.headers["x-mlflow-experiment-id"]: [span.name for span in post.spans] for post in mlflow.posts}
    assert sent == {"5": [NAME, NAME, "root"], "6": [NAME]}


@pytest.mark.parametrize("named", [{"experiment": "mine"}, {}])
def test_an_experiment_that_is_named_otherwise_stays(ask, mlflow, named):
    if not named:
        os.environ["MLFLOW_EXPERIMENT_NAME"] = "mine"
    with program_of_mlflow(mlflow.uri, "5"):
        setup = genspan.configure(**named)
        ask()
        setup.flush()
    assert mlflow.stored_names == [NAME]
    assert mlflow.posts[0].headers["x-mlflow-experiment-id"] == mlflow.experiments["mine"]["experiment_id"]


def test_a_run_is_linked_to_the_traces_that_begin_in_it(ask, mlflow):
    setup = genspan.configure(mlflow=mlflow.uri, experiment="mine")
    with program_of_mlflow(mlflow.uri):
        ask()
    with program_of_mlflow(mlflow.uri, run=("run-1", "5")):
        ask()
        with trace.get_tracer("tests").start_as_current_span("root"):
            ask()
    with program_of_mlflow("http://another-server", run=("run-2", "5")):
        ask()
    setup.flush()
    sent = [(post.headers.get("x-mlflow-run-id"), [span.name for span in post.spans]) for post in mlflow.posts]
    assert sent == [(None, [NAME, NAME]), ("run-1", [NAME, NAME, "root"])]
    assert {post.headers["x-mlflow-experiment-id"] for post in mlflow.posts} == {"1"}


def test_mlflow_that_is_half_imported_or_of_another_version_changes_nothing(ask, mlflow):
    setup = genspan.configure(mlflow=mlflow.uri)
    with patch.dict(
        sys.modules,
        {name: ModuleType(name) for name in ("mlflow.tracking.fluent", "mlflow.tracking._tracking_service.utils")},
    ):
        ask()
        setup.flush()
    assert mlflow.stored_names == [NAME]
