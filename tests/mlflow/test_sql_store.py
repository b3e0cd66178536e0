"""Spans to an SQL store, with a stand-in for the mlflow package. tests/e2e has the real one."""

from __future__ import annotations

import json
import sys
from types import ModuleType, SimpleNamespace

import pytest
from opentelemetry.sdk.trace.export import SpanExportResult

from genspan.mlflow import MlflowSpanExporter
from tests.support.spans import ended_span

STORED, LOST = SpanExportResult.SUCCESS, SpanExportResult.FAILURE
URI = "sqlite:////mlflow.db"


class MlflowError(Exception):
    def __init__(self, error_code: str) -> None:
        super().__init__(error_code)
        self.error_code = error_code


class Store:
    """The parts of mlflow's SqlAlchemyStore that are used."""

    def __init__(self) -> None:
        self.experiments = {"Default": SimpleNamespace(experiment_id=0, lifecycle_stage="active")}
        self.spans: list[tuple[str, list[object]]] = []
        self.disposed: list[dict[str, bool]] = []
        self.engine = SimpleNamespace(dispose=lambda **kwargs: self.disposed.append(kwargs))

    def get_experiment(self, experiment_id: str) -> object:
        for found in self.experiments.values():
            if str(found.experiment_id) == experiment_id:
                return found
        raise MlflowError("RESOURCE_DOES_NOT_EXIST")

    def get_experiment_by_name(self, name: str) -> object:
        return self.experiments.get(name)

    def create_experiment(self, name: str) -> int:
        self.experiments[name] = SimpleNamespace(experiment_id=len(self.experiments), lifecycle_stage="active")
        return len(self.experiments) - 1

    def log_spans(self, experiment: str, spans: list[object]) -> None:
        if "bad" in spans:
            raise ValueError("bad span")
        self.spans.append((experiment, spans))


@pytest.fixture
def store(monkeypatch):
    store = Store()
    span = ModuleType("mlflow.entities.span")
    span.Span = SimpleNamespace(from_otel_proto=lambda proto, resource=None: proto.name)
    utils = ModuleType("mlflow.tracking._tracking_service.utils")
    utils._get_store = lambda uri: store
    for module in (span, utils, ModuleType("mlflow.tracing.otel.translation")):
        name = module.__name__
        while name:
            monkeypatch.setitem(sys.modules, name, module if name == module.__name__ else ModuleType(name))
            name = name.rpartition(".")[0]
    return store


def test_spans_are_stored_in_the_named_experiment(store):
    exporter = MlflowSpanExporter(URI, experiment_name="mine")
    assert [exporter.export([ended_span("a"), ended_span("b")]) for _ in range(2)] == [STORED] * 2
    assert store.spans == [("1", ["a", "b"])] * 2


def test_spans_are_stored_by_an_mlflow_that_takes_no_resource(store):
    """Before MLflow 3.14."""
    sys.modules["mlflow.entities.span"].Span.from_otel_proto = lambda proto, location_id=None: proto.name
    assert MlflowSpanExporter(URI).export([ended_span("a")]) is STORED
    assert store.spans == [("0", ["a"])]


def test_a_second_layer_of_json_is_taken_off(store):
    """Since MLflow 3.18, where the server's endpoint does it in front of the store."""
    entity = SimpleNamespace(_span=SimpleNamespace(_attributes={"a": '"{}"'}))
    sys.modules["mlflow.entities.span"].Span.from_otel_proto = lambda proto, resource=None: entity
    translation = sys.modules["mlflow.tracing.otel.translation"]
    translation.strip_otlp_double_encoding = lambda attributes: {key: json.loads(v) for key, v in attributes.items()}
    assert MlflowSpanExporter(URI).export([ended_span()]) is STORED
    assert entity._span._attributes == {"a": "{}"}


def test_one_bad_span_costs_one_span(store, logged):
    assert MlflowSpanExporter(URI).export([ended_span(name) for name in ("a", "b", "bad", "c")]) is LOST
    assert [name for _, names in store.spans for name in names] == ["a", "b", "c"]
    assert "bad span" in logged()[0]


@pytest.mark.parametrize(
    "settings", [{}, {"experiment_id": "0"}, {"experiment_name": "Default"}], ids=["default", "id", "name"]
)
def test_a_deleted_experiment(store, logged, settings):
    store.experiments["Default"].lifecycle_stage = "deleted"
    assert MlflowSpanExporter(URI, **settings).export([ended_span()]) is LOST
    assert store.spans == []
    assert "is deleted" in logged()[0]


def test_name_and_id_of_two_experiments(store, logged):
    assert MlflowSpanExporter(URI, experiment_name="Default", experiment_id="7").export([ended_span()]) is LOST
    assert "set one" in logged()[0]


def test_an_experiment_created_by_another_process_meanwhile(store):
    def create(name: str) -> int:
        Store.create_experiment(store, name)
        raise MlflowError("RESOURCE_ALREADY_EXISTS")

    store.create_experiment = create
    assert MlflowSpanExporter(URI, experiment_name="mine").export([ended_span("a")]) is STORED
    assert store.spans == [("1", ["a"])]


def test_a_forked_process_opens_connections_of_its_own(store, monkeypatch):
    exporter = MlflowSpanExporter(URI)
    for _ in range(2):
        exporter.export([ended_span()])
    assert store.disposed == []
    monkeypatch.setattr("genspan.mlflow.sql_store.os.getpid", lambda: -1)
    for _ in range(2):
        exporter.export([ended_span()])
    assert store.disposed == [{"close": False}]
