"""Ended spans made by hand."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext, Status, TraceFlags

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from opentelemetry.sdk.trace import Event

_RESOURCE = Resource({"service.name": "tests"})
_START = 1_790_000_000_000_000_000


def span_context(trace_id: int | None = None) -> SpanContext:
    return SpanContext(trace_id or random.getrandbits(127) | 1, random.getrandbits(63) | 1, False, TraceFlags(1))


def ended_span(
    name: str = "span",
    attributes: Mapping[str, object] | None = None,
    *,
    context: SpanContext | None = None,
    parent: SpanContext | None = None,
    events: Sequence[Event] = (),
    status: Status | None = None,
    resource: Resource = _RESOURCE,
) -> ReadableSpan:
    if context is None:
        context = span_context(parent.trace_id if parent else None)
    return ReadableSpan(
        name=name,
        context=context,
        parent=parent,
        resource=resource,
        attributes=dict(attributes or {}),
        events=events,
        status=status or Status(),
        start_time=_START,
        end_time=_START + 1_000_000_000,
    )
