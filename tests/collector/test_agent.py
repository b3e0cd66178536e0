"""agent.yaml: secrets masked wherever they sit, content dropped on demand, resource attributes, the queue on disk."""

from __future__ import annotations

import os

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from tests.support.collector import Collector, wait_until
from tests.support.otlp import model_call, pairs, request, send, span, value
from tests.support.otlp_sink import attributes

SECRETS = {
    "openai": "sk-proj-CANARY0123456789abcdefCANARY",
    "anthropic": "sk-ant-api03-CANARY0123456789abcdef-CANARY_x",
    "google": "AIzaCANARY0123456789abcdefghijklmnopqrs",
    "studio": "AQ.CANARY0123456789abcdefghijklmnopqrs",
    "oauth": "ya29.CANARY0123456789abcdefghij",
    "aws": "AKIACANARY0123456789",
    "github": "ghp_CANARY0123456789abcdefghij0123",
    "jwt": "eyJCANARY0123456.eyJCANARY0123456.CANARY01234",
    "header": "Bearer CANARY0123456789.abcdef",
    "groq": "gsk_CANARY0123456789abcdefghij",
    "query": "https://h.example/v1/models?key=CANARY0123456789",
    "url": "https://user:CANARYpass@db.example/x",
    "own": "EMPLOYEE-CANARY-4711",
}
CONTENT = "WORDS-OF-A-USER"
CONTENT_NAMES = (
    "gen_ai.input.messages",
    "gen_ai.output.messages",
    "gen_ai.system_instructions",
    "gen_ai.tool.definitions",
    "gen_ai.tool.call.arguments",
    "gen_ai.tool.call.result",
    "gen_ai.retrieval.documents",
    "gen_ai.retrieval.query.text",
    "gen_ai.prompt",
    "gen_ai.prompt.0.content",
    "gen_ai.completion.0.content",
    "mlflow.spanInputs",
    "mlflow.spanOutputs",
    "input.value",
    "output.value",
    "llm.input_messages.0.message.content",
    "traceloop.entity.input",
    "mlflow.chat.messages",
    "retrieval.documents.0.document.content",
    "llm.tools.0.tool.json_schema",
    "llm.prompt_template.variables",
    "exception.message",
)


def dirty_traces():
    """Every secret in every place of a span."""
    every = " ".join(SECRETS.values())
    spans = []
    for secret in (*SECRETS.values(), every):
        one = span(f"GET {secret}", model_call(12, 34))
        one.status.message = f"refused: {secret}"
        one.trace_state = f"vendor={secret}"
        one.attributes.extend(
            pairs(
                {
                    "text": f"key {secret} given",
                    "gen_ai.input.messages": f'[{{"parts":[{{"type":"text","content":"{secret}"}}]}}]',
                    "structure": {"a": [{"deep": secret}, 7]},
                    "list": ["x", secret],
                    "http.request.header.authorization": "CANARY-whatever-it-is",
                    "gemini_api_key": "CANARY-short",
                    "aws.secret_access_key": "CANARY/short",
                    "auth.token": "CANARY",
                }
            )
        )
        spans.append(without_events := type(one)())
        without_events.CopyFrom(one)
        without_events.span_id = os.urandom(8)
        event = one.events.add(name=f"exception {secret}")
        event.attributes.extend(pairs({"exception.message": secret, "nested": {"k": [secret]}}))
        spans.append(one)
    message = request(spans, **{"process.command_line": f"run --key {every}", "nested": {"deep": [every]}})
    scope = message.resource_spans[0].scope_spans[0].scope
    scope.name, scope.version = f"lib {every}", f"1 {every}"
    scope.attributes.extend(pairs({"scope": every}))
    return message


def dirty_logs():
    message = ExportLogsServiceRequest()
    group = message.resource_logs.add()
    group.resource.attributes.extend(pairs({"argv": list(SECRETS.values())}))
    scope = group.scope_logs.add()
    scope.scope.name = f"logger {SECRETS['openai']}"
    records = scope.log_records
    for secret in SECRETS.values():
        records.add(body=value(f"calling with {secret}"), attributes=pairs({"k": {"deep": secret}}))
        records.add(event_name=f"event {secret}", severity_text=f"WARN {secret}")
        records.add(body=value({"a": [secret]}))
    return message


def dirty_metrics():
    message = ExportMetricsServiceRequest()
    scope = message.resource_metrics.add().scope_metrics.add()
    scope.scope.name = f"meter {SECRETS['openai']}"
    metric = scope.metrics.add(name="m")
    for secret in SECRETS.values():
        point = metric.gauge.data_points.add(as_int=1, attributes=pairs({"k": secret}))
        point.exemplars.add(as_int=1, trace_id=b"t" * 16, filtered_attributes=pairs({"k": secret}))
        other = scope.metrics.add(name=f"m {secret}", description=f"of {secret}")
        other.sum.data_points.add(as_int=1, attributes=pairs({"k": {"deep": [secret]}}))
    return message


