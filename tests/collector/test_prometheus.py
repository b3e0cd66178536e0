"""Rules and dashboard, evaluated by a real Prometheus that scraped the real gateway."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.support.collector import CONFIGS, Collector, wait_until
from tests.support.otlp import pairs, request, send, span
from tests.support.prometheus import RULES, Prometheus, program

DASHBOARD = json.loads((CONFIGS / "grafana-dashboard.json").read_text("utf-8"))
HERE = Path(__file__).parent
VARIABLES = {"$__rate_interval": "1m", "$__range": "5m", "$job": ".*", "$model": ".*"}


def expressions() -> list[tuple[str, str]]:
    found = []
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", []):
            text = target["expr"]
            for name, value in VARIABLES.items():
                text = text.replace(name, value)
            assert "$" not in text, f"a variable that the test does not know: {text}"
            found.append((panel["title"], text))
    return found


def test_rules_are_valid_and_fire_as_they_should():
    promtool = program("promtool")
    for command in (["check", "rules", RULES], ["test", "rules", HERE / "prometheus-rules-test.yaml"]):
        ran = subprocess.run([promtool, *command], capture_output=True, text=True, timeout=60, check=False)
        assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_dashboard_has_what_it_should_show():
    text = json.dumps(DASHBOARD["panels"])
    for metric in ("operation_duration", "time_to_first_chunk", "token_usage", "error_type", "gen_ai_token_type"):
        assert metric in text
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


def large(signal: str):
    """A request with one attribute that the queue of the test has no room for."""
    attributes = pairs({"filler": "x" * 1_100_000})
    match signal:
        case "traces":
            return request([span(attributes={"filler": "x" * 1_100_000})])
        case "metrics":
            message = ExportMetricsServiceRequest()
            metric = message.resource_metrics.add().scope_metrics.add().metrics.add(name="m")
            metric.gauge.data_points.add(as_int=1, attributes=attributes)
        case _:
            message = ExportLogsServiceRequest()
            message.resource_logs.add().scope_logs.add().log_records.add(attributes=attributes)
    return message


@pytest.mark.heavy
def test_every_expression_of_the_dashboard_finds_something(tmp_path, sink, provider, example):
    quick = {"DECISION_WAIT": "2s", "DECISION_WAIT_ROOT": "1s", "BACKEND_ENDPOINT": sink.url}
    with (
        Collector("to-prometheus.yaml", tmp_path / "counts") as counts,
        Collector("gateway.yaml", tmp_path / "gateway", **quick, METRICS_ENDPOINT=counts.url) as gateway,
        Collector("agent.yaml", tmp_path / "a", BACKEND_ENDPOINT=gateway.url, QUEUE_BYTES=1048576) as full,
        Prometheus(tmp_path / "p", gateway, counts, full) as prometheus,
    ):
        for name in ("gemini_functions.py", "gemini_stream.py", "gemini_error.py"):
            example(name, gateway.url)
        bill = provider.ledger.total()
        wait_until(lambda: prometheus.value("genai_span_input_tokens_total") == bill.input, "token sums from spans")
        wait_until(lambda: prometheus.value("gen_ai_client_token_usage_sum") == bill.total, "the applications' sums")
        assert prometheus.value('gen_ai_client_token_usage_sum{gen_ai_token_type="output"}') == bill.output
        assert prometheus.value("genai_span_output_tokens_total") == bill.output
        sink.status = 400  # so that something is lost
        assert send(gateway.url, request([span(error=True)])) == 200
        assert send(gateway.url, ExportTraceServiceRequest(), "/v1/traces/typo") == 404  # so that something is rejected
        for signal in ("traces", "metrics", "logs"):
            send(full.url, large(signal), f"/v1/{signal}")  # so that something does not fit
        for title, text in expressions():
            wait_until(lambda text=text: prometheus.query(text), f"{title}: {text}", 20)
        for record in re.findall(r"record: (\S+)", RULES.read_text("utf-8")):
            wait_until(lambda record=record: prometheus.query(record), record, 20)
        assert not prometheus.broken(), "rules that cannot be evaluated"
        for alert in ("CollectorDataRefused", "CollectorRejectsRequests", "CollectorQueueOverflow"):
            firing = f'ALERTS{{alertname="{alert}", alertstate="firing"}}'
            wait_until(lambda firing=firing: prometheus.query(firing), f"{alert} fires", 20)
