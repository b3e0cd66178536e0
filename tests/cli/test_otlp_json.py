"""Spans in OTLP's JSON forms: the Collector's file exporter, and MLflow's REST API."""

from __future__ import annotations

import json

import pytest

from genspan.cli.otlp_json import from_json, read_lines, usage


@pytest.mark.parametrize(
    "line",
    ['{"resourceSpans": 5}', '{"resourceSpans": [5, {"scopeSpans": [null]}]}', '{"a"', "[" * 100000, "null", ""],
    ids=lambda line: line[:20],
)
def test_broken_lines_are_passed_over(line):
    assert read_lines([line]) == {}


def test_a_span_of_mlflows_rest_api():
    usage = {"kvlist_value": {"values": [{"key": "total_tokens", "value": {"int_value": 9}}]}}
    span = {
        "span_id": "kbCEjaQFP4k=",
        "parent_span_id": "V6nK+9CgWXM=",
        "name": "n",
        "start_time_unix_nano": 1,
        "end_time_unix_nano": 2,
        "attributes": [
            {"key": "mlflow.chat.tokenUsage", "value": usage},
            {"key": "mlflow.llm.model", "value": {"string_value": "m"}},
            {"key": "list", "value": {"array_value": {"values": [{"bool_value": True}]}}},
            {"key": "nothing"},
        ],
        "status": {"code": "STATUS_CODE_OK"},
    }
    found = from_json(span)
    assert (found["id"], found["parent"]) == ("91b0848da4053f89", "57a9cafbd0a05973")
    assert (found["model"], found["usage"], found["status"]) == ("m", {"total": 9}, "OK")
    assert from_json({})["name"] == ""


WHOLE = {
    "traceId": "t",
    "spanId": "91b0848da4053f89",
    "parentSpanId": "57a9cafbd0a05973",
    "name": "chat m",
    "startTimeUnixNano": "1000000000",
    "endTimeUnixNano": "3500000000",
    "status": {"code": 2, "message": "no"},
    "attributes": [
        {"key": "mlflow.spanType", "value": {"stringValue": "CHAT_MODEL"}},
        {"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}},
        {"key": "gen_ai.response.model", "value": {"stringValue": "answered"}},
        {"key": "gen_ai.request.model", "value": {"stringValue": "asked"}},
        {"key": "gen_ai.usage.input_tokens", "value": {"intValue": "9"}},
        {"key": "gen_ai.usage.output_tokens", "value": {"intValue": 4}},
        {"key": "genspan.response.partial", "value": {"boolValue": True}},
    ],
}


def test_every_field_of_a_span():
    assert from_json(WHOLE) == {
        "id": "91b0848da4053f89",
        "parent": "57a9cafbd0a05973",
        "name": "chat m",
        "type": "CHAT_MODEL",
        "model": "answered",
        "usage": {"input": 9, "output": 4, "total": 13},
        "start": 1_000_000_000,
        "duration": 2.5,
        "status": "ERROR",
        "message": "no",
        "partial": True,
    }


@pytest.mark.parametrize(
    ("field", "value", "name", "expected"),
    [
        ("attributes", WHOLE["attributes"][1:], "type", "chat"),
        ("attributes", WHOLE["attributes"][3:], "model", "asked"),
        ("attributes", [], "partial", False),
        ("attributes", [], "usage", {}),
        ("parentSpanId", "", "parent", None),
        ("endTimeUnixNano", "5", "duration", 0),
        ("status", {"code": 1}, "status", "OK"),
        ("status", {"code": "STATUS_CODE_ERROR"}, "status", "ERROR"),
        ("status", {}, "status", "UNSET"),
        ("spanId", "not base64!!", "id", "not base64!!"),
    ],
)
def test_one_field_of_a_span(field, value, name, expected):
    assert from_json({**WHOLE, field: value})[name] == expected


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"mlflow.chat.tokenUsage": '{"input_tokens": 9, "output_tokens": 4, "total_tokens": 13}'}, (9, 4, 13)),
        ({"gen_ai.usage.input_tokens": 9}, (9, None, None)),
        (
            {"gen_ai.usage.input_tokens": 9, "mlflow.chat.tokenUsage": '{"input_tokens": 1, "total_tokens": 20}'},
            (9, None, 20),
        ),
        ({"gen_ai.usage.input_tokens": 0, "gen_ai.usage.output_tokens": 0}, (0, 0, 0)),
        ({"mlflow.chat.tokenUsage": "not json"}, (None, None, None)),
    ],
)
def test_usage(attributes, expected):
    known = {
        name: value for name, value in zip(("input", "output", "total"), expected, strict=True) if value is not None
    }
    assert usage(attributes) == known


def test_spans_by_trace_in_the_order_of_the_file():
    def line(*spans):
        return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": list(spans)}]}]})

    other = {**WHOLE, "traceId": "u", "name": "b"}
    found = read_lines([line(WHOLE, other), "", line({**WHOLE, "name": "c"})])
    assert {trace: [span["name"] for span in spans] for trace, spans in found.items()} == {
        "t": ["chat m", "c"],
        "u": ["b"],
    }
