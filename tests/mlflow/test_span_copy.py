"""The copy of a span that MLflow gets, and the one that others get beside it."""

from __future__ import annotations

from copy import copy as copy_of

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanKind, Status, StatusCode

from genspan.mlflow.span_copy import WithoutMlflowContent, to_mlflow, without_mlflow_content
from tests.support.fake_mlflow import FakeMlflow
from tests.support.spans import ended_span, span_context


def attributes_of(mlflow: FakeMlflow, index: int = 0) -> dict[str, object]:
    return {item.key: getattr(item.value, item.value.WhichOneof("value")) for item in mlflow.stored[index].attributes}


def test_trace_name_on_the_root_only(mlflow, exporter):
    content = {
        "gen_ai.input.messages": "[]",
        "gen_ai.output.messages": "[]",
        "gen_ai.system_instructions": "[]",
        "gen_ai.tool.definitions": "[]",
        "gen_ai.request.model": "m",
    }
    root = ended_span("root", {**content, "mlflow.spanInputs": "{}", "mlflow.spanOutputs": "{}"})
    child = ended_span("child", content, parent=root.context)
    named = ended_span("other", {"mlflow.traceTag.mlflow.traceName": "mine"})
    before = [dict(span.attributes) for span in (root, child, named)]
    exporter.export([root, child, named])
    assert attributes_of(mlflow, 0) == {
        "gen_ai.request.model": "m",
        "mlflow.spanInputs": "{}",
        "mlflow.spanOutputs": "{}",
        "mlflow.traceTag.mlflow.traceName": "root",
    }
    assert attributes_of(mlflow, 1) == content
    assert attributes_of(mlflow, 2) == {"mlflow.traceTag.mlflow.traceName": "mine"}
    assert [dict(span.attributes) for span in (root, child, named)] == before


@pytest.mark.parametrize(
    ("attributes", "status", "expected"),
    [
        ({"mlflow.spanType": "TOOL"}, None, 1),
        ({"gen_ai.operation.name": "execute_tool"}, None, 1),
        ({"gen_ai.operation.name": "execute_tool"}, Status(StatusCode.ERROR, "no"), 2),
        ({"mlflow.spanType": "CHAT_MODEL"}, None, 0),
    ],
)
def test_status_of_tool_spans(mlflow, exporter, attributes, status, expected):
    span = ended_span("tool", attributes, status=status)
    exporter.export([span])
    assert mlflow.stored[0].status.code == expected
    assert span.status.status_code is (status.status_code if status else StatusCode.UNSET)


def test_lone_surrogates_are_replaced(mlflow, exporter, logged):
    half = "half \ud83d"
    event = Event(half, {"exception.message": half}, 5)
    exporter.export([ended_span(half, {half: half}, events=[event], status=Status(StatusCode.ERROR, half))])
    (span,) = mlflow.stored
    assert (span.name, span.status.message, span.events[0].name) == ("half \ufffd",) * 3
    assert span.events[0].time_unix_nano == 5
    assert span.events[0].attributes[0].value.string_value == "half \ufffd"
    assert attributes_of(mlflow)["half \ufffd"] == "half \ufffd"
    assert logged() == []


def test_an_event_is_copied_where_only_its_attributes_are_refused():
    span = ended_span("s", events=[Event("e", {"x": "half \ud83d"}, 5)])
    (event,) = to_mlflow(span).events
    assert (event.name, dict(event.attributes), event.timestamp) == ("e", {"x": "half \ufffd"}, 5)


def test_the_other_exporter_is_flushed_and_shut_down():
    calls = []

    class Other(SpanExporter):
        def export(self, spans):
            return SpanExportResult.SUCCESS

        def force_flush(self, timeout_millis=30000):
            calls.append(timeout_millis)
            return False

        def shutdown(self):
            calls.append("shutdown")

    exporter = WithoutMlflowContent(Other())
    assert exporter.force_flush(7) is False
    exporter.shutdown()
    assert calls == [7, "shutdown"]


def test_a_span_that_needs_no_change_is_the_same_object():
    span = ended_span("child", {"a": "b"}, parent=span_context(), events=[Event("e", {"x": 1})])
    assert to_mlflow(span) is span


INPUTS = (
    "gen_ai.system_instructions",
    "gen_ai.input.messages",
    "gen_ai.tool.definitions",
    "gen_ai.tool.call.arguments",
)
OUTPUTS = ("gen_ai.output.messages", "gen_ai.tool.call.result")
CONTENT = (*INPUTS, *OUTPUTS)


@pytest.mark.parametrize(
    ("sides", "kept"),
    [
        (["mlflow.spanInputs", "mlflow.spanOutputs"], ()),
        (["mlflow.spanInputs"], OUTPUTS),
        (["mlflow.spanOutputs"], INPUTS),
    ],
)
def test_otlp_content_is_left_out_beside_mlflow_content(sides, kept):
    ours = {**dict.fromkeys(sides, "{}"), "gen_ai.request.model": "m"}
    span = ended_span("child", {**dict.fromkeys(CONTENT, "[]"), **ours}, parent=span_context())
    assert dict(to_mlflow(span).attributes) == {**dict.fromkeys(kept, "[]"), **ours}


def test_otlp_content_is_kept_where_it_is_the_only_one():
    span = ended_span("child", dict.fromkeys(CONTENT, "[]"), parent=span_context())
    assert dict(to_mlflow(span).attributes) == dict.fromkeys(CONTENT, "[]")


def test_mlflow_content_is_left_out_for_other_exporters():
    seen: list[ReadableSpan] = []

    class Other(SpanExporter):
        def export(self, spans):
            seen.extend(spans)
            return SpanExportResult.SUCCESS

    spans = [
        ended_span("a", {"mlflow.spanInputs": "{}", "mlflow.spanOutputs": "{}", "a": 1}),
        ended_span("b", {"a": 1}),
    ]
    assert WithoutMlflowContent(Other()).export(spans) is SpanExportResult.SUCCESS
    assert [dict(span.attributes) for span in seen] == [{"a": 1}, {"a": 1}]
    assert seen[1] is spans[1]


def test_a_copy_has_all_of_the_span():
    parent, scope = span_context(), InstrumentationScope("scope", "1")
    span = ReadableSpan(
        "half \ud83d",
        context=span_context(parent.trace_id),
        parent=parent,
        resource=Resource({"service.name": "mine"}),
        attributes={"a": 1},
        events=[Event("e", {"x": 1}, 5)],
        links=[Link(span_context(), {"why": "batch"})],
        kind=SpanKind.CLIENT,
        status=Status(StatusCode.ERROR, "no"),
        start_time=1,
        end_time=2,
        instrumentation_scope=scope,
    )
    for copy in (to_mlflow(span), without_mlflow_content(ended_with(span, {"mlflow.spanInputs": "{}", "a": 1}))):
        assert copy is not span
        assert copy.links == span.links
        assert copy.events == span.events
        assert (copy.context, copy.parent, copy.kind, copy.resource) == (span.context, parent, span.kind, span.resource)
        assert (copy.status, copy.start_time, copy.end_time) == (span.status, 1, 2)
        assert (copy.instrumentation_scope, dict(copy.attributes)) == (scope, {"a": 1})


def ended_with(span: ReadableSpan, attributes: dict[str, object]) -> ReadableSpan:
    copy = copy_of(span)
    copy._attributes = attributes
    return copy
