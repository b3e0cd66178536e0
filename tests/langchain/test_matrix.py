"""Every program by every way of calling, under one, two and three instrumentors, whatever becomes of the call.

The result is that of the bare program, each request is one span, and the spans' usage is what the provider billed.
"""

from __future__ import annotations

import asyncio
import gc
import re
from contextlib import aclosing, closing
from importlib.util import find_spec

import pytest
from opentelemetry import trace

from genspan import AnthropicInstrumentor, LangChainInstrumentor, OpenAIInstrumentor
from tests.langchain.conftest import run as complete
from tests.langchain.programs import CHAT, PROGRAMS, get_weather
from tests.support import verdict
from tests.support.provider import Reply
from tests.support.registry import metric_violations, violations
from tests.support.telemetry import Counts, Telemetry, clean_environment

ERROR = "[[status=429]] hello"
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*astream_events:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Pydantic serializer warnings:UserWarning"),  # of a parsed answer's own class
]


async def _read(stream):
    return [chunk async for chunk in stream]


WAYS = {
    "invoke": lambda runnable, given, _: runnable.invoke(given),
    "ainvoke": lambda runnable, given, _: complete(runnable.ainvoke(given)),
    "stream": lambda runnable, given, _: list(runnable.stream(given)),
    "astream": lambda runnable, given, _: complete(_read(runnable.astream(given))),
    "batch": lambda runnable, *given: runnable.batch(list(given), return_exceptions=True),
    "abatch": lambda runnable, *given: complete(runnable.abatch(list(given), return_exceptions=True)),
    "astream_events v1": lambda runnable, given, _: bool(complete(_read(runnable.astream_events(given, version="v1")))),
    "astream_events v2": lambda runnable, given, _: bool(complete(_read(runnable.astream_events(given, version="v2")))),
}
FEW_WAYS = ("invoke", "astream", "abatch", "astream_events v2")
CHAT_OF_HOOK = "chat gpt-4.1-mini"
ONE, TWO = (OpenAIInstrumentor,), (OpenAIInstrumentor, LangChainInstrumentor)
THREE = (LangChainInstrumentor, OpenAIInstrumentor, AnthropicInstrumentor)


@pytest.fixture
def claude(provider):
    from langchain_anthropic import ChatAnthropic

    return lambda **options: ChatAnthropic(
        model="claude-sonnet-5", base_url=provider.url, api_key="a-key-for-tests", max_retries=0, **options
    )


@pytest.fixture
def install_all(monkeypatch, provider):
    clean_environment(monkeypatch)
    monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "true")
    made = []

    def install(kinds):
        while made:
            made.pop().uninstrument()
        telemetry = Telemetry()
        for kind in kinds:
            made.append(kind())
            made[-1].instrument(**telemetry.providers)
        return telemetry

    yield install
    for one in made:
        one.uninstrument()


def outcome(do, *given):
    """What a program sees: a result without the ids that differ each time, or an exception."""
    try:
        return re.sub(r"lc_[\w-]+|[0-9a-f]{8}-[0-9a-f-]{27}|[a-z]+-\d{8}", "<id>", _told(do(*given)))
    except Exception as error:
        return f"{type(error).__name__}: {str(error)[:60]}"


def _told(value):
    """Texts of what was returned: runs in parallel come back in any order."""
    found = value if isinstance(value, list) else [value]
    return str(sorted(_texts(one) for one in found))


def _texts(value):
    if isinstance(value, dict):
        return str(sorted((str(name), _texts(one)) for name, one in value.items()))
    if isinstance(value, (list, tuple)):
        return str([_texts(one) for one in value])
    return f"{type(value).__name__} {getattr(value, 'content', value)}"


