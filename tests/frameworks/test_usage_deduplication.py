"""Usage is on one span of each call, whichever framework's spans are around ours (made here as those frameworks do)."""

from __future__ import annotations

import gc
import logging
import threading
from dataclasses import dataclass

import pytest
from opentelemetry import context, trace
from opentelemetry.sdk.trace import SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, TraceFlags

from genspan._core.emit.usage_deduplication import UsageDeduplicator, deduplicate_usage

OURS = {"gen_ai.usage.input_tokens": 30, "gen_ai.usage.output_tokens": 7, "gen_ai.response.id": "answer-1"}

FRAMEWORKS = {
    "gcp.vertex.agent": {"gen_ai.usage.input_tokens": 30, "gen_ai.usage.reasoning.output_tokens": 2},
    "pydantic-ai": {"gen_ai.usage.input_tokens": 30, "gen_ai.usage.details.cached_tokens": 4},
    "agent_framework": {"gen_ai.usage.input_tokens": 30, "gen_ai.usage.output_tokens": 7},
    "strands.telemetry.tracer": {"gen_ai.usage.prompt_tokens": 30, "gen_ai.usage.total_tokens": 37},
    "openinference.instrumentation.smolagents": {"llm.token_count.prompt": 30, "llm.cost.total": 0.1},
    "opentelemetry.instrumentation.openai.v1": {"gen_ai.usage.input_tokens": 30, "llm.usage.total_tokens": 37},
    "ai": {"ai.usage.promptTokens": 30, "ai.usage.completionTokens": 7},
    "langfuse-sdk": {"langfuse.observation.usage_details": '{"input": 30}'},
    "mlflow": {"mlflow.chat.tokenUsage": '{"input_tokens": 30}', "mlflow.llm.cost": '{"total_cost": 0.1}'},
}
"""Scopes of instrumentations, each with some of the attributes by which its spans report usage."""


@dataclass
class Program:
    provider: TracerProvider
    exporter: InMemorySpanExporter

    def tracer(self, scope: str):
        return self.provider.get_tracer(scope)

    @property
    def ours(self):
        return self.tracer("genspan.openai")

    def call(self, attributes=OURS, **options):
        span = self.ours.start_span("chat", kind=SpanKind.CLIENT, **options)
        span.set_attributes(attributes)
        span.end()

    def exported(self, name):
        [span] = [span for span in self.exporter.get_finished_spans() if span.name == name]
        return dict(span.attributes)


def program(deduplicator_first: bool = False, **options) -> Program:
    provider, exporter = TracerProvider(shutdown_on_exit=False, **options), InMemorySpanExporter()
    processors: list[SpanProcessor] = [SimpleSpanProcessor(exporter), UsageDeduplicator()]
    for processor in reversed(processors) if deduplicator_first else processors:
        provider.add_span_processor(processor)
    return Program(provider, exporter)


@pytest.fixture(params=[False, True], ids=["exporter first", "deduplicator first"])
def run(request) -> Program:
    return program(request.param)


@pytest.mark.parametrize("scope", FRAMEWORKS)
def test_usage_of_a_span_around_a_call(run, scope):
    with run.tracer(scope).start_as_current_span("theirs", attributes={"gen_ai.request.model": "m"}) as span:
        run.call()
        span.set_attributes(FRAMEWORKS[scope])
        span.set_attribute("gen_ai.agent.name", "a")
    assert run.exported("theirs") == {"gen_ai.request.model": "m", "gen_ai.agent.name": "a"}
    assert run.exported("chat") == OURS


def test_usage_of_agents_further_out(run):
    """Sums on the spans of agents go too; a span between that reports nothing passes it on."""
    tracer = run.tracer("agents")
    with tracer.start_as_current_span("workflow") as workflow:
        with tracer.start_as_current_span("agent") as agent:
            with run.tracer("requests").start_as_current_span("between"):
                run.call()
            run.call()
            agent.set_attributes({"gen_ai.usage.input_tokens": 60, "gen_ai.agent.name": "a"})
        workflow.set_attributes({"gen_ai.usage.input_tokens": 60})
    assert run.exported("agent") == {"gen_ai.agent.name": "a"}
    assert run.exported("workflow") == {}


@pytest.mark.parametrize("name", ["gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"])
def test_a_call_with_one_figure_counts(run, name):
    with run.tracer("agents").start_as_current_span("theirs") as span:
        run.call({name: 7})
        span.set_attributes({name: 7})
    assert run.exported("theirs") == {}


