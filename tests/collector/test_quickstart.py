"""quickstart.yaml: what a program sends is in MLflow's request and in the files."""

from __future__ import annotations

import json

from tests.support.collector import Collector, wait_until
from tests.support.otlp_sink import attributes


def lines(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_an_example_arrives_whole(tmp_path, sink, provider, example):
    capture = {
        "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "SPAN_AND_EVENT",
        "GENSPAN_DIALECTS": "genai,mlflow",
    }
    with Collector("quickstart.yaml", tmp_path, MLFLOW_TRACKING_URI=sink.url, MLFLOW_EXPERIMENT_ID="7") as collector:
        example("gemini_functions.py", collector.url, **capture)
        wait_until(lambda: len(sink.spans) >= 4, "all spans at the backend")
    models = [attributes(span) for span in sink.spans if "gen_ai.usage.input_tokens" in attributes(span)]
    bill = provider.ledger.total()
    assert sum(a["gen_ai.usage.input_tokens"] for a in models) == bill.input
    assert sum(a["gen_ai.usage.output_tokens"] for a in models) == bill.output
    assert all("mlflow.spanInputs" in a for a in models)
    assert {request.headers["x-mlflow-experiment-id"] for request in sink.requests} == {"7"}
    assert {request.path for request in sink.requests} == {"/v1/traces"}, "MLflow takes spans only"
    output = tmp_path / "otelcol-output"
    written = lines(output / "traces.jsonl")
    names = [s["name"] for b in written for r in b["resourceSpans"] for g in r["scopeSpans"] for s in g["spans"]]
    assert sorted(names) == sorted(span.name for span in sink.spans)
    metrics = {
        m["name"]
        for b in lines(output / "metrics.jsonl")
        for r in b["resourceMetrics"]
        for g in r["scopeMetrics"]
        for m in g["metrics"]
    }
    assert {"gen_ai.client.operation.duration", "gen_ai.client.token.usage"} <= metrics
    logs = [
        record["eventName"]
        for b in lines(output / "logs.jsonl")
        for r in b["resourceLogs"]
        for g in r["scopeLogs"]
        for record in g["logRecords"]
    ]
    assert "gen_ai.client.inference.operation.details" in logs