def sound(telemetry, root):
    """One tree below the program's own span, every span ended once and as the registry says, usage on leaves alone."""
    while telemetry.unbalanced():  # tasks and threads that the program has left behind; the test's time is limited
        complete(asyncio.sleep(0.01))
    ids = {span.context.span_id for span in telemetry.spans} | {root.context.span_id}
    ours = [span for span in telemetry.spans if span.context.span_id != root.context.span_id]
    assert [span.name for span in ours if span.parent is None or span.parent.span_id not in ids] == []
    assert [(span.name, found) for span in ours if (found := violations(span))] == []
    assert [found for metric in telemetry.metrics.values() if (found := metric_violations(metric))] == []
    assert [
        span.name for span in ours if span not in telemetry.leaves and "gen_ai.usage.input_tokens" in span.attributes
    ] == []
    assert telemetry.measured() == telemetry.usage()
    return ours


def run_traced(install, provider, kinds, do, *script):
    """The telemetry of a program, a span of its own around it, whose outcome is that of the bare program."""
    gc.freeze()  # what is there already costs no time in the collection below
    provider.script(*script)
    bare = do()
    complete(_what_is_left_behind())
    provider.reset()
    provider.script(*script)
    telemetry = install(kinds)
    before = trace.get_current_span()
    with telemetry.tracer_provider.get_tracer("app").start_as_current_span("request") as root:
        assert do() == bare
        assert trace.get_current_span() is root
    assert trace.get_current_span() is before
    gc.collect()
    return telemetry, sound(telemetry, root)


async def _what_is_left_behind():
    gc.collect()
    while tasks := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(tasks)


def called(name, model, way, question="hello"):
    program = PROGRAMS[name]
    runnable, given = program.make(model), (program.given(question), program.given(f"{question} again"))
    return outcome(WAYS[way], runnable, *given)


def names(spans):
    return sorted(re.sub(r"^chat .*", CHAT, span.name) for span in spans)


def expected(name, way):
    return sorted(PROGRAMS[name].spans * (2 if "batch" in way else 1))


def billed(provider):
    total = provider.ledger.total()
    return Counts(total.input, total.output)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", PROGRAMS)
def test_each_request_is_one_span_of_the_tree_with_what_was_billed(install_all, provider, gpt, name, way):
    script = [Reply(status=503)] if name == "retry" else []
    telemetry, spans = run_traced(install_all, provider, THREE, lambda: called(name, gpt(), way), *script)
    assert telemetry.usage() == billed(provider)
    assert telemetry.usage() != Counts(0, 0) or name == "retry"  # streams are not tried again
    assert len(telemetry.leaves) == len(provider.ledger)
    if name != "retry":
        assert names(spans) == expected(name, way)


@pytest.mark.parametrize("way", FEW_WAYS)
@pytest.mark.parametrize("name", ["model", "chain", "structured output", "parallel", "agent", "send"])
def test_usage_is_the_same_under_one_and_two_instrumentors(install_all, provider, gpt, name, way):
    telemetry, spans = run_traced(install_all, provider, ONE, lambda: called(name, gpt(), way))
    assert telemetry.usage() == billed(provider) != Counts(0, 0)
    assert names(spans) == [CHAT] * len(provider.ledger)
    telemetry, spans = run_traced(install_all, provider, (LangChainInstrumentor,), lambda: called(name, gpt(), way))
    assert telemetry.usage() == billed(provider) != Counts(0, 0)
    assert names(spans) == expected(name, way)
    telemetry, spans = run_traced(install_all, provider, TWO, lambda: called(name, gpt(), way))
    assert telemetry.usage() == billed(provider) != Counts(0, 0)
    assert names(spans) == expected(name, way)