def test_usage_that_is_not_added_up_stays(run):
    with run.tracer("pydantic-ai").start_as_current_span(
        "agent", attributes={"gen_ai.aggregated_usage.input_tokens": 30}
    ):
        run.call()
    assert run.exported("agent") == {"gen_ai.aggregated_usage.input_tokens": 30}


def test_calls_that_are_not_traced_keep_their_usage(run):
    """A model that no SDK of ours is asked for: the span beside ours is the only one with its usage."""
    tracer = run.tracer("agents")
    with tracer.start_as_current_span("agent") as agent:
        with tracer.start_as_current_span("traced"):
            run.call()
        with tracer.start_as_current_span("bedrock") as bedrock:
            bedrock.set_attributes({"gen_ai.usage.input_tokens": 5})
        agent.set_attributes({"gen_ai.usage.input_tokens": 35})
    assert run.exported("bedrock") == {"gen_ai.usage.input_tokens": 5}
    assert run.exported("agent") == {}


@pytest.mark.parametrize("attributes", [{}, {"error.type": "429"}], ids=["without usage", "failed"])
def test_a_call_without_usage_takes_none_away(run, attributes):
    with run.tracer("agents").start_as_current_span("theirs") as span:
        run.call(attributes)
        span.set_attributes({"gen_ai.usage.input_tokens": 30})
    assert run.exported("theirs") == {"gen_ai.usage.input_tokens": 30}


def test_a_failed_attempt_before_the_answer(run):
    with run.tracer("agents").start_as_current_span("theirs") as span:
        run.call({"error.type": "429"})
        run.call()
        span.set_attributes({"gen_ai.usage.input_tokens": 30})
    assert run.exported("theirs") == {}


def test_a_stream_that_ends_after_the_span_around_it(run):
    """A framework that drops a stream ends its span before the stream is closed."""
    with run.tracer("agents").start_as_current_span("agent") as agent:
        with run.tracer("agents").start_as_current_span("theirs") as theirs:
            ours = run.ours.start_span("chat", kind=SpanKind.CLIENT)
            theirs.set_attributes({"gen_ai.usage.input_tokens": 30})
        agent.set_attributes({"gen_ai.usage.input_tokens": 30})
    ours.set_attributes(OURS)
    ours.end()
    assert run.exported("theirs") == {}
    assert run.exported("agent") == {}
    assert run.exported("chat") == OURS


def test_a_span_of_others_that_runs_on_takes_no_usage_away(run):
    with run.tracer("agents").start_as_current_span("theirs") as theirs:
        background = run.tracer("agents").start_span("background")
        theirs.set_attributes({"gen_ai.usage.input_tokens": 30})
    background.end()
    assert run.exported("theirs") == {"gen_ai.usage.input_tokens": 30}


def test_a_turn_that_ends_after_the_span_around_it(run):
    with run.tracer("agents").start_as_current_span("theirs") as theirs:
        turn = run.ours.start_span("invoke_agent")
        theirs.set_attributes({"gen_ai.usage.input_tokens": 30})
    run.call(context=trace.set_span_in_context(turn))
    turn.end()
    assert run.exported("theirs") == {}


def test_our_own_spans_between(run):
    """A turn or a tool of ours carries no usage, and hands on that there is some below it."""
    with run.tracer("agents").start_as_current_span("agent") as agent:
        with (
            run.ours.start_as_current_span("execute_tool"),
            run.tracer("agents").start_as_current_span("inner") as inner,
        ):
            run.call()
            inner.set_attributes({"gen_ai.usage.input_tokens": 30})
        agent.set_attributes({"gen_ai.usage.input_tokens": 30})
    assert run.exported("inner") == run.exported("agent") == {}


def test_a_tool_without_a_model_call_below_takes_no_usage_away(run):
    with run.tracer("agents").start_as_current_span("agent") as agent:
        run.ours.start_span("execute_tool").end()
        agent.set_attributes({"gen_ai.usage.input_tokens": 30})
    assert run.exported("agent") == {"gen_ai.usage.input_tokens": 30}


def test_a_span_made_after_the_call_with_its_response_id(run):
    """litellm and LangSmith make a span of a call that is over, somewhere else in the tree."""
    run.call()
    for name, identity in (("same", "answer-1"), ("other", "answer-2")):
        attributes = {"gen_ai.response.id": identity, "gen_ai.usage.input_tokens": 30}
        run.tracer("litellm").start_span(name, attributes=attributes).end()
    assert run.exported("same") == {"gen_ai.response.id": "answer-1"}
    assert run.exported("other") == {"gen_ai.response.id": "answer-2", "gen_ai.usage.input_tokens": 30}


