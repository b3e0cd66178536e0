"""The exporter and a real MLflow server: what is stored, and that no value costs more than itself."""

from __future__ import annotations

import json
import logging
from urllib.error import HTTPError

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.trace import Status, StatusCode

from genspan.mlflow import MlflowSpanExporter
from genspan.mlflow.sanitize import MAX_DEPTH
from tests.support.spans import ended_span

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

HALF = "\\ud83d"
DEEP = "[" * 2000 + "]" * 2000
HUGE = "9" * 5000
NESTED = '{"a":' * 40 + "1" + "}" * 40

# Each cost its whole request, or made its trace unreadable, on MLflow 3.17.2.
POISON = {
    "usage: null": {"mlflow.chat.tokenUsage": '{"input_tokens":1,"output_tokens":2,"total_tokens":null}'},
    "usage: text": {"mlflow.chat.tokenUsage": '{"input_tokens":"1","output_tokens":2,"total_tokens":3}'},
    "usage: object": {"mlflow.chat.tokenUsage": '{"input_tokens":{},"output_tokens":2,"total_tokens":3}'},
    "usage: cache null": {
        "mlflow.chat.tokenUsage": '{"input_tokens":1,"output_tokens":2,"total_tokens":3,"cache_read_input_tokens":null}'
    },
    "usage: 2^63": {"mlflow.chat.tokenUsage": f'{{"input_tokens":{2**63},"output_tokens":2,"total_tokens":3}}'},
    "cost: number": {"mlflow.llm.cost": 0.5},
    "cost: list": {"mlflow.llm.cost": "[1]"},
    "cost: null": {"mlflow.llm.cost": "null"},
    "cost: empty": {"mlflow.llm.cost": ""},
    "cost: text": {"mlflow.llm.cost": "free"},
    "cost: null member": {"mlflow.llm.cost": '{"input_cost":null,"output_cost":1,"total_cost":1}'},
    "session": {"session.id": "s" * 251},
    "conversation": {"gen_ai.conversation.id": "s" * 251},
    "trace name": {"mlflow.traceTag.mlflow.traceName": "n" * 5000},
    "type: list": {"mlflow.spanType": ("TOOL",)},
    "type: list as text": {"mlflow.spanType": '["TOOL"]'},
    "operation: list": {"gen_ai.operation.name": ("chat",)},
    "operation: list as text": {"gen_ai.operation.name": '["chat"]'},
    "operation: object as text": {"gen_ai.operation.name": '{"a":1}'},
    "half an emoji: prompt": {"mlflow.spanInputs": f'{{"messages":[{{"role":"user","content":"a {HALF}"}}]}}'},
    "half an emoji: session": {"session.id": f'"{HALF}"'},
    "half an emoji: user": {"user.id": f'"{HALF}"'},
    "half an emoji: tag": {"mlflow.traceTag.mine": f'"{HALF}"'},
    "half an emoji: trace name": {"mlflow.traceTag.mlflow.traceName": f'"{HALF}"'},
    "half an emoji: model": {"mlflow.llm.model": f'"{HALF}"'},
    "half an emoji: provider": {"mlflow.llm.provider": f'"{HALF}"'},
    "half an emoji: raw": {"mlflow.spanInputs": "\ud83d", "\ud83d": "\ud83d"},
    "digits": {"result": HUGE},
    "digits: negative": {"result": f"-{HUGE}"},
    "digits: in a list": {"result": f"[{HUGE}]"},
    "digits: in no JSON": {"result": f"[{HUGE}"},
    "deep": {"a": DEEP},
    "deep: not closed": {"a": "[" * 5000},
    "deep: after blanks": {"a": "  " + DEEP},
    "deep: cannot be read again": {"a": NESTED},
    "deep: prompt": {"mlflow.spanInputs": NESTED},
    "large number": {"a": f'{{"b":{2**63}}}'},
    "large number: negative": {"a": f"[{-(2**63) - 1}]"},
    "large number: native": {"a": 2**64},
    "NaN": {"mlflow.spanInputs": '{"a":NaN,"b":[Infinity]}', "a": float("nan")},
    "NUL": {"mlflow.spanInputs": '{"messages":[{"role":"user","content":"a\\u0000b"}]}', "a": "a\0b"},
    "system tag": {"mlflow.traceTag.mlflow.trace.spansLocation": "elsewhere"},
    "nested native": {"a": {"b": (1, None, {"c": 2**63})}},
}
OTHER_POISON = {
    "event: old choice": {"events": [Event("gen_ai.choice", {"content": DEEP})]},
    "event: half an emoji": {"events": [Event("\ud83d", {"a": "\ud83d"})]},
    "name: half an emoji": {"name": "\ud83d"},
    "status: half an emoji": {"status": Status(StatusCode.ERROR, "\ud83d")},
}


@pytest.fixture
def said(caplog):
    caplog.set_level(logging.WARNING)
    return lambda: [record.getMessage() for record in caplog.records]


