"""A finished call as attributes and events: what stays where there is little room, and what is never there."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace

import pytest
from opentelemetry.context import Context
from opentelemetry.sdk.trace import SpanLimits, TracerProvider

from genspan._core.emit import errors, span_attributes
from genspan._core.emit.events import Event, emit
from genspan._core.emit.last_trace import last_trace, remember
from genspan._core.emit.limits import Limits, of_span, within
from genspan._core.emit.redaction import NO_SECRETS, Secrets
from genspan._core.emit.span_attributes import Content, Outcome, Writer, read_content
from genspan_semconv.model import Key, Prompt, Response, Usage

KEY = Key("chat", "openai", "asked", "host", 443, False)
STREAM = KEY._replace(stream=True)
FAILED = errors.Failure("E", "m.E", None, 503)
KEY_OF_API = "sk-proj-9a8b7c6d5e4f3a2b"


def outcome(response=None, failed=None, ending=None, attempts=1, first_chunk=None):
    return Outcome(response or Response(), failed, ending, attempts, first_chunk)


def test_the_most_important_attributes_stand_first():
    response = Response("r", "answered", finish_reasons=["stop"], usage=Usage(9, 4))
    found = span_attributes.of_call(STREAM, {"max_tokens": 7}, outcome(response, FAILED, "failed", 3, 0.5))
    assert list(found.items()) == [
        ("error.type", "E"),
        ("mlflow.chat.tokenUsage", '{"input_tokens": 9, "output_tokens": 4, "total_tokens": 13}'),
        ("gen_ai.usage.input_tokens", 9),
        ("gen_ai.usage.output_tokens", 4),
        ("genspan.response.partial", True),
        ("genspan.response.end", "failed"),
        ("mlflow.llm.model", "answered"),
        ("gen_ai.response.model", "answered"),
        ("gen_ai.response.finish_reasons", ["stop"]),
        ("gen_ai.response.id", "r"),
        ("gen_ai.response.time_to_first_chunk", 0.5),
        ("http.response.status_code", 503),
        ("http.request.resend_count", 2),
        ("gen_ai.request.max_tokens", 7),
    ]


def test_usage_survives_the_smallest_limits():
    found = span_attributes.of_call(KEY, {"max_tokens": 7}, outcome(Response(model="m", usage=Usage(9, 4)), FAILED))
    assert list(within(found, Limits(1, None))) == [
        *("error.type", "mlflow.chat.tokenUsage", "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"),
        "mlflow.llm.model",
    ]


@pytest.mark.parametrize(
    ("key", "failed", "ending", "partial", "reasons"),
    [
        (STREAM, None, None, None, ["stop"]),
        (STREAM, None, "closed", "closed", ["stop"]),
        (STREAM, FAILED, "failed", "failed", ["stop"]),
        (KEY, None, "closed", "closed", ["stop"]),
        (KEY, FAILED, "failed", None, ["stop"]),
    ],
)
def test_what_is_partial_says_so(key, failed, ending, partial, reasons):
    found = span_attributes.of_call(key, {}, outcome(Response(finish_reasons=["stop"]), failed, ending))
    assert found.get("genspan.response.end") == partial
    assert found.get("genspan.response.partial") is (True if partial else None)
    assert found["gen_ai.response.finish_reasons"] == reasons


def test_a_stream_that_failed_without_a_finish_reason_has_that_of_an_error():
    found = span_attributes.of_call(STREAM, {}, outcome(failed=FAILED, ending="failed"))
    assert found["gen_ai.response.finish_reasons"] == ["error"]
    assert "gen_ai.response.finish_reasons" not in span_attributes.of_call(STREAM, {}, outcome(ending="closed"))


def test_nothing_known_is_nothing_said():
    assert span_attributes.of_call(KEY, {}, outcome()) == {"mlflow.llm.model": "asked"}


def test_a_usage_that_cannot_be_rendered_takes_nothing_else_with_it():
    broken = Usage(9, 4)
    broken.additional = {"of a kind that nobody knows": (1, 2)}
    found = span_attributes.of_call(KEY, {"max_tokens": 7}, outcome(Response(id="r", usage=broken)))
    assert (found["gen_ai.response.id"], found["gen_ai.request.max_tokens"]) == ("r", 7)


def test_the_limits_of_a_span():
    provider = TracerProvider(span_limits=SpanLimits(max_span_attributes=10, max_span_attribute_length=50))
    span = provider.get_tracer("t").start_span("s", attributes={"a": 1, "b": 2})
    assert of_span(span) == Limits(8, 50)
    unlimited = SpanLimits(max_span_attributes=SpanLimits.UNSET, max_span_attribute_length=SpanLimits.UNSET)
    span = TracerProvider(span_limits=unlimited).get_tracer("t").start_span("s")
    assert of_span(span) == Limits(None, None)
    assert of_span(SimpleNamespace()) == Limits(None, None)


PROMPT = Prompt(
    [{"type": "text", "content": "be brief"}],
    [{"role": "user", "parts": [{"type": "text", "content": "my secret plan"}]}],
    [{"type": "function", "name": "f"}],
)
ANSWER = [{"role": "assistant", "parts": [{"type": "text", "content": "fine"}], "finish_reason": "stop"}]


class Api:
    def prompt(self, body):
        if body.get("broken"):
            raise ValueError
        return PROMPT

    def answer(self, data):
        if data.get("broken"):
            raise ValueError
        return ANSWER


@pytest.mark.parametrize(
    ("body", "data", "expected"),
    [
        ({}, {}, Content(PROMPT, ANSWER)),
        ({"broken": 1}, {}, Content(Prompt([], [], []), ANSWER)),
        ({}, {"broken": 1}, Content(PROMPT, [])),
    ],
)
def test_each_half_of_the_content_by_itself(body, data, expected):
    assert read_content(Api(), body, data, 1000) == expected


def test_large_data_is_named_wherever_it_stands():
    class Large:
        def prompt(self, body):
            return Prompt([blob()], [{"role": "user", "parts": [blob()]}], [])

        def answer(self, data):
            return [{"role": "assistant", "parts": [blob()]}]

    def blob():
        return {"type": "blob", "modality": "image", "mime_type": "image/png", "content": "QUJD" * 10}

    omitted = {"type": "blob_omitted", "modality": "image", "mime_type": "image/png", "size": 30}
    found = read_content(Large(), {}, {}, 29)
    assert (found.prompt.system, found.prompt.messages[0]["parts"], found.answer[0]["parts"]) == ([omitted],) * 3
    found = read_content(Large(), {}, {}, 30)
    assert found.prompt.system == found.answer[0]["parts"] == [blob()]


@pytest.mark.parametrize(
    ("dialects", "operation", "expected"),
    [
        (
            {"genai"},
            "chat",
            {
                "gen_ai.input.messages",
                "gen_ai.system_instructions",
                "gen_ai.tool.definitions",
                "gen_ai.output.messages",
            },
        ),
        ({"genai"}, "embeddings", set()),
        ({"mlflow"}, "chat", {"mlflow.spanInputs", "mlflow.spanOutputs"}),
        ({"mlflow"}, "embeddings", {"mlflow.spanInputs", "mlflow.spanOutputs"}),
        (set(), "chat", set()),
    ],
)
def test_content_in_the_forms_that_are_wanted(dialects, operation, expected):
    writer = Writer(frozenset(dialects), None, NO_SECRETS)
    texts = writer.texts(KEY._replace(operation=operation), {}, Response(), Content(PROMPT, ANSWER))
    assert {*texts.inputs, *texts.outputs} == expected
    assert {name for name in texts.outputs if "input" in name.lower()} == set()
    for value in (*texts.inputs.values(), *texts.outputs.values()):
        assert json.loads(value)


def test_content_is_scrubbed_and_what_is_empty_is_left_out():
    prompt = Prompt([], [{"role": "user", "parts": [{"type": "text", "content": f"use {KEY_OF_API}"}]}], [])
    writer = Writer(frozenset({"genai", "mlflow"}), None, Secrets.of([KEY_OF_API]))
    texts = writer.texts(KEY, {}, Response(), Content(prompt, []))
    assert texts.outputs == {}
    assert set(texts.inputs) == {"gen_ai.input.messages", "mlflow.spanInputs"}
    assert KEY_OF_API not in f"{texts}"


def test_what_cannot_be_written_takes_nothing_else_with_it(monkeypatch):
    def put(name, value, limit, secrets, into):
        if name == "a":
            raise ValueError
        into[name] = value

    monkeypatch.setattr(span_attributes.limits, "put", put)
    assert Writer(frozenset(), None, NO_SECRETS).write({"a": 1, "b": 2}) == {"b": 2}


class Logger:
    def __init__(self):
        self.emitted = []

    def emit(self, **record):
        self.emitted.append(record)


FIGURES = {"gen_ai.usage.input_tokens": 9, "mlflow.chat.tokenUsage": "{}", "mlflow.llm.model": "m"}


def test_the_event_of_a_call():
    logger = Logger()
    secrets = Secrets.of([KEY_OF_API])
    prompt = PROMPT._replace(messages=[{"role": "user", "parts": [{"type": "text", "content": KEY_OF_API}]}], tools=[])
    emit(logger, Event(KEY, Context({"mine": 1}), FIGURES, Content(prompt, ANSWER), None, secrets))
    (record,) = logger.emitted
    assert record["event_name"] == "gen_ai.client.inference.operation.details"
    assert record["severity_number"].name == "DEBUG"
    assert record["context"] == {"mine": 1}
    assert record["attributes"] == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "asked",
        "server.address": "host",
        "server.port": 443,
        "gen_ai.usage.input_tokens": 9,
        "gen_ai.input.messages": [{"role": "user", "parts": [{"type": "text", "content": "[redacted]"}]}],
        "gen_ai.system_instructions": [{"type": "text", "content": "be brief"}],
        "gen_ai.output.messages": ANSWER,
    }


def test_the_event_of_a_failure():
    logger = Logger()
    emit(logger, Event(KEY, Context(), FIGURES, None, FAILED._replace(message="no")))
    (record,) = logger.emitted
    assert record["event_name"] == "gen_ai.client.operation.exception"
    assert record["severity_number"].name == "WARN"
    assert record["attributes"] == {"exception.type": "m.E", "exception.message": "no"}
    emit(logger, Event(KEY, Context(), FIGURES, None, None))
    assert len(logger.emitted) == 1


class Rude(Exception):
    def __str__(self):
        raise ValueError


class WithStatus(Exception):
    def __init__(self, **attributes):
        super().__init__(f"key {KEY_OF_API}")
        self.__dict__.update(attributes)


@pytest.mark.parametrize(
    ("attributes", "status"),
    [
        ({"status_code": 429}, 429),
        ({"status_code": 400}, 400),
        ({"status_code": 599}, 599),
        ({"status_code": 200}, None),
        ({"status_code": 399}, None),
        ({"status_code": 600}, None),
        ({"status_code": "429"}, None),
        ({"code": 503, "response": object()}, 503),
        ({"code": 503}, None),
        ({}, None),
    ],
)
def test_the_status_that_an_exception_keeps(attributes, status):
    assert errors.failure(WithStatus(**attributes), False, NO_SECRETS).http_status == status


def test_the_message_of_an_exception_only_where_it_may_be_shown():
    error = WithStatus()
    hidden = errors.failure(error, False, NO_SECRETS)
    assert hidden == ("WithStatus", f"{__name__}.WithStatus", None, None)
    assert errors.exception(hidden) == {"exception.type": f"{__name__}.WithStatus"}
    assert errors.failure(error, True, Secrets.of([KEY_OF_API])).message == "key [redacted]"
    assert errors.failure(Rude(), True, NO_SECRETS).message == "<Rude without a readable message>"
    assert errors.failure(ValueError("half \ud83d"), True, NO_SECRETS).message == "half ?"
    assert errors.failure(KeyboardInterrupt(), True, NO_SECRETS)[:2] == (
        "KeyboardInterrupt",
        "builtins.KeyboardInterrupt",
    )


def test_names_of_errors():
    grpc = WithStatus(grpc_status_code=SimpleNamespace(name="UNAVAILABLE"))
    assert errors.failure(grpc, False, NO_SECRETS).type == "UNAVAILABLE"
    assert errors.failure(grpc, False, NO_SECRETS).qualified_type.endswith(".WithStatus")
    numeric = WithStatus(grpc_status_code=SimpleNamespace(name=14))
    assert errors.failure(numeric, False, NO_SECRETS).type == "WithStatus"
    assert errors.named(FAILED, "overloaded").type == "overloaded"
    assert errors.named(FAILED, "overloaded")[1:] == FAILED[1:]
    assert errors.named(FAILED, "in words").type == "_OTHER"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (GeneratorExit(), "closed"),
        (asyncio.CancelledError(), "cancelled"),
        (ValueError(), "failed"),
        (KeyboardInterrupt(), "failed"),
    ],
)
def test_how_a_response_ended(error, expected):
    assert errors.ending(error) == expected


def test_a_failure_is_an_event_of_its_span():
    span = TracerProvider().get_tracer("t").start_span("s")
    errors.record(span, FAILED._replace(message="no"))
    (event,) = span.events
    assert (event.name, dict(event.attributes)) == ("exception", {"exception.type": "m.E", "exception.message": "no"})


def test_the_last_trace_of_a_task():
    remember(SimpleNamespace(trace_id=5))
    remember(SimpleNamespace(trace_id=0))
    assert last_trace() == 5

    async def other():
        before = last_trace()
        remember(SimpleNamespace(trace_id=7))
        return before, last_trace()

    assert asyncio.run(other()) == (5, 7)
    assert last_trace() == 5