def test_only_the_response_id_of_a_call_with_usage_counts(run):
    run.call({"gen_ai.response.id": "answer-1"})
    theirs = {"gen_ai.response.id": "answer-1", "gen_ai.usage.input_tokens": 30}
    run.tracer("litellm").start_span("theirs", attributes=theirs).end()
    assert run.exported("theirs") == theirs


def test_spans_beside_a_call_without_response_id_keep_their_usage(run):
    run.call({"gen_ai.usage.input_tokens": 30})
    run.tracer("agents").start_span("theirs", attributes={"gen_ai.usage.input_tokens": 5}).end()
    assert run.exported("theirs") == {"gen_ai.usage.input_tokens": 5}


@pytest.mark.parametrize(
    "attributes",
    [{"langsmith.metadata.ls_integration": "langchain_chat_model"}, {"gen_ai.completion": '{"generations": [[{}]]}'}],
    ids=["langchain-core 1.1 and newer", "before"],
)
@pytest.mark.parametrize("traces_langchain", [True, False])
def test_langsmiths_span_of_a_model_run_of_langchain(run, attributes, traces_langchain):
    if traces_langchain:
        run.call({**OURS, "genspan.langchain.run.name": "ChatOpenAI"})
    with run.tracer("langsmith").start_as_current_span("ChatOpenAI", attributes=attributes) as span:
        span.set_attribute("gen_ai.usage.input_tokens", 30)
    assert ("gen_ai.usage.input_tokens" in run.exported("ChatOpenAI")) is not traces_langchain


def test_threads_that_run_calls_of_one_agent(run):
    with run.tracer("agents").start_as_current_span("agent") as agent:
        current = context.get_current()
        threads = [threading.Thread(target=run.call, kwargs={"context": current}) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        agent.set_attributes({"gen_ai.usage.input_tokens": 240})
    assert run.exported("agent") == {}


def test_what_the_limit_dropped_stays_known():
    run = program(span_limits=SpanLimits(max_span_attributes=3))
    with run.tracer("agents").start_as_current_span("theirs", attributes={"a": 1, "b": 2, "c": 3}) as span:
        run.call()
        span.set_attributes({"gen_ai.usage.input_tokens": 30})
    [theirs] = [span for span in run.exporter.get_finished_spans() if span.name == "theirs"]
    assert dict(theirs.attributes) == {"b": 2, "c": 3}
    assert theirs.dropped_attributes == 1


def test_each_scope_is_named_once_in_the_log(run, caplog):
    with caplog.at_level(logging.INFO, "genspan"):
        for scope in ("pydantic-ai", "pydantic-ai", "langfuse-sdk", "quiet"):
            with run.tracer(scope).start_as_current_span("theirs") as span:
                run.call()
                span.set_attributes({} if scope == "quiet" else {"gen_ai.usage.input_tokens": 30})
    assert [record.args for record in caplog.records] == [("pydantic-ai",), ("langfuse-sdk",)]


def test_nothing_is_kept_of_what_has_ended():
    run = program()
    deduplicator = run.provider._active_span_processor._span_processors[1]
    with run.tracer("agents").start_as_current_span("theirs"):
        run.call()
    remote = SpanContext(1, 2, is_remote=True, trace_flags=TraceFlags(1))
    run.call(context=trace.set_span_in_context(NonRecordingSpan(remote)))
    assert (dict(deduplicator._running), dict(deduplicator._counted_below)) == ({}, {})


def test_a_provider_gets_one_deduplicator(monkeypatch):
    first, second = TracerProvider(shutdown_on_exit=False), TracerProvider(shutdown_on_exit=False)
    for provider in (first, first, second):
        deduplicate_usage(provider)
    counts = [len(provider._active_span_processor._span_processors) for provider in (first, second)]
    assert counts == [1, 1]


def test_a_provider_without_processors(run):
    deduplicate_usage(trace.NoOpTracerProvider())


def test_a_provider_that_cannot_be_hashed():
    class Unhashable(TracerProvider):
        __hash__ = None

    provider = Unhashable(shutdown_on_exit=False)
    deduplicate_usage(provider)
    deduplicate_usage(provider)
    assert len(provider._active_span_processor._span_processors) == 1
    del provider
    gc.collect()