def test_poison_costs_nothing_and_everything_can_be_read_again(mlflow_server, said):
    spans = {case: ended_span(case, attributes) for case, attributes in POISON.items()}
    spans |= {case: ended_span(**{"name": case, **parts}) for case, parts in OTHER_POISON.items()}
    exporter = MlflowSpanExporter(mlflow_server.uri, experiment_name="poison")
    assert exporter.export(list(spans.values())) is SpanExportResult.SUCCESS
    assert said() == []
    problems = {case: why_unreadable(mlflow_server, span) for case, span in spans.items()}
    assert {case: problem for case, problem in problems.items() if problem} == {}


def why_unreadable(server, span) -> Exception | None:
    try:
        trace = server.trace(f"tr-{span.context.trace_id:032x}")
        json.dumps(trace, ensure_ascii=False, allow_nan=False).encode()
    except (HTTPError, ValueError) as error:
        return error
    return None


@pytest.mark.parametrize("depth", [MAX_DEPTH, MAX_DEPTH + 1])
def test_json_as_deep_as_we_let_through_can_be_read_again(mlflow_server, depth):
    span = ended_span("deep", {"a": '{"a":' * depth + "1" + "}" * depth})
    MlflowSpanExporter(mlflow_server.uri, experiment_name="poison").export([span])
    mlflow_server.trace(f"tr-{span.context.trace_id:032x}")


def test_what_a_trace_looks_like(mlflow_server, said):
    root = ended_span(
        "answer a question",
        {
            "mlflow.spanType": "AGENT",
            "session.id": "s-1",
            "user.id": "u-1",
            "mlflow.chat.tokenUsage": "null",
            "mlflow.spanInputs": '{"messages":[{"role":"user","content":"why?"}]}',
            "mlflow.spanOutputs": '{"choices":[{"message":{"role":"assistant","content":"because"}}]}',
        },
    )
    chat = ended_span(
        "generate_content m",
        {"mlflow.spanType": "CHAT_MODEL", "mlflow.chat.tokenUsage": '{"input_tokens":3,"output_tokens":4}'},
        parent=root.context,
    )
    tool = ended_span("execute_tool look", {"mlflow.spanType": "TOOL"}, parent=root.context)
    exporter = MlflowSpanExporter(mlflow_server.uri, experiment_name="shape")
    assert exporter.export([tool, chat, root]) is SpanExportResult.SUCCESS
    (info,) = mlflow_server.trace_infos("shape")
    assert info["state"] == "OK"
    assert (info["request_preview"], info["response_preview"]) == ("why?", "because")
    assert info["tags"]["mlflow.traceName"] == "answer a question"
    metadata = info["trace_metadata"]
    assert (metadata["mlflow.trace.session"], metadata["mlflow.trace.user"]) == ("s-1", "u-1")
    assert json.loads(metadata["mlflow.trace.tokenUsage"]) == {
        "input_tokens": 3,
        "output_tokens": 4,
        "total_tokens": 7,
    }
    status = {span["name"]: span["status"].get("code") for span in mlflow_server.trace(info["trace_id"])["spans"]}
    assert status["execute_tool look"] == "STATUS_CODE_OK"
    assert status["generate_content m"] is None
    assert said() == []


def test_an_experiment_is_created_by_two_exporters(mlflow_server):
    for _ in range(2):
        exporter = MlflowSpanExporter(mlflow_server.uri, experiment_name="made by us")
        assert exporter.export([ended_span()]) is SpanExportResult.SUCCESS
    assert len(mlflow_server.trace_infos("made by us")) == 2


def test_an_unknown_experiment(mlflow_server, said):
    exporter = MlflowSpanExporter(mlflow_server.uri, experiment_id="999")
    assert exporter.export([ended_span() for _ in range(3)]) is SpanExportResult.FAILURE
    (message,) = said()
    assert "There is no such experiment" in message
    assert "MLFLOW_EXPERIMENT_NAME" in message


def test_a_deleted_experiment(mlflow_server, said):
    number = mlflow_server.call("/api/2.0/mlflow/experiments/create", {"name": "to delete"})["experiment_id"]
    mlflow_server.call("/api/2.0/mlflow/experiments/delete", {"experiment_id": number})
    exporter = MlflowSpanExporter(mlflow_server.uri, experiment_name="to delete")
    assert exporter.export([ended_span()]) is SpanExportResult.FAILURE
    (message,) = said()
    assert "is deleted" in message


def test_a_resource_cannot_harm(mlflow_server):
    resource = Resource(
        {"a": f'"{HALF}"', "b": DEEP, "c": HUGE, "mlflow.trace.spansLocation": "x", "k" * 300: "v" * 9000}
    )
    span = ended_span("resource", resource=resource)
    exporter = MlflowSpanExporter(mlflow_server.uri, experiment_name="poison")
    assert exporter.export([span]) is SpanExportResult.SUCCESS
    mlflow_server.trace(f"tr-{span.context.trace_id:032x}")
