"""Spans in OTLP's JSON forms, as the tree wants them.

The Collector's file exporter and other writers use camelCase and hex ids, MLflow's REST API snake_case and base64.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Final, cast

from genspan_semconv import attributes as names
from genspan_semconv.model import integer, obj, seq, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from genspan.cli.trace_tree import SpanDict, UsageDict

_STATUS: Final[Mapping[object, str]] = {
    1: "OK",
    2: "ERROR",
    "STATUS_CODE_OK": "OK",
    "STATUS_CODE_ERROR": "ERROR",
}
_MODEL_KEYS: Final = (names.GEN_AI_RESPONSE_MODEL, names.GEN_AI_REQUEST_MODEL, names.MLFLOW_LLM_MODEL)


def read_lines(lines: Iterable[str]) -> dict[str, list[SpanDict]]:
    """Spans by trace id (hex), from lines that each hold one export request. Lines of another kind are passed over."""
    traces: dict[str, list[SpanDict]] = {}
    for line in lines:
        for span in _spans_of(_json_object(line)):
            traces.setdefault(str(span.get("traceId", "")), []).append(from_json(span))
    return traces


def from_json(span: Mapping[str, object]) -> SpanDict:
    """One span, in either spelling."""
    attributes = _attributes(span.get("attributes"))
    start = _integer(span.get("startTimeUnixNano", span.get("start_time_unix_nano")))
    end = _integer(span.get("endTimeUnixNano", span.get("end_time_unix_nano")))
    status = obj(span.get("status"))
    return {
        "id": _hex(span.get("spanId", span.get("span_id"))),
        "parent": _hex(span.get("parentSpanId", span.get("parent_span_id"))) or None,
        "name": text(span.get("name")) or "",
        "type": text(attributes.get(names.MLFLOW_SPAN_TYPE)) or text(attributes.get(names.GEN_AI_OPERATION_NAME)) or "",
        "model": next((model for key in _MODEL_KEYS if (model := text(attributes.get(key)))), ""),
        "usage": usage(attributes),
        "start": start,
        "duration": max(end - start, 0) / 1e9,
        "status": _STATUS.get(status.get("code"), "UNSET"),
        "message": text(status.get("message")) or "",
        "partial": attributes.get(names.GENSPAN_RESPONSE_PARTIAL) is True,
    }


def usage(attributes: Mapping[str, object]) -> UsageDict:
    """Tokens of a span, from the conventions' attributes or from MLflow's."""
    stored = attributes.get(names.MLFLOW_CHAT_TOKEN_USAGE)
    mlflow_usage = _json_object(stored) if isinstance(stored, str) else obj(stored)
    found = {
        "input": integer(attributes.get(names.GEN_AI_USAGE_INPUT_TOKENS, mlflow_usage.get("input_tokens"))),
        "output": integer(attributes.get(names.GEN_AI_USAGE_OUTPUT_TOKENS, mlflow_usage.get("output_tokens"))),
        "total": integer(mlflow_usage.get("total_tokens")),
    }
    known = {side: value for side, value in found.items() if value is not None}
    if known.keys() == {"input", "output"}:
        known["total"] = known["input"] + known["output"]
    return cast("UsageDict", known)


def _spans_of(request: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    for resource in seq(request.get("resourceSpans")):
        for scope in seq(obj(resource).get("scopeSpans")):
            yield from map(obj, seq(obj(scope).get("spans")))


def _attributes(items: object) -> dict[str, object]:
    return {str(item.get("key")): _value(obj(item.get("value"))) for item in map(obj, seq(items))}


def _value(value: Mapping[str, object]) -> object:
    for kind, member in value.items():
        if kind in ("intValue", "int_value"):
            return _integer(member)
        if kind in ("kvlistValue", "kvlist_value"):
            return _attributes(obj(member).get("values"))
        if kind in ("arrayValue", "array_value"):
            return [_value(obj(item)) for item in seq(obj(member).get("values"))]
        return member
    return None


def _integer(value: object) -> int:
    """64-bit integers are text in protobuf's JSON."""
    return int(value) if isinstance(value, str) and value.isdecimal() else integer(value) or 0


def _hex(identity: object) -> str:
    """An id in hex; eight bytes are 16 hex digits, or 12 characters of base64."""
    given = text(identity) or ""
    try:
        return base64.b64decode(given, validate=True).hex() if len(given) == 12 else given
    except binascii.Error:
        return given


def _json_object(line: str) -> Mapping[str, object]:
    try:
        return obj(json.loads(line))
    except (ValueError, RecursionError):
        return {}
