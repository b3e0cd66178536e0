"""What arrives at the server, and what an exporter may not do to its program."""

from __future__ import annotations

import pytest
from opentelemetry import context as otel_context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.utils import is_instrumentation_enabled
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult
from requests.adapters import HTTPAdapter

from genspan.mlflow import MlflowSpanExporter
from tests.support.fake_mlflow import Answer, Request
from tests.support.spans import ended_span

STORED, LOST = SpanExportResult.SUCCESS, SpanExportResult.FAILURE


def test_spans_arrive_compressed_in_the_default_experiment(mlflow, exporter):
    assert exporter.export([ended_span("one"), ended_span("two")]) is STORED
    (request,) = mlflow.posts
    assert mlflow.stored_names == ["one", "two"]
    assert request.path == "/v1/traces"
    assert request.headers["x-mlflow-experiment-id"] == "0"
    assert request.headers["content-encoding"] == "gzip"
    assert request.headers["content-type"] == "application/x-protobuf"
    assert "authorization" not in request.headers


def test_a_request_names_the_experiment_and_the_run_that_its_traces_have(mlflow, exporter):
    spans = [
        ended_span("one", {"mlflow.experimentId": "7", "mlflow.sourceRun": "run-1"}),
        ended_span("two"),
        ended_span("three", {"mlflow.experimentId": "7", "mlflow.sourceRun": "run-1"}),
        ended_span("four", {"mlflow.sourceRun": "run-2"}),
    ]
    exporter.export(spans)
    headers = ("x-mlflow-experiment-id", "x-mlflow-run-id")
    assert [
        (*(request.headers.get(name) for name in headers), [span.name for span in request.spans])
        for request in mlflow.posts
    ] == [("7", "run-1", ["one", "three"]), ("0", None, ["two"]), ("0", "run-2", ["four"])]


def test_a_path_prefix_is_kept(mlflow):
    exporter = MlflowSpanExporter(mlflow.uri + "/team/mlflow/", experiment_name="x")
    assert exporter.export([ended_span()]) is STORED
    assert [request.path for request in mlflow.requests] == [
        "/team/mlflow/api/2.0/mlflow/experiments/get-by-name",
        "/team/mlflow/api/2.0/mlflow/experiments/create",
        "/team/mlflow/v1/traces",
    ]


def test_a_span_without_identity_is_left_out(mlflow, exporter):
    from opentelemetry.sdk.trace import ReadableSpan

    assert exporter.export([ReadableSpan("nobody"), ended_span("somebody")]) is STORED
    assert mlflow.stored_names == ["somebody"]


def test_our_own_requests_are_not_instrumented(mlflow, exporter, monkeypatch):
    seen = []
    send = HTTPAdapter.send

    def spy(*args, **kwargs):
        seen.append(is_instrumentation_enabled())
        return send(*args, **kwargs)

    monkeypatch.setattr(HTTPAdapter, "send", spy)
    MlflowSpanExporter(mlflow.uri, experiment_name="x").export([ended_span()])
    assert seen == [False] * 3
    assert otel_context.get_current() == {}


def test_another_otlp_exporter_still_logs(mlflow, exporter, logged):
    mlflow.on_request = lambda _: Answer(401)
    exporter.export([ended_span()])
    OTLPSpanExporter(endpoint=f"{mlflow.uri}/v1/traces", timeout=1).export([ended_span()])
    assert len(logged()) == 2
    assert "401" in logged()[1]


def test_internal_errors_do_not_reach_the_caller(mlflow, exporter, logged, monkeypatch):
    monkeypatch.setattr("genspan.mlflow.exporter.store_batch", lambda *_: 1 / 0)
    assert exporter.export([ended_span()]) is LOST
    assert "could not be sent to MLflow" in logged()[0]


def test_through_a_batch_processor(mlflow):
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(MlflowSpanExporter(mlflow.uri)))
    tracer = provider.get_tracer("tests")
    with tracer.start_as_current_span("root"), tracer.start_as_current_span("child"):
        pass
    assert provider.force_flush()
    assert sorted(mlflow.stored_names) == ["child", "root"]
    provider.shutdown()
    provider.shutdown()


def test_an_mlflow_that_takes_no_compressed_requests(mlflow, exporter, logged):
    """MLflow 3.6."""

    def refuse_compressed(request: Request) -> Answer | None:
        if request.headers.get("content-encoding") == "gzip":
            return Answer(400, '{"detail":"Invalid OpenTelemetry protobuf format"}')
        return None

    mlflow.on_request = refuse_compressed
    assert [exporter.export([ended_span("one"), ended_span("two")]) for _ in range(2)] == [STORED] * 2
    assert [request.headers.get("content-encoding") for request in mlflow.posts] == ["gzip", None, None]
    assert mlflow.stored_names == ["one", "two"] * 2
    assert logged() == []


def test_an_unknown_argument(mlflow):
    with pytest.raises(TypeError, match="experiment"):
        MlflowSpanExporter(mlflow.uri, experiment="mine")
