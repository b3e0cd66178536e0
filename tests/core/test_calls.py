"""Calls by themselves, without any SDK: what opens them, what ends them, what they leave."""

from __future__ import annotations

import contextvars
import json

import pytest
from opentelemetry import context as otel
from opentelemetry import trace
from opentelemetry.sdk.trace import SpanLimits

from genspan._core.calls.call import open_call
from genspan._core.calls.tool import Tool, open_tool
from genspan._core.calls.turn import open_turn
from tests.core.emitted import DATA, DURATION, FIRST, LATER, SECRET, Emitted, begin, piece, request


def test_a_call(emitted, clock):
    call = begin(emitted)
    with call:
        assert trace.get_current_span().get_span_context() == call._span.get_span_context()
        clock(2)
    assert trace.get_current_span() is trace.INVALID_SPAN
    call.attempts = 3
    call.see(DATA)
    call.finish()
    assert dict(emitted.span.attributes) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt",
        "gen_ai.request.max_tokens": 7,
        "gen_ai.response.id": "r",
        "gen_ai.response.model": "gpt-1",
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": 9,
        "gen_ai.usage.output_tokens": 4,
        "http.request.resend_count": 2,
        "mlflow.chat.tokenUsage": '{"input_tokens": 9, "output_tokens": 4, "total_tokens": 13}',
        "mlflow.llm.model": "gpt-1",
        "mlflow.llm.provider": "openai",
        "mlflow.spanType": "CHAT_MODEL",
        "mlflow.traceTag.mlflow.traceName": "chat gpt",
        "openai.api.type": "chat_completions",
        "server.address": "host",
        "server.port": 443,
    }
    assert (emitted.span.name, emitted.span.kind.name, emitted.span.status.status_code.name) == (
        *("chat gpt", "CLIENT"),
        "UNSET",
    )
    ((seconds, _),) = emitted.points(DURATION)
    assert seconds == 2
    assert [point[0] for point in emitted.points("gen_ai.client.token.usage")] == [9, 4]
    assert emitted.points(FIRST) == emitted.points(LATER) == []
    assert emitted.events == []


def test_a_call_ends_once(emitted):
    call = begin(emitted)
    for _ in range(2):
        call.finish()
        call.end(ValueError())
    assert emitted.span.status.status_code.name == "UNSET"
    assert len(emitted.points(DURATION)) == 1
    call.see(DATA)
    call.chunk(DATA)
    assert call.answered is False


def test_the_times_of_a_stream(emitted, clock):
    call = begin(emitted, stream=True)
    clock(1)
    call.chunk(piece("a"))
    clock(2)
    call.chunk(piece("b"))
    clock(4)
    call.chunk(piece("", "stop"))
    clock(8)
    call.finish()
    assert emitted.span.attributes["gen_ai.response.time_to_first_chunk"] == 1
    assert [emitted.points(name)[0][0] for name in (FIRST, DURATION, LATER)] == [1, 15, 7]


def test_the_first_chunk_is_when_it_arrives_and_not_when_it_is_read(emitted, clock):
    call = begin(emitted, stream=True)
    clock(1)
    call.arrived()
    clock(5)
    call.arrived()
    call.chunk(piece("a", "stop"))
    call.finish()
    assert emitted.span.attributes["gen_ai.response.time_to_first_chunk"] == 1


@pytest.mark.parametrize(
    ("chunks", "end", "partial", "error"),
    [
        ([piece("a"), piece("", "stop")], {}, None, None),
        ([piece("a")], {}, "failed", None),
        ([piece("a")], {"ending": "closed"}, "closed", None),
        ([piece("a")], {"ending": "dropped"}, "dropped", None),
        ([piece("a")], {"error": GeneratorExit(), "finalising": False}, "closed", None),
        ([piece("a")], {"error": ValueError()}, "failed", "ValueError"),
        ([piece("a", "stop")], {"ending": "closed"}, "closed", None),
        ([piece("a", "stop", usage=DATA["usage"])], {"ending": "closed"}, None, None),
        ([piece("a"), {"error": {"code": "overloaded"}}], {}, "failed", "overloaded"),
        ([], {"error": ConnectionError()}, "failed", "ConnectionError"),
    ],
)
def test_what_a_stream_says_of_its_end(emitted, chunks, end, partial, error):
    call = begin(emitted, stream=True)
    for chunk in chunks:
        call.chunk(chunk)
    call.end(**end)
    found = emitted.span.attributes
    assert (found.get("genspan.response.end"), found.get("error.type")) == (partial, error)
    assert emitted.span.status.status_code.name == ("ERROR" if error else "UNSET")
    assert [attributes.get("error.type") for _, attributes in emitted.points(DURATION)] == [error]


def test_a_stream_whose_end_was_said_is_whole(emitted):
    call = begin(emitted, stream=True)
    call.chunk(piece("a"))
    call.done_seen = True
    call.finish()
    assert "genspan.response.end" not in emitted.span.attributes


