"""A program with every Gemini feature, zero code, into an OTLP receiver over http/protobuf and over grpc.

Everything that arrives is checked against the registry and the message schemas.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.otlp_grpc_sink import GrpcSink
from tests.support.otlp_sink import OtlpSink
from tests.support.provider import FakeProvider
from tests.support.registry import violations
from tests.support.zero_code import ROOT, run

pytestmark = pytest.mark.e2e
PROGRAM = ROOT / "tests/e2e/programs/every_gemini_feature.py"
KINDS = {1: "INTERNAL", 3: "CLIENT"}
STATES = {0: "UNSET", 1: "OK", 2: "ERROR"}


class Received:
    """What a receiver got, over whichever protocol."""

    def __init__(self, traces: list[Any], metrics: list[Any], logs: list[Any]) -> None:
        self.spans = [s for r in traces for g in r.resource_spans for c in g.scope_spans for s in c.spans]
        self.metrics = [m for r in metrics for g in r.resource_metrics for c in g.scope_metrics for m in c.metrics]
        self.events = [e for r in logs for g in r.resource_logs for c in g.scope_logs for e in c.log_records]
        self.bytes = b"".join(r.SerializeToString() for r in (*traces, *metrics, *logs))


def _over_http(env: dict[str, str], provider: str) -> Received:
    with OtlpSink() as sink:
        done = run(PROGRAM, {"OTEL_EXPORTER_OTLP_ENDPOINT": sink.url, **env}, provider)
        assert done.returncode == 0, done.stderr
        return Received(*([r.message for r in sink.accepted(f"/v1/{s}")] for s in ("traces", "metrics", "logs")))


def _over_grpc(env: dict[str, str], provider: str) -> Received:
    with GrpcSink() as sink:
        env = {"OTEL_EXPORTER_OTLP_ENDPOINT": sink.url, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", **env}
        done = run(PROGRAM, env, provider)
        assert done.returncode == 0, done.stderr
        return Received(sink.traces, sink.metrics, sink.logs)


@pytest.fixture(scope="module", params=[_over_http, _over_grpc], ids=["http", "grpc"])
def received(request):
    with FakeProvider() as provider:
        env = {"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "SPAN_AND_EVENT"}
        yield provider.ledger, request.param(env, provider.url)


def _plain(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_plain(item) for item in value.array_value.values]
    if kind == "kvlist_value":
        return {item.key: _plain(item.value) for item in value.kvlist_value.values}
    return getattr(value, kind) if kind else None


def _attributes(holder: Any) -> dict[str, Any]:
    return {item.key: _plain(item.value) for item in holder.attributes}


def _as_dict(span: Any) -> dict[str, Any]:
    return {
        "name": span.name,
        "kind": KINDS[span.kind],
        "status": STATES[span.status.code],
        "attributes": _attributes(span),
        "events": [{"name": event.name, "attributes": _attributes(event)} for event in span.events],
    }


def test_every_span_follows_the_conventions(received):
    found = {span.name: violations(_as_dict(span)) for span in received[1].spans}
    assert {name: said for name, said in found.items() if said} == {}


def test_tokens_are_those_billed(received):
    ledger, got = received
    spans = [_attributes(span) for span in got.spans]
    assert sum(span.get("gen_ai.usage.input_tokens", 0) for span in spans) == ledger.total().input
    output = sum(s.get("gen_ai.usage.output_tokens", 0) for s in spans if not s.get("genspan.response.partial"))
    assert output == sum(entry.bill.output for entry in ledger.billed if entry.complete and "embed" not in entry.api)


def test_metrics_say_what_spans_say(received):
    _, got = received
    usage = next(metric for metric in got.metrics if metric.name == "gen_ai.client.token.usage")
    by_type: dict[str, float] = {}
    for point in usage.histogram.data_points:
        kind = _attributes(point)["gen_ai.token.type"]
        by_type[kind] = by_type.get(kind, 0) + point.sum
    spans = [_attributes(span) for span in got.spans]
    for kind in ("input", "output"):
        assert by_type[kind] == sum(span.get(f"gen_ai.usage.{kind}_tokens", 0) for span in spans)
    duration = next(metric for metric in got.metrics if metric.name == "gen_ai.client.operation.duration")
    calls = sum(point.count for point in duration.histogram.data_points)
    assert calls == sum(1 for span in got.spans if span.kind == 3)


def test_content_is_in_events_too(received):
    names = {event.event_name for event in received[1].events}
    assert {"gen_ai.client.inference.operation.details", "gen_ai.client.operation.exception"} <= names


def test_mlflows_form_of_content_is_not_sent_to_a_collector(received):
    assert b"mlflow.spanInputs" not in received[1].bytes


def test_no_key_leaves(received):
    assert b"key-of-the-test" not in received[1].bytes
    assert b"express-key-1" not in received[1].bytes


@pytest.mark.parametrize("mode", ["", "NO_CONTENT", "false"])
def test_without_capture_no_word_of_a_prompt_or_answer_leaves(mode):
    with FakeProvider() as provider:
        env = {"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": mode}
        got = _over_http(env, provider.url)
    assert len(got.spans) > 30
    for words in (b"plain call", b"You asked", b"bad request", b"get_weather says", b"sunny", b"chat turn"):
        assert words not in got.bytes
