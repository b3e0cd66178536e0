"""``genspan.context``: what a program says of the calls in a block, and where that goes."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from opentelemetry import baggage, trace
from opentelemetry import context as otel
from opentelemetry.context import Context
from opentelemetry.sdk.trace import TracerProvider

import genspan
from genspan._core.config import read_settings
from genspan._core.emit.telemetry import Telemetry
from genspan_semconv.model import Key

CALL = Key("chat", "openai", "gpt", None, None, False)
EMBEDDINGS = CALL._replace(operation="embeddings")
SAID = (
    *("gen_ai.conversation.id", "session.id", "user.id", "gen_ai.prompt."),
    *("mlflow.traceTag.", "mlflow.experimentName", "mlflow.sourceRun", "mlflow.linkedPrompts"),
)
NAME = "mlflow.traceTag.mlflow.traceName"


@pytest.fixture(autouse=True)
def clean_context():
    token = otel.attach(Context())
    yield
    otel.detach(token)


@pytest.fixture
def spans():
    """``spans()`` starts a span as a model call does, and gives what it says of the program's."""
    provider = TracerProvider(shutdown_on_exit=False)
    telemetry = Telemetry("genspan.tests", read_settings(), provider)
    assert telemetry.tracing()

    def start(key=CALL):
        span = telemetry.start_call(key, otel.get_current(), trace.SpanKind.CLIENT)
        return {name: value for name, value in span.attributes.items() if name.startswith(SAID) and name != NAME}

    start.tracer = provider.get_tracer("program")
    start.ours = lambda: telemetry.start_call(CALL, otel.get_current(), trace.SpanKind.CLIENT)
    return start


NOTHING = {}
SESSION = {"gen_ai.conversation.id": "s", "session.id": "s"}


def test_everything_is_on_the_first_span_of_a_trace(spans):
    with genspan.context(
        session_id="s", user_id="u", tags={"a": "b"}, prompt=("greeting", 2), run_id="r", experiment="billing"
    ):
        assert spans() == SESSION | {
            "user.id": "u",
            "mlflow.traceTag.a": "b",
            "mlflow.traceTag.mlflow.linkedPrompts": '[{"name":"greeting","version":"2"}]',
            "gen_ai.prompt.name": "greeting",
            "gen_ai.prompt.version": "2",
            "mlflow.linkedPrompts": '[{"name":"greeting","version":"2"}]',
            "mlflow.sourceRun": "r",
            "mlflow.experimentName": "billing",
        }
        assert baggage.get_all() == {}
    assert spans() == NOTHING


def test_a_span_below_another_has_no_tags(spans):
    with genspan.context(session_id="s", tags={"a": "b"}), spans.tracer.start_as_current_span("program"):
        assert spans() == SESSION


def test_a_prompt_is_of_calls_that_generate(spans):
    with genspan.context(prompt=("greeting", None)):
        assert spans() == {"gen_ai.prompt.name": "greeting"}
        assert spans(EMBEDDINGS) == NOTHING


def test_inner_blocks_add_to_outer_ones_and_win(spans):
    with genspan.context(session_id="outer", user_id="u", tags={"a": "1", "b": "1"}):
        with genspan.context(session_id="s", tags={"b": "2"}):
            assert spans() == SESSION | {
                "user.id": "u",
                "mlflow.traceTag.a": "1",
                "mlflow.traceTag.b": "2",
            }
        assert spans()["session.id"] == "outer"


def test_session_is_a_short_form(spans):
    with genspan.session("s", user="u", tags={"a": "b"}):
        assert spans() == SESSION | {"user.id": "u", "mlflow.traceTag.a": "b"}


def test_a_trace_stays_where_it_began(spans):
    with genspan.context(experiment="one", run_id="r"):
        top = spans.ours()
    for experiment in ("one", "two", None):
        token = otel.attach(trace.set_span_in_context(top))
        with genspan.context(experiment=experiment):
            found = spans()
        otel.detach(token)
        expected = {"mlflow.experimentName": "one", "mlflow.sourceRun": "r"} if experiment else {}
        assert found == expected


