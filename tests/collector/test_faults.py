"""What is kept, what is lost and what an operator sees: the table of docs/collector.md, row by row."""

from __future__ import annotations

import re
import time

import grpc
import pytest
import yaml
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality

from tests.support.collector import Collector, free_port, get, samples, wait_until
from tests.support.otlp import pairs, request, send, span
from tests.support.otlp_sink import OtlpSink
from tests.support.prometheus import RULES

LOST = {
    400: "InvalidArgument",
    401: "Unauthenticated",
    404: "Unimplemented",
    413: "Unknown",
    422: "Unknown",
    500: "Unknown",
}


def spans(count: int, size: int = 0):
    return [span(attributes={"filler": "x" * size} if size else {}) for _ in range(count)]


def failed(collector: Collector, permanent: str = "true") -> dict[str, float]:
    name = "otelcol_exporter_send_failed_spans{"
    return {
        k: v for k, v in collector.metrics().items() if k.startswith(name) and f'error_permanent="{permanent}"' in k
    }


def watched(metric: str) -> bool:
    """Whether a rule of ours looks at a metric: what is lost must not be lost in silence."""
    groups = yaml.safe_load(RULES.read_text("utf-8"))["groups"]
    text = " ".join(rule["expr"] for group in groups for rule in group["rules"])
    names = re.findall(r'__name__=~"([^"]+)"', text) + re.findall(r"\b[a-z][\w:]+_\w+", text)
    return any(re.fullmatch(name, metric) for name in names)


@pytest.mark.parametrize("status", LOST)
def test_a_refusal_for_good_is_counted_and_logged_once(tmp_path, sink, status):
    sink.status = status
    with Collector("agent.yaml", tmp_path, BACKEND_ENDPOINT=sink.url) as agent:
        assert send(agent.url, request(spans(7))) == 200
        wait_until(lambda: failed(agent), "the count of what was lost")
        ((name, count),) = failed(agent).items()
        assert count == 7
        assert watched(name.partition("{")[0])
        assert f'error_type="{LOST[status]}"' in name
        sink.status = 200
        assert send(agent.url, request(spans(1))) == 200
        wait_until(lambda: len(sink.spans) == 1, "what comes after")
        log = agent.log
    assert log.count("Dropping data") == 1
    assert str(status) in next(line for line in log.splitlines() if "Dropping data" in line)
    assert len(sink.requests) == 2


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_refusal_for_now_loses_nothing(tmp_path, sink, status):
    sink.status = status
    sent = spans(7)
    with Collector("agent.yaml", tmp_path, BACKEND_ENDPOINT=sink.url) as agent:
        assert send(agent.url, request(sent)) == 200
        wait_until(lambda: sink.requests, "a try")
        assert agent.metrics()["otelcol_exporter_queue_size"] > 0
        sink.status = 200
        wait_until(lambda: sink.spans, "a second try")
        assert not failed(agent)
    assert sink.seen == {one.span_id: 1 for one in sent}


def test_retry_after_is_obeyed(tmp_path, sink):
    sink.status, sink.headers = 503, {"retry-after": "4"}
    with Collector("agent.yaml", tmp_path, BACKEND_ENDPOINT=sink.url) as agent:
        assert send(agent.url, request(spans(1))) == 200
        wait_until(lambda: sink.requests, "a try")
        sink.status, first = 200, time.monotonic()
        wait_until(lambda: sink.spans, "a second try")
        assert time.monotonic() - first > 3


def test_nobody_answers_and_the_agent_is_stopped_meanwhile(tmp_path):
    port = free_port()
    sent = spans(7)
    with Collector("agent.yaml", tmp_path, BACKEND_ENDPOINT=f"http://127.0.0.1:{port}") as agent:
        assert send(agent.url, request(sent)) == 200
        wait_until(lambda: "Will retry" in agent.log, "a try")
        agent.stop()  # says "Dropping data ... interrupted due to shutdown"; the queue on disk has it still
        agent.start()
        with OtlpSink(port=port) as sink:
            wait_until(lambda: len(sink.spans) == 7, "all of it")
            assert sink.seen == {one.span_id: 1 for one in sent}


def test_a_slow_backend_gets_everything_once(tmp_path, sink):
    sink.delay = 2
    sent = spans(50)
    with Collector("agent.yaml", tmp_path, BACKEND_ENDPOINT=sink.url) as agent:
        for one in sent:
            assert send(agent.url, request([one])) == 200
        wait_until(lambda: len(sink.seen) == 50, "all of it")
    assert sink.seen == {one.span_id: 1 for one in sent}


