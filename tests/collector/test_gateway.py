"""gateway.yaml: whole traces kept or dropped, tokens and durations counted before that."""

from __future__ import annotations

import os
import re
import threading
import time
from collections import Counter

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from tests.support.collector import Collector, free_port, get, samples, wait_until
from tests.support.otlp import model_call, request, send, span, value
from tests.support.otlp_sink import OtlpSink

QUICK = {
    "DECISION_WAIT": "8s",
    "DECISION_WAIT_ROOT": "1s",
}  # what counts is the root: the other is time for a busy machine


def trace(**leaf):
    """A trace of two spans; what is special is on the leaf."""
    attributes = leaf.pop("attributes", {})
    root = span("invoke_agent", {"gen_ai.operation.name": "invoke_agent", "gen_ai.provider.name": "gcp.gemini"})
    call = span(attributes=model_call(100, 50, **attributes), trace=root.trace_id, parent=root.span_id, **leaf)
    return [root, call]


def backends(first, second):
    return {"BACKEND_ENDPOINT": first.url, "BACKEND2_ENDPOINT": second.url}


@pytest.fixture
def counts(tmp_path):
    """to-prometheus.yaml, which gateways send their metrics to."""
    with Collector("to-prometheus.yaml", tmp_path / "counts") as running:
        yield running


def page(counts):
    """What a Prometheus would scrape: each sample, and for each name the sum over its series."""
    return samples(get(f"http://{counts.variables['PROMETHEUS_ENDPOINT']}/metrics"))


def test_errors_slow_heavy_and_partial_traces_are_kept_whole(tmp_path, sink, counts):
    kept = {
        "error": [trace(error=True) for _ in range(5)],
        "slow": [trace(seconds=11) for _ in range(5)],
        "heavy output": [trace(attributes={"gen_ai.usage.output_tokens": 5000}) for _ in range(5)],
        "heavy input": [trace(attributes={"gen_ai.usage.input_tokens": 40000}) for _ in range(5)],
        "partial": [trace(attributes={"genspan.response.partial": True}) for _ in range(5)],
    }
    dropped = [trace() for _ in range(30)]
    with (
        OtlpSink() as second,
        Collector(
            "gateway.yaml", tmp_path, **backends(sink, second), METRICS_ENDPOINT=counts.url, KEEP_PERCENT=0, **QUICK
        ) as gateway,
    ):
        for one in [*dropped, *(one for group in kept.values() for one in group)]:
            for half in reversed(one):  # in two requests, as from two processes; the root last
                assert send(gateway.url, request([half])) == 200
        wait_until(lambda: len(sink.spans) >= 50 and len(second.spans) >= 50, "25 whole traces at both backends")
        wait_until(lambda: page(counts).get("genai_span_duration_seconds_count") == 110, "every span counted")
        seen = page(counts)
    expected = Counter(one.span_id for group in kept.values() for spans in group for one in spans)
    assert sink.seen == expected
    assert second.seen == expected
    assert seen["genai_span_input_tokens_total"] == 50 * 100 + 5 * 40000
    assert seen["genai_span_output_tokens_total"] == 50 * 50 + 5 * 5000


def test_keep_percent_keeps_the_rest(tmp_path, sink):
    with Collector("gateway.yaml", tmp_path, BACKEND_ENDPOINT=sink.url, KEEP_PERCENT=100, **QUICK) as gateway:
        assert send(gateway.url, request([one for _ in range(20) for one in trace()])) == 200
        wait_until(lambda: len(sink.spans) == 40, "all of them")


def test_undecided_traces_are_handed_on_when_it_is_stopped(tmp_path, sink):
    with Collector("gateway.yaml", tmp_path, BACKEND_ENDPOINT=sink.url, KEEP_PERCENT=100) as gateway:
        assert send(gateway.url, request([one for _ in range(20) for one in trace()])) == 200
        gateway.stop()
        gateway.start()
        wait_until(lambda: len(sink.spans) == 40, "all of them")