@pytest.mark.parametrize("way", FEW_WAYS)
@pytest.mark.parametrize("name", PROGRAMS)
def test_errors_are_the_programs_and_are_on_every_span_that_they_leave(install_all, provider, gpt, name, way):
    telemetry, spans = run_traced(install_all, provider, THREE, lambda: called(name, gpt(), way, ERROR))
    assert telemetry.usage() == billed(provider)
    assert 0 < len(telemetry.leaves) <= len(provider.ledger)  # where it sends in threads, the bare one's late ones too
    whole = [span.name for span in spans if verdict.failed(span) is None]
    assert whole == ([CHAT_OF_HOOK] * (2 if "batch" in way else 1) if name == "middleware" else [])


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("name", [name for name in PROGRAMS if name != "custom runnable"])  # its stream is one piece
def test_streams_closed_early_end_every_span_without_error(install_all, provider, gpt, name, asynchronous):
    if asynchronous and name == "fallbacks":
        pytest.skip("the bare program cannot do it twice: langchain-core leaves the stream inside open")

    async def first(runnable, given):
        async with aclosing(runnable.astream(given)) as stream:
            return type(await anext(stream)).__name__

    def do():
        runnable, given = PROGRAMS[name].make(gpt()), PROGRAMS[name].given("hello")
        if asynchronous:
            return outcome(lambda: complete(first(runnable, given)))
        with closing(runnable.stream(given)) as stream:
            return outcome(lambda: type(next(stream)).__name__)

    telemetry, spans = run_traced(install_all, provider, THREE, do)
    total, usage = billed(provider), telemetry.usage()
    assert (usage.input <= total.input, usage.output <= total.output) == (True, True)
    errors = {verdict.failed(span) for span in spans if name != "fallbacks"}
    assert errors <= {None, "CancelledError"}  # LangGraph cancels the nodes that it has no use for


@pytest.mark.parametrize("name", PROGRAMS)
def test_cancelled_programs_end_every_span(install_all, provider, gpt, name):
    async def cancelled():
        runnable, given = PROGRAMS[name].make(gpt()), PROGRAMS[name].given("hello")
        task = asyncio.ensure_future(runnable.ainvoke(given))
        while not len(provider.ledger):  # noqa: ASYNC110 - it fills up in another thread
            await asyncio.sleep(0.005)
        task.cancel()
        return str(await asyncio.gather(task, return_exceptions=True))[:20]

    script = [Reply(hang=1)] * 3
    telemetry, _ = run_traced(install_all, provider, THREE, lambda: complete(cancelled()), *script)
    assert telemetry.usage() == Counts(0, 0)


@pytest.mark.parametrize("way", FEW_WAYS)
@pytest.mark.parametrize("name", ["model", "chain", "agent", "send"])
def test_claude(install_all, provider, claude, name, way):
    telemetry, spans = run_traced(install_all, provider, THREE, lambda: called(name, claude(), way))
    assert telemetry.usage() == billed(provider) != Counts(0, 0)
    assert names(spans) == expected(name, way)


@pytest.mark.parametrize("way", WAYS)
def test_responses_api(install_all, provider, gpt, way):
    telemetry, spans = run_traced(
        install_all, provider, THREE, lambda: called("agent", gpt(use_responses_api=True), way)
    )
    assert telemetry.usage() == billed(provider) != Counts(0, 0)
    assert names(spans) == expected("agent", way)
    assert {entry.path for entry in provider.ledger} == {"/v1/responses"}


@pytest.mark.skipif(find_spec("deepagents") is None, reason="deepagents needs Python 3.11")
@pytest.mark.parametrize("way", WAYS)
def test_deep_agent(install_all, provider, gpt, way):
    from deepagents import create_deep_agent

    agent = create_deep_agent(model=gpt(), tools=[get_weather], name="researcher")
    given = [{"messages": [("user", f"[[rounds=1]] {question}")]} for question in ("hello", "again")]
    telemetry, spans = run_traced(install_all, provider, THREE, lambda: outcome(WAYS[way], agent, *given))
    assert telemetry.usage() == billed(provider) != Counts(0, 0)
    assert len(telemetry.leaves) == len(provider.ledger)
    assert {one for one in names(spans) if "execute_tool" not in one} == {"invoke_agent researcher", CHAT}
