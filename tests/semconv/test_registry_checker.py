"""The checker of exported telemetry: it passes what is right and names what is wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, Status, StatusCode

from genspan_semconv import attributes as names
from tests.support.registry import event_violations, metric_violations, violations

MESSAGE = {"role": "user", "parts": [{"type": "text", "content": "hi"}]}
CHAT = {
    "gen_ai.operation.name": "generate_content",
    "gen_ai.provider.name": "gcp.gemini",
    "gen_ai.request.model": "gemini-2.5-flash",
    "gen_ai.request.stream": True,
    "gen_ai.request.temperature": 0.5,
    "gen_ai.request.stop_sequences": ("END",),
    "gen_ai.response.finish_reasons": ("stop",),
    "gen_ai.response.model": "gemini-2.5-flash-001",
    "gen_ai.usage.input_tokens": 25,
    "gen_ai.usage.output_tokens": 15,
    "gen_ai.usage.cache_read.input_tokens": 5,
    "gen_ai.input.messages": json.dumps([MESSAGE]),
    "mlflow.chat.tokenUsage": json.dumps(
        {"input_tokens": 25, "output_tokens": 15, "total_tokens": 40, "cache_read_input_tokens": 5}
    ),
    "mlflow.llm.model": "gemini-2.5-flash-001",
    "mlflow.llm.provider": "gemini",
    "mlflow.spanInputs": json.dumps({"messages": [{"role": "user", "content": "hi"}], "temperature": 0.5}),
    "mlflow.spanOutputs": json.dumps({"choices": [{"index": 0, "message": {"role": "assistant", "content": "ho"}}]}),
    "mlflow.spanType": "CHAT_MODEL",
    "mlflow.traceTag.team": "billing",
    "server.address": "generativelanguage.googleapis.com",
    "server.port": 443,
}
TOOL = {
    "gen_ai.operation.name": "execute_tool",
    "gen_ai.tool.name": "get_weather",
    "gen_ai.tool.call.arguments": '{"city":"Paris"}',
    "gen_ai.tool.call.result": '{"result":"rain"}',
    "mlflow.spanInputs": '{"city":"Paris"}',
    "mlflow.spanOutputs": '"rain"',
    "mlflow.spanType": "TOOL",
}
AGENT = {"gen_ai.operation.name": "invoke_agent", "mlflow.spanType": "AGENT"}
EMBEDDINGS = {
    "gen_ai.operation.name": "embeddings",
    "gen_ai.provider.name": "gcp.vertex_ai",
    "gen_ai.request.model": "gemini-embedding-001",
    "gen_ai.usage.input_tokens": 4,
    "mlflow.chat.tokenUsage": '{"input_tokens": 4, "output_tokens": 0, "total_tokens": 4}',
    "mlflow.spanType": "EMBEDDING",
}
COUNT = {**{key: CHAT[key] for key in ("gen_ai.provider.name", "gen_ai.request.model")}, "mlflow.spanType": "LLM"}
COUNT["gen_ai.operation.name"] = "count_tokens"


def span(attributes: dict[str, Any], **other: Any) -> dict[str, Any]:
    operation = attributes["gen_ai.operation.name"]
    internal = operation in ("execute_tool", "invoke_agent")
    what = attributes.get("gen_ai.tool.name") or attributes.get("gen_ai.request.model")
    kind = "INTERNAL" if internal else "CLIENT"
    return {"name": f"{operation} {what}" if what else operation, "kind": kind, "attributes": attributes, **other}


def chat(**changes: Any) -> dict[str, Any]:
    """The good chat span with attributes replaced; `None` takes one out. Dots are written as double underscores."""
    changed = {**CHAT, **{name.replace("__", "."): value for name, value in changes.items()}}
    return span({name: value for name, value in changed.items() if value is not None})


def failed(**exception: str) -> dict[str, Any]:
    """A failed chat span with an exception event."""
    event = {"name": "exception", "attributes": exception}
    return span({**CHAT, "error.type": "ClientError"}, status="ERROR", events=[event])


@pytest.mark.parametrize("attributes", [CHAT, TOOL, AGENT, EMBEDDINGS, COUNT])
def test_good_spans_pass(attributes):
    assert violations(span(attributes)) == []
    assert violations(span({**attributes, "error.type": "429"}, status="ERROR")) == []
    assert violations(failed(**{"exception.type": "genai.ClientError", "exception.message": "429"})) == []


PARTS = "gen_ai__input__messages"
INPUTS = "mlflow__spanInputs"
BAD = {
    "unknown name": (chat(gen_ai__system="gemini"), "gen_ai.system is not in the registry"),
    "not on this span": (chat(gen_ai__tool__name="f"), "gen_ai.tool.name does not belong on gen_ai.client.inference"),
    "usage on a parent": (span({**AGENT, "gen_ai.usage.input_tokens": 3}), "gen_ai.usage.input_tokens does not belong"),
    "int for double": (chat(gen_ai__request__temperature=1), "gen_ai.request.temperature is 1, not of type double"),
    "double for int": (chat(gen_ai__request__top_k=40.0), "gen_ai.request.top_k is 40.0, not of type int"),
    "bool for int": (chat(gen_ai__request__seed=True), "gen_ai.request.seed is True, not of type int"),
    "string for list": (
        chat(gen_ai__response__finish_reasons="stop"),
        "finish_reasons is 'stop', not of type string[]",
    ),
    "enum": (chat(gen_ai__provider__name="gemini"), "gen_ai.provider.name is 'gemini', which is no value"),
    "operation": (chat(gen_ai__operation__name="stream"), "no span type has gen_ai.operation.name 'stream'"),
    "only true": (chat(gen_ai__request__stream=False), "gen_ai.request.stream is False; it is true or absent"),
    "wrong span type": (chat(mlflow__spanType="TOOL"), "mlflow.spanType is 'TOOL', not CHAT_MODEL or LLM"),
    "provider spelling": (chat(mlflow__llm__provider="gcp.gemini"), "mlflow.llm.provider is 'gcp.gemini'"),
    "model for the price": (chat(mlflow__llm__model="other"), "mlflow.llm.model is 'other'"),
    "required": (chat(gen_ai__provider__name=None), "gen_ai.provider.name is missing"),
    "port": (chat(server__port=None), "server.port is missing"),
    "partial without end": (chat(genspan__response__partial=True), "genspan.response.end is missing"),
    "end without partial": (chat(genspan__response__end="closed"), "genspan.response.end is there without"),
    "model": (chat(gen_ai__request__model=None), "gen_ai.request.model is missing"),
    "name": ({**span(CHAT), "name": "generate_content"}, "name is 'generate_content', not 'generate_content gemini-2"),
    "kind": ({**span(CHAT), "kind": "INTERNAL"}, "kind is INTERNAL, not CLIENT"),
    "status ok": (span(CHAT, status="OK"), "status is OK"),
    "error without type": (span(CHAT, status="ERROR"), "status is ERROR with error.type None"),
    "type without error": (chat(error__type="429"), "status is UNSET with error.type '429'"),
    "span event": (span(CHAT, events=[{"name": "gen_ai.choice"}]), "span event 'gen_ai.choice' on a span"),
    "stack trace": (failed(**{"exception.type": "E", "exception.stacktrace": "s"}), "exception.stacktrace is not in"),
    "exception without type": (failed(), "exception.type is missing"),
    "cut JSON": (chat(**{PARTS: '[{"role":"us'}), "gen_ai.input.messages is not JSON text"),
    "NaN": (chat(**{PARTS: "[NaN]"}), "gen_ai.input.messages is not JSON text: NaN"),
    "half an emoji": (chat(**{PARTS: '["\\ud83d"]'}), "gen_ai.input.messages is not JSON text"),
    "twice encoded": (chat(**{PARTS: '"[]"'}), "gen_ai.input.messages at $ does not fit"),
    "message without parts": (chat(**{PARTS: '[{"role":"user"}]'}), "'parts' is a required property"),
    "text part without text": (
        chat(**{PARTS: '[{"role":"user","parts":[{"type":"text","text":"hi"}]}]'}),
        "gen_ai.input.messages at $[0].parts[0]",
    ),
    "tool result that is no object": (span({**TOOL, "gen_ai.tool.call.result": '"rain"'}), "does not fit gen-ai-tool"),
    "MLflow role": (chat(**{INPUTS: '{"messages":[{"role":"model","content":"x"}]}'}), "'model' is not one of"),
    "MLflow part": (
        chat(**{INPUTS: '{"messages":[{"role":"user","content":[{"type":"file"}]}]}'}),
        "mlflow.spanInputs at $.messages[0].content",
    ),
    "MLflow arguments": (
        chat(
            mlflow__spanOutputs=json.dumps(
                {
                    "choices": [
                        {
                            "index": 0,
                            "message": {
                                "role": "assistant",
                                "content": None,
                                "tool_calls": [
                                    {"id": "1", "type": "function", "function": {"name": "f", "arguments": {}}}
                                ],
                            },
                        }
                    ]
                }
            )
        ),
        "{} is not of type 'string'",
    ),
    "MLflow null count": (
        chat(mlflow__chat__tokenUsage='{"input_tokens":25,"output_tokens":null,"total_tokens":40}'),
        "None is not of type 'integer'",
    ),
    "MLflow counts differ": (
        chat(mlflow__chat__tokenUsage='{"input_tokens":25,"output_tokens":12,"total_tokens":37}'),
        "mlflow.chat.tokenUsage has output_tokens 12, gen_ai.usage says 15",
    ),
    "MLflow counts absent": (chat(mlflow__chat__tokenUsage=None), "without mlflow.chat.tokenUsage"),
    "part above the whole": (chat(gen_ai__usage__reasoning__output_tokens=16), "reasoning.output_tokens is 16, more"),
    "needless total": (chat(genspan__usage__total_tokens=40), "genspan.usage.total_tokens is the sum"),
}


@pytest.mark.parametrize(("bad", "complaint"), BAD.values(), ids=BAD)
def test_bad_spans_are_flagged(bad, complaint):
    found = violations(bad)
    assert any(complaint in line for line in found), found


def test_a_span_without_an_operation_is_flagged():
    assert violations({"name": "x", "kind": "CLIENT", "attributes": {}}) == [
        "no span type has gen_ai.operation.name None"
    ]


def test_spans_of_the_sdk_are_read():
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("test")
    tracer.start_span("generate_content gemini-2.5-flash", kind=SpanKind.CLIENT, attributes=CHAT).end()
    failed = tracer.start_span("execute_tool get_weather", attributes=TOOL)
    failed.set_status(Status(StatusCode.OK))
    failed.end()
    good, bad = exporter.get_finished_spans()
    assert violations(good) == []
    assert violations(json.loads(good.to_json())) == []
    assert violations(bad) == ["status is OK, which instrumentations leave to the application"]


POINT = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai"}


def _metrics(record) -> list[Any]:
    reader = InMemoryMetricReader()
    provider = MeterProvider(metric_readers=[reader])
    record(provider.get_meter("test"))
    data = reader.get_metrics_data()
    provider.shutdown()
    assert data is not None
    return data.resource_metrics[0].scope_metrics[0].metrics


def _record(name: str, unit: str, attributes: dict[str, Any], bounds: tuple[float, ...] | None):
    def record(meter):
        meter.create_histogram(name, unit, explicit_bucket_boundaries_advisory=bounds).record(1, attributes)

    return record


DURATION = "gen_ai.client.operation.duration"


@pytest.mark.parametrize(
    ("name", "unit", "attributes", "bounds", "complaints"),
    [
        (DURATION, "s", POINT, names.BUCKETS[DURATION], []),
        (DURATION, "s", POINT, (1.0, 2.0), ["boundaries are"]),
        (DURATION, "ms", POINT, names.BUCKETS[DURATION], ["unit is 'ms'"]),
        (DURATION, "s", {**POINT, "user.id": "me"}, names.BUCKETS[DURATION], ["user.id does not belong"]),
        (DURATION, "s", {"gen_ai.provider.name": "openai"}, names.BUCKETS[DURATION], ["operation.name is missing"]),
        ("gen_ai.client.tokens", "s", POINT, None, ["is not in the registry"]),
        (
            "gen_ai.client.inference.usage.input_tokens",
            "{token}",
            {**POINT, "gen_ai.token.modality": "text"},
            (1.0,),
            ["instrument is histogram, not counter", "boundaries are"],
        ),
    ],
)
def test_metrics(name, unit, attributes, bounds, complaints):
    (metric,) = _metrics(_record(name, unit, attributes, bounds))
    found = metric_violations(metric)
    assert len(found) == len(complaints)
    assert all(complaint in line for complaint, line in zip(complaints, found, strict=True)), found


def test_counters_are_read():
    attributes = {**POINT, "gen_ai.token.modality": "text"}
    name = "gen_ai.client.inference.usage.input_tokens"
    (metric,) = _metrics(lambda meter: meter.create_counter(name, "{token}").add(3, attributes))
    assert metric_violations(metric) == []


DETAILS = names.EVENT_GEN_AI_CLIENT_INFERENCE_OPERATION_DETAILS


@pytest.mark.parametrize(
    ("name", "severity", "attributes", "complaint"),
    [
        (DETAILS, SeverityNumber.DEBUG, {**POINT, "gen_ai.input.messages": [MESSAGE]}, None),
        (DETAILS, SeverityNumber.DEBUG, {**POINT, "gen_ai.input.messages": json.dumps([MESSAGE])}, "is a structure"),
        (DETAILS, SeverityNumber.DEBUG, {**POINT, "gen_ai.input.messages": [{}]}, "does not fit"),
        (DETAILS, SeverityNumber.INFO, POINT, "severity is"),
        (DETAILS, SeverityNumber.DEBUG, {**POINT, "mlflow.spanInputs": "{}"}, "mlflow.spanInputs does not belong"),
        ("gen_ai.choice", SeverityNumber.DEBUG, POINT, "is not in the registry"),
    ],
)
def test_events(name, severity, attributes, complaint):
    record = LogRecord(event_name=name, severity_number=severity, attributes=attributes)
    found = event_violations(record)
    assert (found == []) if complaint is None else any(complaint in line for line in found), found
    as_dict = {"event_name": name, "severity_number": severity.value, "attributes": attributes}
    assert len(event_violations(as_dict)) == len(found)
