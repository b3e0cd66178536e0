"""The first question and the last answer on first spans that are not ours, as MLflow is sent them."""

from __future__ import annotations

import json

import pytest
from opentelemetry import context as otel
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import genspan
from genspan.mlflow import MlflowSpanExporter
from genspan.mlflow.processor import MlflowSpanProcessor


@pytest.fixture(autouse=True)
def clean_context():
    token = otel.attach(Context())
    yield
    otel.detach(token)


class Program:
    def __init__(self, mlflow):
        self.mlflow = mlflow
        self.provider = TracerProvider(shutdown_on_exit=False)
        self.provider.add_span_processor(MlflowSpanProcessor(MlflowSpanExporter(mlflow.uri)))
        self.others = InMemorySpanExporter()
        self.provider.add_span_processor(SimpleSpanProcessor(self.others))
        self.top = self.provider.get_tracer("web").start_as_current_span
        self.ours = self.provider.get_tracer("genspan.openai").start_as_current_span

    def call(self, question, answer, kind="CHAT_MODEL"):
        attributes = {"mlflow.spanType": kind, "mlflow.spanInputs": asked(question)}
        with self.ours("chat", attributes=attributes) as span:
            span.set_attribute("mlflow.spanOutputs", answered(answer))

    def stored(self, name):
        """The attributes of a span as MLflow was sent them."""
        self.provider.force_flush()
        (found,) = [span for span in self.mlflow.stored if span.name == name]
        return {one.key: one.value.string_value for one in found.attributes}


def asked(question):
    return json.dumps({"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": question}]})


def answered(answer, **message):
    return json.dumps({"choices": [{"message": {"role": "assistant", "content": answer, **message}}]})


@pytest.fixture
def program(mlflow):
    made = Program(mlflow)
    yield made
    made.provider.shutdown()


CONTENT = ("mlflow.spanInputs", "mlflow.spanOutputs")


def content(found):
    return tuple(found.get(name) for name in CONTENT)


def test_a_web_request_shows_the_first_question_and_the_last_answer(program):
    with program.top("GET /"), program.top("handler"):
        program.call("one?", "1")
        program.call("paris", "rain", kind="TOOL")
        program.call("two?", "2")
    assert content(program.stored("GET /")) == (asked("one?"), answered("2"))
    assert content(program.stored("handler")) == (None, None)


def test_the_programs_own_span_is_not_touched(program):
    with program.top("GET /"):
        program.call("one?", "1")
    (top,) = [span for span in program.others.get_finished_spans() if span.name == "GET /"]
    assert dict(top.attributes) == {}


def test_what_the_span_says_itself_stays(program):
    with program.top("GET /", attributes={"mlflow.spanInputs": '{"mine": 1}'}):
        program.call("one?", "1")
    assert content(program.stored("GET /")) == ('{"mine": 1}', answered("1"))
    with program.top("agent", attributes={"gen_ai.output.messages": "[]"}):
        program.call("one?", "1")
    assert content(program.stored("agent")) == (asked("one?"), None)


def test_an_answer_that_only_calls_tools_is_shown_as_it_is(program):
    with program.top("GET /"):
        program.call("one?", None)
    assert content(program.stored("GET /"))[1] == answered(None)


def test_spans_of_ours_say_only_what_is_theirs(program):
    with program.ours("execute_tool", attributes={"mlflow.spanType": "TOOL"}):
        program.call("one?", "1")
    assert content(program.stored("execute_tool")) == (None, None)


def test_calls_that_end_after_the_request(program):
    with program.top("GET /"):
        program.call("one?", "1")
        late = program.provider.get_tracer("genspan.openai").start_span(
            "late", attributes={"mlflow.spanType": "LLM", "mlflow.spanInputs": asked("two?")}
        )
    late.end()
    assert content(program.stored("GET /")) == (asked("one?"), answered("1"))
    previews = program.provider._active_span_processor._span_processors[0]._previews
    assert not previews._tops
    assert not previews._found


def test_below_a_request_of_another_process(program):
    remote = trace.SpanContext(1, 2, is_remote=True, trace_flags=trace.TraceFlags(1))
    token = otel.attach(trace.set_span_in_context(trace.NonRecordingSpan(remote)))
    with program.top("GET /"):
        program.call("one?", "1")
    otel.detach(token)
    assert content(program.stored("GET /")) == (asked("one?"), answered("1"))


def test_tags_that_a_handler_gives_its_trace(program):
    with program.top("GET /"), genspan.context(tags={"tenant": "acme"}), program.ours("chat"):
        pass
    assert program.stored("GET /")["mlflow.traceTag.tenant"] == "acme"


def test_long_content_is_shortened_to_what_the_list_shows(program):
    long = "x" * 30_000
    with program.top("GET /"):
        program.call(long, [{"type": "text", "text": long}])
    asked_, answered_ = map(json.loads, content(program.stored("GET /")))
    assert asked_ == {"messages": [{"role": "user", "content": "x" * 20_000}]}
    assert answered_ == {"choices": [{"message": {"role": "assistant", "content": "x" * 20_000}}]}


def test_an_answer_with_long_arguments_of_a_tool_says_nothing(program):
    with program.top("GET /"):
        program.call("one?", "x" * 30_000)
        with program.ours("chat", attributes={"mlflow.spanType": "LLM"}) as span:
            span.set_attribute("mlflow.spanOutputs", answered(None, tool_calls=[{"x": "y" * 30_000}]))
    assert json.loads(content(program.stored("GET /"))[1])["choices"][0]["message"]["content"] in ("", None)


def test_switched_off(mlflow, monkeypatch):
    monkeypatch.setenv("GENSPAN_MLFLOW_PREVIEWS", "false")
    program = Program(mlflow)
    with program.top("GET /"):
        program.call("one?", "1")
    assert content(program.stored("GET /")) == (None, None)
    program.provider.shutdown()


def test_what_is_kept_is_bounded(program):
    for _ in range(10_050):
        program.provider.get_tracer("web").start_span("never ended")
    assert len(program.provider._active_span_processor._span_processors[0]._previews._tops) == 10_000
