"""Which experiment the spans go to."""

from __future__ import annotations

import pytest
from opentelemetry.sdk.trace.export import SpanExportResult

from genspan.mlflow import MlflowSpanExporter
from tests.support.fake_mlflow import Answer, Request, error
from tests.support.spans import ended_span

STORED, LOST = SpanExportResult.SUCCESS, SpanExportResult.FAILURE


def test_an_experiment_is_looked_up_once(mlflow):
    mlflow.experiments["mine"] = {"experiment_id": "42", "lifecycle_stage": "active"}
    exporter = MlflowSpanExporter(mlflow.uri, experiment_name="mine")
    exporter.export([ended_span()])
    exporter.export([ended_span()])
    assert [request.headers.get("x-mlflow-experiment-id") for request in mlflow.posts] == ["42", "42"]
    assert len(mlflow.requests) == 3


def test_a_missing_experiment_is_created(mlflow, monkeypatch):
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "new & käse")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow.uri)
    assert MlflowSpanExporter().export([ended_span()]) is STORED
    assert "new & käse" in mlflow.experiments
    assert mlflow.posts[0].headers["x-mlflow-experiment-id"] == "1"


def test_an_experiment_created_by_another_process_meanwhile(mlflow):
    def other_is_quicker(request: Request) -> None:
        if request.path.endswith("/create"):
            mlflow.experiments["mine"] = {"experiment_id": "9", "lifecycle_stage": "active"}

    mlflow.on_request = other_is_quicker
    assert MlflowSpanExporter(mlflow.uri, experiment_name="mine").export([ended_span()]) is STORED
    assert mlflow.posts[0].headers["x-mlflow-experiment-id"] == "9"


def test_an_experiment_id(mlflow, monkeypatch):
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", "7")
    assert MlflowSpanExporter(mlflow.uri).export([ended_span()]) is STORED
    assert [request.headers["x-mlflow-experiment-id"] for request in mlflow.posts] == ["7"]


def test_an_argument_replaces_both_variables(mlflow, monkeypatch):
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "other")
    MlflowSpanExporter(mlflow.uri, experiment_id="7").export([ended_span()])
    assert [request.headers["x-mlflow-experiment-id"] for request in mlflow.posts] == ["7"]


def test_name_and_id_of_two_experiments(mlflow, logged):
    exporter = MlflowSpanExporter(mlflow.uri, experiment_name="Default", experiment_id="7")
    assert exporter.export([ended_span()]) is LOST
    assert "set one" in logged()[0]
    assert mlflow.posts == []


def test_a_deleted_experiment_by_name(mlflow, logged):
    mlflow.experiments["gone"] = {"experiment_id": "5", "lifecycle_stage": "deleted"}
    assert MlflowSpanExporter(mlflow.uri, experiment_name="gone").export([ended_span()]) is LOST
    assert mlflow.posts == []
    (message,) = logged()
    assert "'gone' is deleted" in message


def test_an_experiment_name_that_the_server_refuses(mlflow, logged):
    mlflow.on_request = lambda request: (
        error(400, "INVALID_PARAMETER_VALUE", "bad name") if request.path.endswith("create") else None
    )
    exporter = MlflowSpanExporter(mlflow.uri, experiment_name="x")
    assert exporter.export([ended_span(), ended_span()]) is LOST
    assert len(mlflow.requests) == 2
    (message,) = logged()
    assert "bad name" in message


def test_an_experiment_that_disappears_is_looked_up_again(mlflow, logged):
    exporter = MlflowSpanExporter(mlflow.uri, experiment_name="mine")
    exporter.export([ended_span("before")])
    mlflow.on_request = lambda request: error(404, "RESOURCE_DOES_NOT_EXIST") if request in mlflow.posts else None
    assert exporter.export([ended_span("meanwhile")]) is LOST
    mlflow.on_request = lambda _: None
    assert exporter.export([ended_span("after")]) is STORED
    assert mlflow.stored_names == ["before", "after"]
    assert len(logged()) == 1


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(401, "no"), "wants a login"),
        (Answer(404, "<html>", "text/html"), "does not answer as an MLflow server"),
        (Answer(200, "<html>", "text/html"), "does not answer as an MLflow server"),
        (Answer(200, "{}"), "does not answer as an MLflow server"),
        (Answer(200, "[1]"), "does not answer as an MLflow server"),
        (Answer(500, "oops"), "cannot be found or created"),
    ],
)
def test_a_failed_experiment_lookup_is_logged_once(mlflow, logged, answer, words):
    mlflow.on_request = lambda _: answer
    exporter = MlflowSpanExporter(mlflow.uri, experiment_name="x")
    assert [exporter.export([ended_span()]) for _ in range(2)] == [LOST] * 2
    assert mlflow.posts == []
    (message,) = logged()
    assert words in message


@pytest.mark.parametrize("settings", [{"experiment_id": "5"}, {}, {"experiment_name": "gone", "experiment_id": "5"}])
def test_a_deleted_experiment_by_id(mlflow, logged, settings):
    """MLflow would store the spans, and show them nowhere."""
    number = settings.get("experiment_id", "0")
    mlflow.experiments = {"gone": {"experiment_id": number, "lifecycle_stage": "deleted"}}
    exporter = MlflowSpanExporter(mlflow.uri, **settings)
    assert [exporter.export([ended_span()]) for _ in range(2)] == [LOST] * 2
    assert mlflow.posts == []
    (message,) = logged()
    assert "is deleted" in message


def test_a_restored_experiment(mlflow):
    mlflow.experiments["mine"] = {"experiment_id": "5", "lifecycle_stage": "deleted"}
    exporter = MlflowSpanExporter(mlflow.uri, experiment_id="5")
    assert exporter.export([ended_span()]) is LOST
    mlflow.experiments["mine"]["lifecycle_stage"] = "active"
    assert exporter.export([ended_span()]) is STORED


def test_an_id_whose_lookup_fails_is_tried_all_the_same(mlflow):
    """A server may let a user write who may not read."""
    mlflow.on_request = lambda request: Answer(403, "no") if request.path.endswith("/get") else None
    assert MlflowSpanExporter(mlflow.uri, experiment_id="5").export([ended_span()]) is STORED


def test_name_and_id_where_there_is_no_such_name(mlflow, logged):
    exporter = MlflowSpanExporter(mlflow.uri, experiment_name="new", experiment_id="7")
    assert exporter.export([ended_span()]) is LOST
    assert "new" not in mlflow.experiments
    assert "set one" in logged()[0]