def test_token_sums_are_exact_under_concurrent_requests(tmp_path, sink, counts):
    calls, senders = 50, 8

    def sender(url):
        for _ in range(calls):
            assert send(url, request([span(attributes=model_call(7, 3))])) == 200

    where = {"BACKEND_ENDPOINT": sink.url, "METRICS_ENDPOINT": counts.url}
    with Collector("gateway.yaml", tmp_path, **where, **QUICK) as gateway:
        for _ in range(2):  # the second adds to sums that have been counted
            threads = [threading.Thread(target=sender, args=(gateway.url,)) for _ in range(senders)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            wait_until(lambda: page(counts).get("genai_span_duration_seconds_count", 0) > 0, "a first count")
        total = 2 * calls * senders
        wait_until(lambda: page(counts).get("genai_span_duration_seconds_count") == total, "every call counted")
        seen = page(counts)
    assert seen["genai_span_input_tokens_total"] == 7 * total
    assert seen["genai_span_output_tokens_total"] == 3 * total


def test_no_count_is_lost_when_a_gateway_is_stopped(tmp_path, sink, counts):
    """Nobody has scraped what it counted last, and nobody was there to take it."""
    down = f"http://127.0.0.1:{free_port()}"
    total = 0
    gateway = Collector("gateway.yaml", tmp_path / "g", BACKEND_ENDPOINT=sink.url, METRICS_ENDPOINT=down, **QUICK)
    with gateway:
        for _ in range(3):
            for tokens in range(1, 51):
                assert send(gateway.url, request([span(attributes=model_call(tokens, 3))])) == 200
                total += tokens
            gateway.stop()
            gateway.start()
        gateway.stop()
        gateway.variables["METRICS_ENDPOINT"] = counts.url
        gateway.start()
        name = "genai_span_input_tokens_total"
        wait_until(lambda: page(counts).get(name) == total, "every count of every start", 40)
        seen = page(counts)
    assert seen["genai_span_output_tokens_total"] == 3 * 150
    assert seen["genai_span_duration_seconds_count"] == 150
    instances = [re.search(r'instance="([^"]*)"', one)[1] for one in seen if one.startswith(name + "{")]
    assert len(set(instances)) == 3, "one series for each start"
    assert all(re.fullmatch("[0-9a-f-]{36}", one) for one in instances), instances


def test_labels_are_few(tmp_path, sink, counts):
    where = {"BACKEND_ENDPOINT": sink.url, "METRICS_ENDPOINT": counts.url}
    with Collector("gateway.yaml", tmp_path, **where, **QUICK) as gateway:
        for number in range(50):
            call = model_call(1, 1, **{"user.id": f"u{number}", "gen_ai.response.id": os.urandom(8).hex()})
            resource = {"service.instance.id": str(number), "host.name": f"h{number}"}
            assert send(gateway.url, request([span(f"name {number}", call)], **resource)) == 200
        wait_until(lambda: page(counts).get("genai_span_duration_seconds_count") == 50, "every call counted")
        series = [name for name in page(counts) if name.startswith("genai_span_input_tokens_total{")]
    assert len(series) == 1, series
    for label in ("gen_ai_request_model", "gen_ai_provider_name", "gen_ai_operation_name", "job"):
        assert f'{label}="' in series[0]


def test_an_applications_metrics_and_logs(tmp_path, sink, counts, provider, example):
    with (
        OtlpSink() as second,
        Collector(
            "gateway.yaml", tmp_path, **backends(sink, second), METRICS_ENDPOINT=counts.url, KEEP_PERCENT=100, **QUICK
        ) as gateway,
    ):
        example("gemini_functions.py", gateway.url)
        example("gemini_stream.py", gateway.url)
        logs = ExportLogsServiceRequest()
        logs.resource_logs.add().scope_logs.add().log_records.add(body=value("a line"))
        assert send(gateway.url, logs, "/v1/logs") == 200
        wait_until(lambda: second.accepted("/v1/logs"), "the log")
        wait_until(lambda: len(sink.spans) >= 5, "the spans")
        wait_until(lambda: "genai_span_input_tokens_total" in page(counts), "token sums")
        seen = page(counts)
    bill = provider.ledger.total()
    assert seen["gen_ai_client_token_usage_sum"] == bill.total
    assert seen["genai_span_input_tokens_total"] == bill.input
    assert seen["genai_span_output_tokens_total"] == bill.output
    assert "gen_ai_client_operation_time_to_first_chunk_seconds_count" in seen


def test_spans_that_come_late_follow_their_traces_decision(tmp_path, sink):
    kept, dropped = trace(error=True), trace()
    late = [span("late", trace=one[0].trace_id, parent=one[0].span_id, error=True) for one in (kept, dropped)]
    with Collector("gateway.yaml", tmp_path, BACKEND_ENDPOINT=sink.url, KEEP_PERCENT=0, **QUICK) as gateway:
        assert send(gateway.url, request([*kept, *dropped])) == 200
        wait_until(lambda: len(sink.spans) == 2, "the kept trace")
        assert send(gateway.url, request(late)) == 200
        wait_until(lambda: len(sink.spans) == 3, "its late span")
        time.sleep(2.5)
    assert sink.seen.keys() == {one.span_id for one in (*kept, late[0])}
