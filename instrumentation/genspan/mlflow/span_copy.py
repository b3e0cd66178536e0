"""A span as one destination should see it. The program's own span is never changed: what differs is a copy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import Status, StatusCode

from genspan.mlflow.price_names import listed_model, listed_provider
from genspan.mlflow.sanitize import safe_attributes, safe_text
from genspan_semconv import attributes as names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from opentelemetry.util.types import Attributes, AttributeValue

_OTLP_CONTENT: Final = {
    names.MLFLOW_SPAN_INPUTS: (
        names.GEN_AI_SYSTEM_INSTRUCTIONS,
        names.GEN_AI_INPUT_MESSAGES,
        names.GEN_AI_TOOL_DEFINITIONS,
        names.GEN_AI_TOOL_CALL_ARGUMENTS,
    ),
    names.MLFLOW_SPAN_OUTPUTS: (names.GEN_AI_OUTPUT_MESSAGES, names.GEN_AI_TOOL_CALL_RESULT),
}
"""The conventions' form of what each attribute of MLflow's holds."""


def to_mlflow(span: ReadableSpan) -> ReadableSpan:
    """The span as MLflow reads it best: one form of content, a trace name, and no value that it would refuse."""
    before = dict(span.attributes or {})
    attributes = safe_attributes(_one_form(before))
    if span.parent is None:
        attributes.setdefault(names.MLFLOW_TRACE_TAG_MLFLOW_TRACE_NAME, safe_text(span.name)[:4096])
    attributes.update(_priced(attributes))
    status = _status(span.status, attributes)
    events = [_safe_event(event) for event in span.events]
    same = attributes == before and status is span.status and safe_text(span.name) is span.name
    if same and all(after is event for after, event in zip(events, span.events, strict=True)):
        return span
    return _copy(span, attributes, events, status)


def without_mlflow_content(span: ReadableSpan) -> ReadableSpan:
    """The span without the content that was rendered for MLflow alone."""
    before = span.attributes or {}
    kept = {key: value for key, value in before.items() if key not in _OTLP_CONTENT}
    return span if len(kept) == len(before) else _copy(span, kept, span.events, span.status)


def with_attributes(span: ReadableSpan, more: Mapping[str, AttributeValue]) -> ReadableSpan:
    """The span with more attributes."""
    return _copy(span, {**(span.attributes or {}), **more}, span.events, span.status) if more else span


class WithoutMlflowContent(SpanExporter):
    """Another exporter beside MLflow's: passes spans on without ``mlflow.spanInputs`` and ``mlflow.spanOutputs``."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return self._exporter.export([without_mlflow_content(span) for span in spans])

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return self._exporter.force_flush(timeout_millis)


def _one_form(attributes: Mapping[str, object]) -> Mapping[str, object]:
    """The attributes without the conventions' content where MLflow's own form of it is there."""
    twice = {name for ours, theirs in _OTLP_CONTENT.items() if ours in attributes for name in theirs}
    return {key: value for key, value in attributes.items() if key not in twice} if twice else attributes


def _priced(attributes: Mapping[str, object]) -> dict[str, str]:
    """Provider and model as MLflow's price list has them, where it spells them in another way."""
    provider, asked, answered, model = (attributes.get(name) for name in _PRICED)
    if not (isinstance(provider, str) and isinstance(model, str) and model in (asked, answered)):
        return {}
    requested, named = (value if isinstance(value, str) else None for value in (asked, answered))
    listed = listed_model(provider, requested, named) or model
    listed_by = listed_provider(provider, attributes.get(names.MLFLOW_SPAN_TYPE))
    return {names.MLFLOW_LLM_PROVIDER: listed_by, names.MLFLOW_LLM_MODEL: listed}


_PRICED: Final = (
    names.MLFLOW_LLM_PROVIDER,
    names.GEN_AI_REQUEST_MODEL,
    names.GEN_AI_RESPONSE_MODEL,
    names.MLFLOW_LLM_MODEL,
)


def _status(status: Status, attributes: Mapping[str, object]) -> Status:
    """MLflow's tool dashboard counts only OK as success; OpenTelemetry asks instrumentations to leave it unset."""
    is_tool = attributes.get(names.MLFLOW_SPAN_TYPE) == "TOOL"
    is_tool = is_tool or attributes.get(names.GEN_AI_OPERATION_NAME) == "execute_tool"
    if is_tool and status.status_code is StatusCode.UNSET:
        return Status(StatusCode.OK)
    description = status.description and safe_text(status.description)
    return status if description is status.description else Status(status.status_code, description)


def _safe_event(event: Event) -> Event:
    before = dict(event.attributes or {})
    name, attributes = safe_text(event.name), safe_attributes(before)
    return event if name is event.name and attributes == before else Event(name, attributes, event.timestamp)


def _copy(span: ReadableSpan, attributes: Attributes, events: Sequence[Event], status: Status) -> ReadableSpan:
    return ReadableSpan(
        name=safe_text(span.name),
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=attributes,
        events=events,
        links=span.links,
        kind=span.kind,
        status=status,
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )
