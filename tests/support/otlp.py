"""OTLP requests made by hand, for what no SDK would send, and sent without one."""

from __future__ import annotations

import os
import time
import urllib.error
import urllib.request
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status


def value(plain: Any) -> AnyValue:
    match plain:
        case bool():
            return AnyValue(bool_value=plain)
        case int():
            return AnyValue(int_value=plain)
        case float():
            return AnyValue(double_value=plain)
        case bytes():
            return AnyValue(bytes_value=plain)
        case list():
            return AnyValue(array_value=ArrayValue(values=[value(one) for one in plain]))
        case dict():
            return AnyValue(kvlist_value=KeyValueList(values=pairs(plain)))
        case _:
            return AnyValue(string_value=plain)


def pairs(plain: dict[str, Any]) -> list[KeyValue]:
    return [KeyValue(key=key, value=value(one)) for key, one in plain.items()]


def span(
    name: str = "generate_content gemini-2.5-flash",
    attributes: dict[str, Any] | None = None,
    *,
    trace: bytes | None = None,
    parent: bytes = b"",
    seconds: float = 0.1,
    error: bool = False,
) -> Span:
    """A span that has just ended."""
    now = time.time_ns()
    return Span(
        trace_id=trace or os.urandom(16),
        span_id=os.urandom(8),
        parent_span_id=parent,
        name=name,
        kind=Span.SPAN_KIND_CLIENT,
        start_time_unix_nano=now - int(seconds * 1e9),
        end_time_unix_nano=now,
        attributes=pairs(attributes or {}),
        status=Status(code=Status.STATUS_CODE_ERROR if error else Status.STATUS_CODE_UNSET),
    )


def model_call(input_tokens: int, output_tokens: int, model: str = "gemini-2.5-flash", **more: Any) -> dict[str, Any]:
    """The attributes of a model call."""
    return {
        "gen_ai.operation.name": "generate_content",
        "gen_ai.provider.name": "gcp.gemini",
        "gen_ai.request.model": model,
        "gen_ai.response.model": model,
        "gen_ai.usage.input_tokens": input_tokens,
        "gen_ai.usage.output_tokens": output_tokens,
        "mlflow.spanType": "CHAT_MODEL",
        **more,
    }


def request(spans: list[Span], **resource: Any) -> ExportTraceServiceRequest:
    message = ExportTraceServiceRequest()
    group = message.resource_spans.add()
    group.resource.attributes.extend(pairs({"service.name": "by-hand", **resource}))
    group.scope_spans.add().spans.extend(spans)
    return message


def send(url: str, message: Any, path: str = "/v1/traces") -> int:
    """Post a request; the status of the answer, 0 where nobody answers."""
    post = urllib.request.Request(
        url + path, message.SerializeToString(), {"content-type": "application/x-protobuf"}, method="POST"
    )
    try:
        with urllib.request.urlopen(post, timeout=30) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    except OSError:
        return 0
