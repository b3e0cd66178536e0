"""Requests that a server refuses for their content: one bad span costs one span."""

from __future__ import annotations

import pytest
from opentelemetry.sdk.trace.export import SpanExportResult

from genspan.mlflow.batch import Places, store_batch
from genspan.mlflow.destination import Destination
from genspan.mlflow.errors import ExportError, FailureLog, ServerResponse, error_of
from tests.support.fake_mlflow import Answer, Request, error
from tests.support.spans import ended_span, span_context

STORED, LOST = SpanExportResult.SUCCESS, SpanExportResult.FAILURE


def poisoned(status: int):
    def answer(request: Request) -> Answer | None:
        bad = request.path == "/v1/traces" and any(span.name == "bad" for span in request.spans)
        return Answer(status, '{"detail":"Failed to log OpenTelemetry spans"}') if bad else None

    return answer


@pytest.mark.parametrize("status", [400, 413, 422, 500])
def test_one_bad_span_costs_one_span(mlflow, exporter, logged, status):
    mlflow.on_request = poisoned(status)
    spans = [ended_span(f"good {index}") for index in range(511)]
    spans.insert(300, ended_span("bad"))
    assert exporter.export(spans) is LOST
    assert mlflow.stored_names == [span.name for span in spans if span.name != "bad"]
    assert len(mlflow.posts) <= 20
    (message,) = logged()
    assert "'bad'" in message
    assert f"{spans[300].context.trace_id:032x}" in message
    assert "Lost: 1 span(s)" in message


def test_several_bad_spans(mlflow, exporter, logged):
    mlflow.on_request = poisoned(422)
    names = ["good"] * 100
    names[3] = names[50] = names[99] = "bad"
    exporter.export([ended_span(name) for name in names])
    assert mlflow.stored_names == ["good"] * 97
    assert len(logged()) == 1


def test_a_server_that_refuses_everything_is_not_flooded(mlflow, exporter, logged):
    mlflow.on_request = lambda _: Answer(500, "broken")
    assert exporter.export([ended_span() for _ in range(512)]) is LOST
    assert len(mlflow.posts) <= 66
    assert len(logged()) == 1


def test_a_server_that_goes_away_ends_the_splitting(mlflow, exporter):
    """A server that goes away while a batch is split ends the splitting."""
    answers = iter([Answer(422, "bad"), Answer(401, "logged out")])
    mlflow.on_request = lambda request: next(answers, None) if request.path == "/v1/traces" else None
    assert exporter.export([ended_span() for _ in range(8)]) is LOST
    assert len(mlflow.posts) == 2


def test_a_trace_of_another_experiment_costs_that_trace_only(mlflow, exporter, logged):
    foreign = span_context()
    trace = f"{foreign.trace_id:032x}"

    def answer(request: Request) -> Answer | None:
        if any(span.trace_id.hex() == trace for span in request.spans):
            text = f"Trace with ID tr-{trace} already exists in another experiment"
            return error(400, "INVALID_PARAMETER_VALUE", text)
        return None

    mlflow.on_request = answer
    spans = [ended_span(f"good {index}") for index in range(50)]
    for at in (5, 40):
        spans.insert(at, ended_span("foreign", parent=foreign))
    assert exporter.export(spans) is LOST
    assert len(mlflow.posts) == 2
    assert mlflow.stored_names == [f"good {index}" for index in range(50)]
    exporter.export([ended_span("foreign", parent=foreign)])
    (message,) = logged()
    assert "already stored in another experiment" in message
    assert "MLFLOW_EXPERIMENT_NAME" in message


def test_requests_are_bounded_in_bytes(mlflow, exporter, monkeypatch):
    monkeypatch.setattr("genspan.mlflow.batch.MAX_REQUEST_BYTES", 8 << 10)
    spans = [ended_span(str(index), {"text": "x" * (3 << 10)}) for index in range(7)]
    spans.insert(3, ended_span("large", {"text": "x" * (20 << 10)}))
    assert exporter.export(spans) is STORED
    assert [len(request.spans) for request in mlflow.posts] == [2, 1, 1, 2, 2]


class RefusingStore:
    """A store that keeps nothing, for one reason."""

    def __init__(self, error: ExportError) -> None:
        self.error = error
        self.requests = 0

    def store(self, spans, place) -> None:
        self.requests += 1
        raise self.error

    def close(self) -> None:
        pass


@pytest.mark.parametrize(
    ("status", "requests"), [(400, 7), (413, 7), (422, 7), (500, 7), (429, 1), (502, 1), (503, 1), (504, 1), (403, 1)]
)
def test_only_a_refusal_of_content_splits_the_batch(status, requests):
    error = error_of(ServerResponse(status, "{}"), Destination("http://host", "http://host"))
    store = RefusingStore(error)
    assert store_batch([ended_span() for _ in range(4)], store, FailureLog(), Places()) is False
    assert store.requests == requests


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_busy_server_is_retryable(status):
    error = error_of(ServerResponse(status), Destination("http://host", "http://host"))
    assert (error.is_retryable, error.blames_spans) == (True, False)
