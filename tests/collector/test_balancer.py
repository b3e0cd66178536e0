"""balancer.yaml: no trace is split, one gateway's outage is its own, nothing arrives twice."""

from __future__ import annotations

import contextlib

import pytest

from tests.support.collector import Collector, wait_until
from tests.support.otlp import pairs, request, send, span
from tests.support.otlp_sink import OtlpSink, attributes


def traces(count):
    """Two requests: the halves of the same traces, as from two processes."""
    roots = [span("root") for _ in range(count)]
    children = [span("child", trace=root.trace_id, parent=root.span_id) for root in roots]
    return request(roots), request(children)


def trace_ids(sink):
    return {one.trace_id for one in sink.spans}


def test_no_trace_is_split(tmp_path, sink):
    with (
        OtlpSink() as other,
        Collector("balancer.yaml", tmp_path, GATEWAY_1=sink.url, GATEWAY_2=other.url) as balancer,
    ):
        for half in traces(100):
            assert send(balancer.url, half) == 200
        wait_until(lambda: len(sink.spans) + len(other.spans) == 200, "all spans")
    assert not trace_ids(sink) & trace_ids(other)
    assert len(sink.spans) > 50
    assert len(other.spans) > 50


def test_an_example_arrives_whole(tmp_path, sink, provider, example):
    with (
        OtlpSink() as other,
        Collector("balancer.yaml", tmp_path, GATEWAY_1=sink.url, GATEWAY_2=other.url) as balancer,
    ):
        example(
            "gemini_functions.py", balancer.url, OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT="SPAN_AND_EVENT"
        )
        both = (sink, other)
        wait_until(lambda: sum(len(one.spans) for one in both) >= 4, "the spans")
        for path in ("/v1/metrics", "/v1/logs"):
            wait_until(lambda path=path: any(one.accepted(path) for one in both), path)
    assert not (sink.spans and other.spans), "one trace, one gateway"
    used = [attributes(one).get("gen_ai.usage.input_tokens", 0) for one in sink.spans + other.spans]
    assert sum(used) == provider.ledger.total().input


@pytest.mark.parametrize("count", [1, 3, 8])
def test_as_many_gateways_as_there_are(tmp_path, count):
    with contextlib.ExitStack() as stack:
        sinks = [stack.enter_context(OtlpSink()) for _ in range(count)]
        names = {f"GATEWAY_{number}": one.url for number, one in enumerate(sinks, 1)}
        balancer = stack.enter_context(Collector("balancer.yaml", tmp_path, GATEWAYS=count, **names))
        for half in traces(100 * count):
            assert send(balancer.url, half) == 200
        wait_until(lambda: sum(len(one.spans) for one in sinks) == 200 * count, "all spans")
    shares = [trace_ids(one) for one in sinks]
    assert sum(map(len, shares)) == len(set().union(*shares)) == 100 * count
    assert min(map(len, shares)) > 50


def test_more_gateways_said_than_there_can_be_lose_nothing(tmp_path, sink):
    names = {f"GATEWAY_{number}": sink.url for number in range(1, 9)}
    with Collector("balancer.yaml", tmp_path, GATEWAYS=11, **names) as balancer:
        for half in traces(100):
            assert send(balancer.url, half) == 200
        wait_until(lambda: len(sink.spans) == 200, "all spans")


def test_a_gateway_that_is_down_gets_its_share_once_later_and_the_other_goes_on(tmp_path, sink):
    with (
        OtlpSink() as other,
        Collector("balancer.yaml", tmp_path, GATEWAY_1=sink.url, GATEWAY_2=other.url) as balancer,
    ):
        other.status = 503
        for _ in range(10):
            for half in traces(10):
                assert send(balancer.url, half) == 200
        queue = 'otelcol_exporter_queue_size{data_type="traces",exporter="otlp_http/1"}'
        wait_until(lambda: sink.spans and balancer.metrics()[queue] == 0, "the healthy gateway has its share")
        wait_until(lambda: other.requests, "the other is tried")
        balancer.kill()
        balancer.start()
        other.status = 200
        wait_until(lambda: len(sink.seen) + len(other.seen) == 200, "all spans", 40)
    assert max((sink.seen + other.seen).values()) == 1
    assert not trace_ids(sink) & trace_ids(other)


def test_metrics_of_a_process_go_one_way_and_logs_are_not_doubled(tmp_path, sink):
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

    with (
        OtlpSink() as other,
        Collector("balancer.yaml", tmp_path, GATEWAY_1=sink.url, GATEWAY_2=other.url) as balancer,
    ):
        for process in ["", *map(str, range(20))] * 3:
            metrics = ExportMetricsServiceRequest()
            group = metrics.resource_metrics.add()
            identity = {"service.name": "s", "service.instance.id": process} if process else {}
            group.resource.attributes.extend(pairs(identity))
            group.scope_metrics.add().metrics.add(name="m").gauge.data_points.add(as_int=1)
            assert send(balancer.url, metrics, "/v1/metrics") == 200
        logs = ExportLogsServiceRequest()
        records = logs.resource_logs.add().scope_logs.add().log_records
        for _ in range(50):
            records.add(trace_id=span().trace_id)
        records.add()
        assert send(balancer.url, logs, "/v1/logs") == 200
        wait_until(lambda: sum(map(len, map(processes, (sink, other)))) >= 63, "all metrics")
        wait_until(lambda: log_count(sink) + log_count(other) >= 51, "all logs")
    assert not set(processes(sink)) & set(processes(other))
    assert len(processes(sink)) + len(processes(other)) == 63
    assert log_count(sink) + log_count(other) == 51
    assert b"balancer.share" not in sink.raw + other.raw


def processes(sink):
    groups = [group for one in sink.accepted("/v1/metrics") for group in one.message.resource_metrics]
    return [group.resource.SerializeToString() for group in groups]


def log_count(sink):
    groups = [group for one in sink.accepted("/v1/logs") for group in one.message.resource_logs]
    return sum(len(scope.log_records) for group in groups for scope in group.scope_logs)