def test_a_trace_of_ours_that_began_nowhere_in_particular_is_not_moved(spans):
    token = otel.attach(trace.set_span_in_context(spans.ours()))
    with genspan.context(experiment="two"):
        assert spans() == NOTHING
    otel.detach(token)


def test_below_a_web_request_the_place_can_still_be_named(spans):
    with spans.tracer.start_as_current_span("GET /"), genspan.context(experiment="two"):
        assert spans() == {"mlflow.experimentName": "two"}


def test_one_object_in_several_threads_and_in_itself(spans):
    tenant = genspan.context(session_id="s")
    barrier, found = threading.Barrier(4, timeout=60), []

    def work():
        with tenant:
            barrier.wait()
            with tenant:
                found.append(spans())
            found.append(spans())
            barrier.wait()
        found.append(spans())

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: work(), range(4)))
    assert (found.count(SESSION), found.count(NOTHING)) == (8, 4)


def test_threads_and_tasks(spans):
    async def main():
        with genspan.context(session_id="s"):
            task = asyncio.create_task(asyncio.to_thread(spans))
            copied = contextvars.copy_context()
        with ThreadPoolExecutor(1) as pool:
            return await task, pool.submit(copied.run, spans).result(), pool.submit(spans).result()

    assert asyncio.run(main()) == (SESSION, SESSION, NOTHING)


def test_left_in_another_context_than_it_was_entered_in(spans, caplog):
    block = genspan.context(session_id="s")
    contextvars.copy_context().run(block.__enter__)
    block.__exit__(None, None, None)
    assert spans() == NOTHING
    assert not caplog.records


def test_decorated_function(spans):
    @genspan.context(session_id="s")
    def work(value, *, more):
        """Doc."""
        return spans(), value, more

    assert work(1, more=2) == (SESSION, 1, 2)
    assert (work.__name__, work.__doc__, spans()) == ("work", "Doc.", NOTHING)


def test_decorated_method_and_coroutine_function(spans):
    class Program:
        @genspan.context(session_id="s")
        async def work(self):
            await asyncio.sleep(0)
            return spans()

    assert inspect.iscoroutinefunction(Program.work)
    assert asyncio.run(Program().work()) == SESSION


def test_a_decorated_function_that_raises(spans):
    @genspan.context(session_id="s")
    def work():
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        work()
    assert spans() == NOTHING


def test_decorated_generator_function(spans):
    @genspan.context(session_id="s")
    def work():
        with spans.tracer.start_as_current_span("inside"):
            sent = yield spans()
            try:
                yield spans(), sent, trace.get_current_span().name
            except KeyError as error:
                yield error.args
        return "end"

    assert inspect.isgeneratorfunction(work)
    steps = work()
    assert next(steps) == SESSION
    assert (spans(), trace.get_current_span()) == (NOTHING, trace.INVALID_SPAN)
    assert steps.send(5) == (SESSION, 5, "inside")
    assert steps.throw(KeyError("mine")) == ("mine",)
    with pytest.raises(StopIteration) as stop:
        next(steps)
    assert stop.value.value == "end"
    assert spans() == NOTHING


def test_decorated_async_generator_function(spans):
    ended = []

    @genspan.context(session_id="s")
    async def work():
        try:
            sent = yield spans()
            yield spans(), sent
        finally:
            await asyncio.sleep(0)
            ended.append(spans())

    async def main():
        steps = work()
        first = await anext(steps)
        between = spans()
        second = await steps.asend(5)
        await steps.aclose()
        return first, between, second, spans()

    assert inspect.isasyncgenfunction(work)
    assert asyncio.run(main()) == (SESSION, NOTHING, (SESSION, 5), NOTHING)
    assert ended == [SESSION]


def test_values_that_are_no_text(spans):
    with genspan.context(session_id=5, user_id=7, tags={"a": 1, 2: None}, prompt=("p", "v")):
        assert spans() == {
            "gen_ai.conversation.id": "5",
            "session.id": "5",
            "user.id": "7",
            "mlflow.traceTag.a": "1",
            "mlflow.traceTag.mlflow.linkedPrompts": '[{"name":"p","version":"v"}]',
            "mlflow.linkedPrompts": '[{"name":"p","version":"v"}]',
            "gen_ai.prompt.name": "p",
            "gen_ai.prompt.version": "v",
        }