def test_secrets_are_masked_in_every_byte_that_leaves(tmp_path, sink):
    with Collector("agent.yaml", tmp_path, BACKEND_ENDPOINT=sink.url, MASK_ALSO="EMPLOYEE-CANARY-[0-9]+") as agent:
        assert send(agent.url, dirty_traces()) == 200
        assert send(agent.url, dirty_logs(), "/v1/logs") == 200
        assert send(agent.url, dirty_metrics(), "/v1/metrics") == 200
        wait_until(lambda: {r.path for r in sink.requests} >= {"/v1/traces", "/v1/logs", "/v1/metrics"}, "all signals")
    assert b"CANARY" not in sink.raw
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or b"CANARY" not in path.read_bytes(), f"{path.name} holds a secret"
    assert len(sink.spans) == 2 * (len(SECRETS) + 1)
    for one in sink.spans:
        kept = attributes(one)
        assert kept["gen_ai.usage.input_tokens"] == 12
        assert kept["gen_ai.request.model"] == "gemini-2.5-flash"
        assert kept["redaction.masked.count"] >= 6
        assert one.name.startswith("GET ")
        assert one.status.message.startswith("refused: ")
        assert not any(name.startswith("genspan.mask") for name in kept)
        assert one.trace_state.startswith("vendor=")
        for event in one.events:
            assert event.name.startswith("exception ")
            assert not any(pair.key.startswith("genspan.mask") for pair in event.attributes)
    (logs,), (metrics,) = sink.accepted("/v1/logs"), sink.accepted("/v1/metrics")
    assert b"genspan.mask" not in sink.raw
    assert {one.event_name.partition(" ")[0] for one in records(logs)} == {"", "event"}
    assert {one.severity_text.partition(" ")[0] for one in records(logs)} == {"", "WARN"}
    seen = metrics.message.resource_metrics[0].scope_metrics[0]
    assert seen.scope.name == "meter ****"
    assert len(seen.metrics) == 1 + len(SECRETS)
    assert all(one.name.startswith("m ") and one.description.startswith("of ") for one in seen.metrics[1:])
    assert {one.trace_id for p in seen.metrics[0].gauge.data_points for one in p.exemplars} == {b"t" * 16}


def records(logs):
    return logs.message.resource_logs[0].scope_logs[0].log_records


def test_what_is_clean_passes_unchanged(tmp_path, sink):
    whole = span("chat gpt-5", {**model_call(1, 2), "structure": {"a": [1, {"b": True}]}, "list": ["x"], "ratio": 0.5})
    whole.events.add(name="exception").attributes.extend(pairs({"exception.type": "ValueError"}))
    whole.links.add(trace_id=b"t" * 16, span_id=b"s" * 8, attributes=pairs({"why": "retry"}))
    whole.trace_state = "vendor=value"
    message = request([whole])
    scope = message.resource_spans[0].scope_spans[0].scope
    scope.name, scope.version = "a library", "1.2"
    logs, metrics = ExportLogsServiceRequest(), ExportMetricsServiceRequest()
    record = logs.resource_logs.add().scope_logs.add().log_records.add(body=value({"a": [1, True]}))
    record.event_name, record.severity_text = "device.app.lifecycle", "INFO"
    metric = (
        metrics.resource_metrics.add().scope_metrics.add().metrics.add(name="m", description="what it is", unit="s")
    )
    metric.sum.data_points.add(as_int=5, attributes=pairs({"k": "v"}))
    with Collector("agent.yaml", tmp_path, BACKEND_ENDPOINT=sink.url, HOSTNAME="") as agent:
        sent = {"/v1/traces": message, "/v1/logs": logs, "/v1/metrics": metrics}
        for group in (logs.resource_logs[0], metrics.resource_metrics[0]):
            group.resource.SetInParent()
        for scope in (logs.resource_logs[0].scope_logs[0], metrics.resource_metrics[0].scope_metrics[0]):
            scope.scope.SetInParent()
        for path, one in sent.items():
            assert send(agent.url, one, path) == 200
        wait_until(lambda: {one.path for one in sink.requests} == sent.keys(), "all three")
    for one in sink.requests:
        assert one.message == sent[one.path]


