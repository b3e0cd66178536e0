"""Which experiment and run each trace goes to, and the prompts that it is linked to."""

from __future__ import annotations

import json

import pytest
from opentelemetry import context as otel
from opentelemetry.context import Context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.trace import SpanKind

import genspan
from genspan._core.config import read_settings
from genspan._core.emit.telemetry import Telemetry
from genspan.mlflow import MlflowSpanExporter
from genspan.mlflow.processor import MlflowSpanProcessor
from genspan_semconv.model import Key
from tests.support.fake_mlflow import Answer
from tests.support.spans import ended_span, span_context

STORED, LOST = SpanExportResult.SUCCESS, SpanExportResult.FAILURE
CALL = Key("chat", "openai", "gpt", None, None, False)


@pytest.fixture(autouse=True)
def clean_context():
    token = otel.attach(Context())
    yield
    otel.detach(token)


@pytest.fixture
def traced(mlflow):
    """A program's tracer, calls of ours, and ``flush``."""
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(MlflowSpanProcessor(MlflowSpanExporter(mlflow.uri, experiment_name="default")))
    telemetry = Telemetry("genspan.tests", read_settings(), provider)
    assert telemetry.tracing()

    class Program:
        tracer = provider.get_tracer("program")
        flush = provider.force_flush

        def call(self):
            telemetry.start_call(CALL, otel.get_current(), SpanKind.CLIENT).end()

    yield Program()
    provider.shutdown()


def places(mlflow):
    """Names of spans, sorted, by experiment's name and run."""
    numbers = {found["experiment_id"]: name for name, found in mlflow.experiments.items()}
    found: dict[tuple[str, str | None], list[str]] = {}
    for request in mlflow.posts:
        where = numbers[request.headers["x-mlflow-experiment-id"]], request.headers.get("x-mlflow-run-id")
        found.setdefault(where, []).extend(span.name for span in request.spans)
    return {where: sorted(names) for where, names in found.items()}


def test_each_request_of_a_service_goes_to_its_own_experiment(mlflow, traced):
    for tenant in ("one", "two", "one"):
        with traced.tracer.start_as_current_span("GET /"), genspan.context(experiment=tenant, run_id=f"run-{tenant}"):
            traced.call()
            with traced.tracer.start_as_current_span("query"):
                pass
    traced.call()
    traced.flush()
    assert places(mlflow) == {
        ("one", "run-one"): ["GET /", "GET /", "chat gpt", "chat gpt", "query", "query"],
        ("two", "run-two"): ["GET /", "chat gpt", "query"],
        ("default", None): ["chat gpt"],
    }


def test_spans_of_others_are_routed_from_the_start(mlflow, traced):
    whole, request = genspan.context(experiment="one", session_id="s", tags={"a": "b"}), "GET /"
    with whole, traced.tracer.start_as_current_span(request), genspan.context(experiment="two"):
        traced.call()
    traced.flush()
    assert places(mlflow) == {("one", None): ["GET /", "chat gpt"]}
    attributes = {value.key: value.value.string_value for value in mlflow.stored[-1].attributes}
    assert attributes["session.id"] == "s"
    assert attributes["mlflow.traceTag.a"] == "b"


def test_a_trace_that_was_sent_in_part_stays_where_it_is(mlflow, traced):
    with traced.tracer.start_as_current_span("GET /"):
        with traced.tracer.start_as_current_span("query"):
            pass
        traced.flush()
        with genspan.context(experiment="two"):
            traced.call()
    traced.flush()
    assert places(mlflow) == {("default", None): ["GET /", "chat gpt", "query"]}


def test_spans_that_come_after_their_trace_was_routed(mlflow, exporter):
    trace = span_context()
    exporter.export([ended_span("call", {"mlflow.experimentName": "one"}, parent=trace)])
    exporter.export([ended_span("GET /", parent=trace)])
    assert places(mlflow) == {("one", None): ["GET /", "call"]}


def test_the_first_span_of_a_trace_decides(mlflow, exporter):
    top = ended_span("top", {"mlflow.experimentName": "one"})
    below = ended_span("below", {"mlflow.experimentName": "two"}, parent=top.context)
    exporter.export([below, top])
    assert places(mlflow) == {("one", None): ["below", "top"]}


def test_an_experiment_that_cannot_be_used_costs_its_own_spans_only(mlflow, exporter, logged):
    mlflow.experiments["gone"] = {"experiment_id": "7", "lifecycle_stage": "deleted"}
    names = ["one", "gone", "two"] * 2
    for _ in range(2):
        spans = [ended_span(name, {"mlflow.experimentName": name}) for name in names]
        assert exporter.export(spans) is LOST
    assert sorted(mlflow.stored_names) == ["one"] * 4 + ["two"] * 4
    (message,) = logged()
    assert "'gone'" in message
    assert "deleted" in message
    assert "Lost: 2 span(s)" in message


def test_a_user_who_may_not_write_to_one_experiment(mlflow, exporter):
    mlflow.experiments["closed"] = {"experiment_id": "7", "lifecycle_stage": "active"}
    mlflow.on_request = lambda request: (
        Answer(403, "no") if request.headers.get("x-mlflow-experiment-id") == "7" else None
    )
    spans = [ended_span(name, {"mlflow.experimentName": name}) for name in ("closed", "one")]
    assert exporter.export(spans) is LOST
    assert mlflow.stored_names == ["one"]


def test_a_server_that_is_away_loses_everything_once(mlflow, exporter, logged):
    mlflow.on_request = lambda _: Answer(401, "no")
    spans = [ended_span(name, {"mlflow.experimentName": name}) for name in ("one", "two")]
    assert exporter.export(spans) is LOST
    (message,) = logged()
    assert "Lost: 2 span(s)" in message


def links(mlflow):
    return [
        (request.method, request.path, json.loads(request.body))
        for request in mlflow.requests
        if request.path.endswith(("/tags", "/link-prompts"))
    ]


def test_traces_are_linked_to_the_prompts_of_their_calls(mlflow, traced):
    mlflow.on_request = lambda request: Answer(200, "{}") if request.path.endswith(("/tags", "/link-prompts")) else None
    with traced.tracer.start_as_current_span("GET /") as top:
        for version in (1, 1, 2):
            with genspan.context(prompt=("greeting", version)):
                traced.call()
    traced.flush()
    trace_id = f"tr-{top.get_span_context().trace_id:032x}"
    prompts = [{"name": "greeting", "version": "1"}, {"name": "greeting", "version": "2"}]
    linked, tagged = links(mlflow)
    assert linked == (
        *("POST", "/api/2.0/mlflow/traces/link-prompts"),
        {"trace_id": trace_id, "prompt_versions": prompts},
    )
    assert tagged[:2] == ("PATCH", f"/api/3.0/mlflow/traces/{trace_id}/tags")
    assert tagged[2]["key"] == "mlflow.linkedPrompts"
    assert json.loads(tagged[2]["value"]) == prompts


def test_a_server_that_links_no_prompts_stores_the_spans(mlflow, traced, logged):
    mlflow.on_request = lambda request: Answer(404, "no") if request.path.endswith(("/tags", "/link-prompts")) else None
    with genspan.context(prompt=("greeting", 1)):
        traced.call()
    traced.flush()
    assert mlflow.stored_names == ["chat gpt"]
    assert logged() == []