@pytest.mark.parametrize(("capture", "shown"), [("NO_CONTENT", False), ("SPAN_ONLY", True), ("EVENT_ONLY", False)])
def test_the_message_of_an_exception_is_content(monkeypatch, capture, shown):
    emitted = Emitted(monkeypatch, capture)
    begin(emitted, **{"x-api-key": SECRET}).end(ValueError(f"my secret plan, {SECRET}"))
    (event,) = emitted.span.events
    message = "my secret plan, [redacted]"
    assert event.attributes.get("exception.message") == (message if shown else None)
    assert emitted.span.status.description == (message if shown else None)
    log = next(one for one in emitted.events if one.event_name == "gen_ai.client.operation.exception")
    assert log.attributes.get("exception.message") == (message if capture == "EVENT_ONLY" else None)
    assert log.attributes["exception.type"] == "builtins.ValueError"


@pytest.mark.parametrize("capture", ["NO_CONTENT", "SPAN_ONLY", "EVENT_ONLY", "SPAN_AND_EVENT"])
def test_content_stands_where_it_is_wanted_and_nowhere_else(monkeypatch, capture):
    emitted = Emitted(monkeypatch, capture, GENSPAN_DIALECTS="genai,mlflow")
    call = begin(emitted)
    call.see(DATA)
    call.finish()
    on_span = {
        name for name in emitted.span.attributes if "essages" in name or "spanInputs" in name or "spanOut" in name
    }
    wanted = {"gen_ai.input.messages", "gen_ai.output.messages", "mlflow.spanInputs", "mlflow.spanOutputs"}
    assert on_span == (wanted if "SPAN" in capture else set())
    assert ("my secret plan" in f"{dict(emitted.span.attributes)}") is ("SPAN" in capture)
    assert [one.event_name for one in emitted.events] == (
        ["gen_ai.client.inference.operation.details"] if "EVENT" in capture else []
    )


def test_the_name_of_a_trace_has_the_question_only_where_content_is_shown(monkeypatch):
    for capture in ("NO_CONTENT", "EVENT_ONLY"):
        emitted = Emitted(monkeypatch, capture)
        begin(emitted).finish()
        assert "my secret plan" not in f"{dict(emitted.span.attributes)}"


def test_large_data_above_the_setting_is_named(monkeypatch):
    emitted = Emitted(monkeypatch, "SPAN_ONLY", GENSPAN_MAX_BLOB_BYTES="29", GENSPAN_DIALECTS="genai")
    url = "data:image/png;base64," + "QUJD" * 10
    body = {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}]}
    begin(emitted, body=body).finish()
    (message,) = json.loads(emitted.span.attributes["gen_ai.input.messages"])
    assert message["parts"] == [{"type": "blob_omitted", "modality": "image", "mime_type": "image/png", "size": 30}]


def test_usage_survives_a_small_limit(monkeypatch):
    emitted = Emitted(monkeypatch, "SPAN_ONLY", SpanLimits(max_span_attributes=16))
    call = begin(emitted)
    call.see(DATA)
    call.finish()
    found = emitted.span.attributes
    assert len(found) <= 16
    assert (found["gen_ai.usage.input_tokens"], found["gen_ai.response.model"]) == (9, "gpt-1")
    assert found["gen_ai.operation.name"] == "chat"


def test_credentials_of_a_request_are_in_no_attribute(monkeypatch):
    emitted = Emitted(monkeypatch, "SPAN_AND_EVENT")
    body = {"messages": [{"role": "user", "content": f"use {SECRET}"}]}
    call = begin(emitted, body=body, Authorization=f"Bearer {SECRET}")
    call.see({**DATA, "id": f"id-{SECRET}"})
    call.finish()
    assert emitted.span.attributes["gen_ai.response.id"] == "id-[redacted]"
    assert SECRET not in f"{dict(emitted.span.attributes)}{emitted.events}"


def test_figures_that_a_finaliser_finds_wait_for_the_next_call(emitted):
    begin(emitted, stream=True).end(GeneratorExit())
    assert len(emitted.spans) == 1
    assert emitted.recorded(DURATION) == 0
    begin(emitted).finish()
    assert emitted.recorded(DURATION) == 2


def test_nobody_listens_to_a_suppressed_call(emitted):
    token = otel.attach(otel.set_value("suppress_instrumentation", True))
    try:
        assert begin(emitted) is None
        assert open_tool(emitted.telemetry, lambda: Tool("f", None, None)) is None
        assert open_turn(emitted.telemetry, request, lambda: True) is None
    finally:
        otel.detach(token)
    emitted.telemetry.close()
    assert begin(emitted) is None


def test_a_call_inside_a_call_is_its_child(emitted):
    outer = begin(emitted)
    with outer:
        begin(emitted).finish()
        other = open_call(emitted.telemetry, lambda: None)
        assert other is not None
        other.finish()
        other.end()
    outer.finish()
    inner, around = emitted.spans
    assert inner.parent.span_id == around.context.span_id


def test_a_context_is_left_only_where_it_was_entered(emitted, caplog):
    """What another thread or task finishes takes nothing away from it, and raises nothing there."""
    call = begin(emitted)
    contextvars.copy_context().run(call.__enter__)
    call.__exit__(None, None, None)
    call.finish()
    assert otel.get_current() == {}
    assert caplog.text == ""