@pytest.mark.parametrize(
    ("setting", "kept"),
    [
        ({}, True),
        ({"GENAI_CONTENT": "keep"}, True),
        ({"GENAI_CONTENT": "drop"}, False),
        ({"GENAI_CONTENT": "Kepe"}, False),
    ],
)
def test_content_is_kept_or_dropped(tmp_path, sink, provider, example, setting, kept):
    capture = {
        "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "SPAN_AND_EVENT",
        "GENSPAN_DIALECTS": "genai,mlflow",
    }
    with Collector("agent.yaml", tmp_path, BACKEND_ENDPOINT=sink.url, **setting) as agent:
        example("gemini_functions.py", agent.url, **capture)
        example("gemini_error.py", agent.url, **capture)
        wait_until(lambda: len(sink.spans) >= 5, "all spans")
        wait_until(lambda: sink.accepted("/v1/logs"), "the events")
    words = [b"Paris", b"get_weather was", b"weather like", b"a-model-that-does-not-exist is not found"]
    assert any(word in sink.raw for word in words) is kept
    bill = provider.ledger.total()
    models = [attributes(one) for one in sink.spans]
    assert sum(a.get("gen_ai.usage.input_tokens", 0) for a in models) == bill.input
    assert sum(a.get("gen_ai.usage.output_tokens", 0) for a in models) == bill.output


def test_an_example_by_grpc(tmp_path, sink, provider, example):
    with Collector("agent.yaml", tmp_path, BACKEND_ENDPOINT=sink.url) as agent:
        example(
            "gemini_functions.py", f"http://{agent.variables['OTLP_GRPC_ENDPOINT']}", OTEL_EXPORTER_OTLP_PROTOCOL="grpc"
        )
        wait_until(lambda: len(sink.spans) >= 4 and sink.accepted("/v1/metrics"), "spans and metrics")
    used = [attributes(one).get("gen_ai.usage.input_tokens", 0) for one in sink.spans]
    assert sum(used) == provider.ledger.total().input


def test_dropping_content_knows_the_names_of_others(tmp_path, sink):
    one = span(attributes={**model_call(1, 2), **dict.fromkeys(CONTENT_NAMES, CONTENT), "structured": 1})
    one.attributes.extend(pairs({"gen_ai.output.messages": [{"parts": CONTENT}]}))
    one.status.message = CONTENT
    one.events.add(name="gen_ai.user.message").attributes.extend(pairs({"content": CONTENT}))
    one.events.add(name="exception").attributes.extend(
        pairs({"exception.message": CONTENT, "exception.stacktrace": CONTENT})
    )
    logs = ExportLogsServiceRequest()
    record = logs.resource_logs.add().scope_logs.add().log_records.add(event_name="gen_ai.user.message")
    record.body.CopyFrom(value({"content": CONTENT}))
    record.attributes.extend(pairs({"gen_ai.input.messages": [CONTENT]}))
    older = logs.resource_logs[0].scope_logs[0].log_records.add(attributes=pairs({"event.name": "gen_ai.choice"}))
    older.body.CopyFrom(value({"message": {"content": CONTENT}}))
    with Collector("agent.yaml", tmp_path, BACKEND_ENDPOINT=sink.url, GENAI_CONTENT="drop") as agent:
        assert send(agent.url, request([one])) == 200
        assert send(agent.url, logs, "/v1/logs") == 200
        wait_until(lambda: sink.spans and sink.accepted("/v1/logs"), "both signals")
    assert CONTENT.encode() not in sink.raw
    assert attributes(sink.spans[0]).keys() == {*model_call(1, 2), "structured"}


def test_resource_attributes_are_added_where_they_are_missing(tmp_path, sink):
    where = {"HOSTNAME": "host-9", "DEPLOYMENT_ENVIRONMENT": "prod", "K8S_POD_NAME": "pod-1", "CLOUD_REGION": "r1"}
    with Collector("agent.yaml", tmp_path, BACKEND_ENDPOINT=sink.url, **where) as agent:
        assert send(agent.url, request([span()], **{"k8s.pod.name": "its-own"})) == 200
        wait_until(lambda: sink.spans, "the span")
    resource = {a.key: a.value.string_value for a in sink.requests[0].message.resource_spans[0].resource.attributes}
    assert resource == {
        "service.name": "by-hand",
        "k8s.pod.name": "its-own",
        "host.name": "host-9",
        "deployment.environment.name": "prod",
        "cloud.region": "r1",
    }


def test_the_queue_outlives_the_backend_and_the_agent(tmp_path, sink):
    sent = []
    with Collector("agent.yaml", tmp_path, BACKEND_ENDPOINT=sink.url) as agent:
        sink.status = 503
        for _ in range(20):
            spans = [span() for _ in range(10)]
            assert send(agent.url, request(spans)) == 200
            sent += [one.span_id for one in spans]
        agent.kill()
        agent.start()
        assert send(agent.url, request([extra := span()])) == 200
        sink.status = 200
        wait_until(lambda: len(sink.seen) == 201, "everything after the kill", 40)
    assert sink.seen.keys() == {*sent, extra.span_id}
    assert max(sink.seen.values()) == 1