def test_a_full_queue_tells_the_sender_to_come_again(tmp_path, sink):
    sink.status = 503
    variables = {"BACKEND_ENDPOINT": sink.url, "QUEUE_BYTES": 1048576}
    with Collector("agent.yaml", tmp_path, **variables) as agent:
        answers = [send(agent.url, request(spans(1, 300_000))) for _ in range(6)]
        accepted = answers.count(200)
        assert answers == [200] * accepted + [503] * (6 - accepted)
        assert 0 < accepted < 6
        seen = agent.metrics()
        assert seen["otelcol_receiver_refused_spans"] == 6 - accepted
        assert seen["otelcol_exporter_enqueue_failed_spans"] == 6 - accepted
        sink.status = 200
        wait_until(lambda: len(sink.spans) == accepted, "what was accepted")
        assert send(agent.url, request(spans(1, 300_000))) == 200


def test_a_body_over_the_limit_is_the_senders_loss(tmp_path, sink):
    with Collector("agent.yaml", tmp_path, BACKEND_ENDPOINT=sink.url) as agent:
        answer = send(agent.url, request(spans(1, 68_000_000)))
        assert answer in (400, 0)  # the answer comes while the body is still being sent; not every client reads it
        options = [("grpc.max_send_message_length", -1)]
        with grpc.insecure_channel(agent.variables["OTLP_GRPC_ENDPOINT"], options) as channel:
            with pytest.raises(grpc.RpcError) as refusal:
                TraceServiceStub(channel).Export(request(spans(1, 68_000_000)), timeout=30)
            assert refusal.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        seen = agent.metrics()
        for name, label in (("http_server_request", '="400"'), ("rpc_server_call", '="RESOURCE_EXHAUSTED"')):
            counts = [v for k, v in seen.items() if k.startswith(f"{name}_duration_count{{") and label in k]
            assert counts == [1]
            assert watched(f"{name}_duration_count")
        assert send(agent.url, request(spans(1, 20_000_000))) == 200
        wait_until(lambda: sink.spans, "a span of 20 MB", 60)


def test_killed_while_it_was_sending_it_sends_again(tmp_path, sink):
    sink.delay = 3
    sent = spans(7)
    with Collector("agent.yaml", tmp_path, BACKEND_ENDPOINT=sink.url) as agent:
        assert send(agent.url, request(sent)) == 200
        wait_until(lambda: sink.arrivals == 1, "a request under way")
        agent.kill()
        sink.delay = 0
        agent.start()
        wait_until(lambda: len(sink.requests) == 2, "both of them")
    assert sink.seen == {one.span_id: 2 for one in sent}


@pytest.mark.parametrize("where", [0, 8192], ids=["its head", "its pages"])
def test_a_damaged_queue_file_is_not_passed_over_in_silence(tmp_path, sink, where):
    agent = Collector("agent.yaml", tmp_path, BACKEND_ENDPOINT=f"http://127.0.0.1:{free_port()}")
    with agent:
        assert send(agent.url, request(spans(7))) == 200
        agent.kill()
    (file,) = [path for path in (tmp_path / "otelcol-agent" / "queue").iterdir() if "traces" in path.name]
    with file.open("r+b") as damaged:
        damaged.seek(where)
        damaged.write(b"\xff" * (file.stat().st_size - where))
    with pytest.raises(pytest.fail.Exception, match="ended by itself"):
        agent.start()
    file.rename(tmp_path / "aside")
    agent.variables["BACKEND_ENDPOINT"] = sink.url
    with agent:
        assert send(agent.url, request(after := spans(1))) == 200
        wait_until(lambda: sink.spans, "what comes after")
    assert sink.seen.keys() == {one.span_id for one in after}


def test_more_undecided_traces_than_a_gateway_may_hold(tmp_path, sink):
    quick = {"DECISION_WAIT": "3s", "DECISION_WAIT_ROOT": "3s", "KEEP_PERCENT": 100, "NUM_TRACES": 10}
    name = "otelcol_processor_tail_sampling_sampling_trace_dropped_too_early"
    with Collector("gateway.yaml", tmp_path, BACKEND_ENDPOINT=sink.url, **quick) as gateway:
        assert send(gateway.url, request(spans(50))) == 200
        wait_until(lambda: gateway.metrics().get(name, 0) + len(sink.spans) == 50, "all accounted for")
        assert gateway.metrics()[name] >= 30
    assert watched(name)


