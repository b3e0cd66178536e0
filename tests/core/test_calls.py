"""Calls, turns and runs of tools by themselves, without any SDK: what opens them, what ends them, what they leave."""

from __future__ import annotations

import contextvars
import json
from contextlib import contextmanager, suppress
from time import time_ns

import pytest
from opentelemetry import context as otel
from opentelemetry import trace
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from genspan._core.calls import call as calls
from genspan._core.calls.call import open_call
from genspan._core.calls.tool import Tool, current_tool, open_tool
from genspan._core.calls.turn import open_turn
from genspan._core.config import read_settings
from genspan._core.emit.telemetry import Telemetry
from genspan._core.hooks import wrappers
from genspan._core.routes.contract import Request, Route
from genspan.openai import chat
from genspan_semconv.model import Key

KEY = Key("chat", "openai", "gpt", "host", 443, False)
SECRET = "sk-proj-9a8b7c6d5e4f3a2b"
BODY = {"model": "gpt", "max_tokens": 7, "messages": [{"role": "user", "content": "my secret plan"}]}
DATA = {
    "id": "r",
    "model": "gpt-1",
    "choices": [{"message": {"content": "fine"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13},
}


class Emitted:
    """One set of outlets, and what came out of them."""

    def __init__(self, monkeypatch, capture="NO_CONTENT", limits=None, **environment):
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", capture)
        self._spans, self._reader, self._logs = (
            InMemorySpanExporter(),
            InMemoryMetricReader(),
            InMemoryLogRecordExporter(),
        )
        tracers = TracerProvider(span_limits=limits, shutdown_on_exit=False)
        tracers.add_span_processor(SimpleSpanProcessor(self._spans))
        loggers = LoggerProvider(shutdown_on_exit=False)
        loggers.add_log_record_processor(SimpleLogRecordProcessor(self._logs))
        meters = MeterProvider([self._reader], shutdown_on_exit=False)
        self.telemetry = Telemetry("genspan.tests", read_settings(), tracers, meters, loggers)
        self.tracer = tracers.get_tracer("program")

    @property
    def spans(self):
        return self._spans.get_finished_spans()

    @property
    def span(self):
        (one,) = self.spans
        return one

    @property
    def events(self):
        return [record.log_record for record in self._logs.get_finished_logs()]

    def points(self, name):
        return [(point.sum, dict(point.attributes)) for point in self._points(name)]

    def recorded(self, name):
        """How many measurements."""
        return sum(point.count for point in self._points(name))

    def _points(self, name):
        data = self._reader.get_metrics_data()
        metrics = [] if data is None else data.resource_metrics[0].scope_metrics[0].metrics
        return [point for metric in metrics if metric.name == name for point in metric.data.data_points]


@pytest.fixture
def emitted(monkeypatch):
    return Emitted(monkeypatch)


@pytest.fixture
def clock(monkeypatch):
    """Seconds pass only where a test says so."""
    now = [100.0]
    for module in (calls, "genspan._core.calls.tool", "genspan._core.emit.telemetry"):
        target = f"{module}.perf_counter" if isinstance(module, str) else f"{module.__name__}.perf_counter"
        monkeypatch.setattr(target, lambda: now[0])

    def passes(seconds):
        now[0] += seconds

    return passes


def request(stream=False, body=BODY, **headers):
    return Request(Route(chat, KEY._replace(stream=stream)), body, headers, "https://host/v1")


def begin(emitted, **options):
    return open_call(emitted.telemetry, lambda: request(**options))


def piece(content="", finish=None, **more):
    return {"choices": [{"index": 0, "delta": {"content": content}, "finish_reason": finish}], **more}


DURATION, FIRST, LATER = (
    f"gen_ai.client.operation.{name}" for name in ("duration", "time_to_first_chunk", "time_per_output_chunk")
)


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


# Tools.


@contextmanager
def running(emitted, tool=None, raised=None):
    run = open_tool(emitted.telemetry, lambda: tool or Tool("f", "c", {"x": 1}, "adds"))
    with suppress(type(raised) if raised else ()), run:
        yield run
    run.end(raised)


TOOL = {"gen_ai.tool.name": "f", "gen_ai.tool.type": "function"}
RUN = "gen_ai.execute_tool.duration"


def test_a_run_of_a_tool(emitted, clock):
    with running(emitted) as run:
        assert current_tool() is run
        clock(3)
        run.result = 42
    assert current_tool() is None
    found = dict(emitted.span.attributes)
    assert {name: found[name] for name in found if name.startswith("gen_ai")} == {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "f",
        "gen_ai.tool.type": "function",
        "gen_ai.tool.call.id": "c",
        "gen_ai.tool.description": "adds",
    }
    assert (emitted.span.name, emitted.span.kind.name) == ("execute_tool f", "INTERNAL")
    assert emitted.span.status.status_code.name == "UNSET"
    assert emitted.points(RUN) == [(3, TOOL)]


@pytest.mark.parametrize("how", ["raised", "swallowed", "reported"])
@pytest.mark.parametrize(("capture", "shown"), [("NO_CONTENT", False), ("SPAN_ONLY", True)])
def test_a_tool_that_failed(monkeypatch, how, capture, shown):
    emitted = Emitted(monkeypatch, capture)
    raised = KeyError("my secret plan")
    with running(emitted, raised=raised if how == "raised" else None) as run:
        if how == "swallowed":
            run.cause = raised
        if how == "reported":
            run.code = "tool_error"
    kind = "tool_error" if how == "reported" else "KeyError"
    assert emitted.span.attributes["error.type"] == kind
    assert emitted.span.status.status_code.name == "ERROR"
    (event,) = emitted.span.events
    assert ("exception.message" in event.attributes) is (shown and how != "reported")
    ((_, attributes),) = emitted.points(RUN)
    assert attributes == {**TOOL, "error.type": kind}


@pytest.mark.parametrize("capture", ["NO_CONTENT", "SPAN_ONLY"])
def test_arguments_and_result_of_a_tool_are_content(monkeypatch, capture):
    emitted = Emitted(monkeypatch, capture, GENSPAN_DIALECTS="genai")
    with running(emitted) as run:
        run.result = {"y": 2}
    found = emitted.span.attributes
    on = capture == "SPAN_ONLY"
    assert found.get("gen_ai.tool.call.arguments") == ('{"x":1}' if on else None)
    assert found.get("gen_ai.tool.call.result") == ('{"y":2}' if on else None)


@pytest.mark.parametrize("is_async", [False, True])
async def test_what_a_tool_raises_is_the_programs(emitted, is_async):
    kind = wrappers.tools(lambda instance, args, kwargs: Tool("f", None, args), cause=lambda error: error.__cause__)
    raised = RuntimeError()
    raised.__cause__ = KeyError("inner")

    def plain(*_):
        raise raised

    async def coroutine(*_):
        raise raised

    with pytest.raises(RuntimeError) as caught:
        if is_async:
            await wrappers.asynchronous(kind)(emitted.telemetry)(coroutine, None, (1,), {})
        else:
            wrappers.sync(kind)(emitted.telemetry)(plain, None, (1,), {})
    assert caught.value is raised
    assert emitted.span.attributes["error.type"] == "KeyError"


def test_what_a_tool_returns_is_the_programs(emitted):
    kind = wrappers.tools(lambda instance, args, kwargs: Tool("f", None, args), result=lambda returned: 1 / 0)
    result = object()
    assert wrappers.sync(kind)(emitted.telemetry)(lambda *_: result, None, (1,), {}) is result
    assert emitted.span.name == "execute_tool f"


# Turns.


def turn(emitted, agent=True):
    return open_turn(emitted.telemetry, request, lambda: agent)


def test_a_turn_is_the_parent_of_its_calls_and_tools_and_has_no_usage(emitted):
    opened = turn(emitted)
    with opened:
        for _ in range(2):
            call = begin(emitted)
            call.see(DATA)
            call.finish()
            assert call.owned
            opened.release()
            with running(emitted):
                begin(emitted).finish()
    opened.leave()
    by_name = {}
    for span in emitted.spans:
        by_name.setdefault(span.name, []).append(span)
    (agent,) = by_name["invoke_agent"]
    assert [len(by_name[name]) for name in ("chat gpt", "execute_tool f")] == [4, 2]
    parents = {span.context.span_id: span for span in emitted.spans}
    assert sorted(parents[one.parent.span_id].name for one in by_name["chat gpt"]) == [
        *("execute_tool f", "execute_tool f"),
        *("invoke_agent", "invoke_agent"),
    ]
    assert {parents[one.parent.span_id].name for one in by_name["execute_tool f"]} == {"invoke_agent"}
    assert [name for name in agent.attributes if "usage" in name.lower()] == []


def test_a_call_that_its_turn_ends_later_lasted_as_long_as_it_was_read(emitted, clock):
    opened = turn(emitted, agent=False)
    with opened:
        call = begin(emitted)
        clock(2)
        call.finish()
        ended = time_ns()
        clock(5)
    opened.leave()
    assert [seconds for seconds, _ in emitted.points(DURATION)] == [2]
    assert emitted.span.end_time <= ended


def test_a_turn_without_tools_has_no_span(emitted):
    opened = turn(emitted, agent=False)
    with opened:
        call = begin(emitted)
        call.finish()
        assert emitted.spans == ()
    opened.leave()
    assert emitted.span.name == "chat gpt"


def test_the_ids_of_tool_calls_are_taken_oldest_first(emitted):
    opened = turn(emitted)
    with opened:
        opened.expect([("f", "1"), ("g", "2"), ("f", "3")])
        assert [opened.take(name) for name in ("f", "g", "f", "f")] == ["1", "2", "3", None]
    opened.leave()


def test_a_turn_inside_a_turn_is_none(emitted):
    opened = turn(emitted)
    with opened:
        assert turn(emitted) is None
    opened.leave()
    again = turn(emitted)
    assert again is not None
    again.leave()


@pytest.mark.parametrize("agent", [False, True])
def test_the_call_that_a_turn_failed_in_takes_the_blame(emitted, agent):
    opened = turn(emitted, agent)
    with opened:
        begin(emitted)
    opened.end(ValueError("no"))
    failed = {span.name: span.attributes.get("error.type") for span in emitted.spans}
    assert failed == {"chat gpt": "ValueError", **({"invoke_agent": "ValueError"} if agent else {})}


def test_a_turn_that_fails_before_its_first_call_is_a_failed_call(emitted):
    opened = turn(emitted, agent=False)
    opened.end(ValueError("no"))
    assert (emitted.span.name, emitted.span.attributes["error.type"]) == ("chat gpt", "ValueError")
    assert [attributes["error.type"] for _, attributes in emitted.points(DURATION)] == ["ValueError"]


@pytest.mark.parametrize("error", [StopIteration(), StopAsyncIteration()])
def test_the_end_of_an_iterator_is_no_error(emitted, error):
    opened = turn(emitted)
    with opened:
        begin(emitted).finish()
    opened.end(error)
    assert [span.status.status_code.name for span in emitted.spans] == ["UNSET", "UNSET"]


def test_a_call_after_another_ends_that(emitted):
    opened = turn(emitted)
    with opened:
        begin(emitted, stream=True)
        second = begin(emitted)
        second.finish()
    opened.leave()
    first = emitted.spans[0]
    assert first.attributes["genspan.response.end"] == "failed"


@pytest.mark.parametrize("capture", ["NO_CONTENT", "SPAN_ONLY"])
def test_a_turn_shows_the_first_question_and_the_last_answer(monkeypatch, capture):
    emitted = Emitted(monkeypatch, capture, GENSPAN_DIALECTS="genai")
    opened = turn(emitted)
    with opened:
        for number in range(2):
            call = begin(emitted, body={"messages": [{"role": "user", "content": f"question {number}"}]})
            call.see({"choices": [{"message": {"content": f"answer {number}"}, "finish_reason": "stop"}]})
            call.finish()
            opened.release()
    opened.leave()
    agent = next(span for span in emitted.spans if span.name == "invoke_agent")
    shown = f"{dict(agent.attributes)}"
    assert ("question 0" in shown, "answer 1" in shown) == ((True, True) if capture == "SPAN_ONLY" else (False, False))
    assert "question 1" not in shown
    assert "answer 0" not in shown
