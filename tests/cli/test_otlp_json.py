"""Spans in OTLP's JSON forms: the Collector's file exporter, and MLflow's REST API."""

from __future__ import annotations

import pytest

from genspan.cli.otlp_json import from_json, read_lines


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