def test_a_gateway_that_is_killed_loses_what_it_has_not_decided_on(tmp_path, sink):
    quick = {"DECISION_WAIT": "2s", "DECISION_WAIT_ROOT": "2s", "KEEP_PERCENT": 100}
    with Collector("gateway.yaml", tmp_path, BACKEND_ENDPOINT=sink.url, **quick) as gateway:
        assert send(gateway.url, request(spans(7))) == 200
        gateway.kill()
        gateway.start()
        assert send(gateway.url, request(after := spans(1))) == 200
        wait_until(lambda: sink.spans, "what comes after")
    assert sink.seen == {after[0].span_id: 1}
    assert watched("otelcol_process_uptime")


def test_the_page_for_prometheus_is_whole_again_after_a_restart(tmp_path):
    def total(value: int) -> ExportMetricsServiceRequest:
        """What an SDK sends again and again: the sum since its start."""
        message = ExportMetricsServiceRequest()
        group = message.resource_metrics.add()
        group.resource.attributes.extend(pairs({"service.name": "app", "service.instance.id": "1"}))
        counter = group.scope_metrics.add().metrics.add(name="calls").sum
        counter.is_monotonic = True
        counter.aggregation_temporality = AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
        counter.data_points.add(as_int=value, time_unix_nano=time.time_ns())
        return message

    with Collector("to-prometheus.yaml", tmp_path) as counts:
        page = f"http://{counts.variables['PROMETHEUS_ENDPOINT']}/metrics"
        assert send(counts.url, total(5), "/v1/metrics") == 200
        wait_until(lambda: samples(get(page)).get("calls_total") == 5, "the sum")
        counts.kill()
        counts.start()
        assert send(counts.url, total(7), "/v1/metrics") == 200
        wait_until(lambda: samples(get(page)).get("calls_total") == 7, "the whole sum")


def test_out_of_memory_tells_the_sender_to_come_again(tmp_path, sink):
    with Collector("agent.yaml", tmp_path, BACKEND_ENDPOINT=sink.url, MEMORY_LIMIT_MIB=129) as agent:
        # Limit less reserve is 1 MiB: over it after the first look.
        wait_until(lambda: send(agent.url, request(spans(1))) == 503, "a refusal")
        assert agent.metrics()["otelcol_receiver_refused_spans"] == 1
    assert watched("otelcol_receiver_refused_spans")


def test_one_backend_of_a_gateway_does_not_hold_up_the_other(tmp_path, sink):
    with OtlpSink(status=503) as second:
        places = {"BACKEND_ENDPOINT": sink.url, "BACKEND2_ENDPOINT": second.url, "DECISION_WAIT": "1s"}
        with Collector("gateway.yaml", tmp_path, **places, DECISION_WAIT_ROOT="500ms", KEEP_PERCENT=100) as gateway:
            sent = spans(20)
            assert send(gateway.url, request(sent)) == 200
            wait_until(lambda: len(sink.seen) == 20, "the first has all")
            second.status = 200
            wait_until(lambda: len(second.seen) == 20, "the second has all")
        assert sink.seen == second.seen == {one.span_id: 1 for one in sent}


def test_a_full_queue_behind_sampling_is_counted(tmp_path, sink):
    sink.status = 503
    quick = {"DECISION_WAIT": "1s", "DECISION_WAIT_ROOT": "500ms", "KEEP_PERCENT": 100, "QUEUE_BYTES": 1048576}
    with OtlpSink() as second:
        places = {"BACKEND_ENDPOINT": sink.url, "BACKEND2_ENDPOINT": second.url}
        with Collector("gateway.yaml", tmp_path, **places, **quick) as gateway:
            for _ in range(20):
                assert send(gateway.url, request(spans(1, 100_000))) == 200
                time.sleep(0.3)
            wait_until(lambda: lost(gateway, "backend") > 0, "the count of what was lost")
            assert watched("otelcol_exporter_enqueue_failed_spans")
            sink.status = 200
            for name, backend in (("backend", sink), ("backend2", second)):
                wait_until(
                    lambda n=name, b=backend: len(b.spans) + lost(gateway, n) == 20, f"all accounted for: {name}"
                )


def lost(gateway: Collector, name: str) -> float:
    label = f'otelcol_exporter_enqueue_failed_spans{{exporter="otlp_http/{name}"}}'
    return gateway.metrics().get(label, 0)
