"""What must not happen to a program of an SDK of the generated base (openai, anthropic), and what of it is traced.

A test module imports these tests and has a fixture `subject`.
"""

from __future__ import annotations

import asyncio
import gc
import json
import threading
import weakref
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from opentelemetry import trace
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.sdk.trace import SpanLimits
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

from tests.support import verdict
from tests.support.telemetry import DURATION, Counts, Telemetry

if TYPE_CHECKING:
    from collections.abc import Callable


class Subject(NamedTuple):
    """An SDK, and how it is asked for a message."""

    make_client: Callable[..., Any]
    """`make_client(url, is_async)`."""
    resource: Callable[[Any], Any]
    """The resource of a client that has `create`."""
    asked: dict[str, Any]
    streamed: dict[str, Any]
    """What is passed for a stream that says what it cost."""
    key: str
    error: type[Exception]
    """What the SDK raises for an HTTP status."""
    settings: dict[str, str]
    """Of ours, which have us change what is sent."""

    def ask(self, client: Any, **more: Any) -> Any:
        return self.resource(client).create(**{**self.asked, **more})

    def stream(self, client: Any, **more: Any) -> Any:
        return self.ask(client, **self.streamed, **more)


@pytest.fixture
def client(subject, provider):
    with subject.make_client(provider.url, False) as made:
        yield made


def _messages():
    yield {"role": "user", "content": "from a generator"}


ITERABLES = {
    "generator": _messages,
    "map": lambda: map(dict, [{"role": "user", "content": "mapped"}]),
    "dict-view": {"a": {"role": "user", "content": "viewed"}}.values,
    "tuple": lambda: ({"role": "user", "content": "in a tuple"},),
    "iterator": lambda: iter([{"role": "user", "content": "iterated"}]),
}


@pytest.mark.parametrize("name", ITERABLES)
@pytest.mark.parametrize("content", ["true", "false"])
def test_iterables_are_the_sdks_to_consume(install, subject, provider, client, name, content):
    def sent():
        provider.reset()
        try:
            subject.ask(client, messages=ITERABLES[name]())
        except TypeError as error:
            return str(error)
        return provider.ledger[0].raw

    bare = sent()
    telemetry = install(CAPTURE=content)
    assert sent() == bare
    assert len(telemetry.spans) == 1


def test_what_is_passed_is_neither_kept_nor_changed(install, subject, client):
    telemetry = install(CAPTURE="true", **subject.settings)
    messages = [{"role": "user", "content": "first"}]
    headers, extra, query = {"X-Mine": "1"}, {"top_k": 3}, {"q": "1"}
    passed = {"messages": messages, "extra_headers": headers, "extra_body": extra, "extra_query": query}
    before = json.dumps([passed, subject.streamed])
    stream = subject.stream(client, **passed)
    assert json.dumps([passed, subject.streamed]) == before
    messages.append({"role": "user", "content": "added while the answer streams"})
    list(stream)
    (span,) = telemetry.spans
    assert len(json.loads(span.attributes["gen_ai.input.messages"])) == 1
    assert span.attributes["gen_ai.request.top_k"] == 3


@pytest.mark.parametrize("content", ["true", "false"])
@pytest.mark.parametrize("status", [400, 401, 429, 500, 529])
def test_a_key_in_an_error_does_not_leave(install, subject, provider, client, content, status):
    telemetry = install(CAPTURE=content, GENSPAN_DIALECTS="genai,mlflow")
    provider.script({"status": status, "echo": "key"})
    with pytest.raises(subject.error) as caught:
        subject.ask(client, extra_headers={"X-Api-Token": "another-secret-token"})
    assert subject.key in str(caught.value)
    exported = telemetry.exported()
    assert subject.key.encode() not in exported
    assert b"another-secret-token" not in exported
    assert verdict.failed(telemetry.spans[0]) == type(caught.value).__name__


def test_everything_is_put_back(subject, instrumentor, provider, client):
    def places():
        found = []
        for patch in instrumentor._patch_points():
            module = __import__(patch.module, fromlist=["_"]) if _exists(patch.module) else None
            owner, _, name = patch.attribute.rpartition(".")
            holder = getattr(module, owner, None) if owner else module
            found.append(vars(holder).get(name) if holder is not None else None)
        return found

    before = places()
    raw = subject.resource(client).with_raw_response
    telemetry = Telemetry()
    instrumentor.instrument(**telemetry.providers)
    instrumentor.instrument(**telemetry.providers)
    cached = subject.resource(client).with_streaming_response
    raw.create(**subject.asked)
    subject.ask(client)
    assert len(telemetry.spans) == 2
    instrumentor.uninstrument()
    assert places() == before
    with cached.create(**subject.asked) as response:
        response.parse()
    raw.create(**subject.asked)
    subject.ask(client)
    assert len(telemetry.spans) == 2


def _exists(module):
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def test_suppressed_or_unsampled_or_unheard(install, instrumentor, subject, client):
    telemetry = install()
    with suppress_instrumentation():
        subject.ask(client)
        list(subject.stream(client))
    assert telemetry.started == 0
    instrumentor.uninstrument()
    unsampled = install(telemetry=Telemetry(sampler=ALWAYS_OFF))
    list(subject.stream(client))
    subject.ask(client)
    assert unsampled.spans == []
    assert sum(point.count for point in unsampled.points(DURATION)) == 2


def test_nothing_of_the_sdk_is_kept(install, subject, provider):
    install(CAPTURE="true")
    client = subject.make_client(provider.url, False)
    subject.ask(client)
    streams = [subject.stream(client) for _ in range(3)]
    list(streams[0])
    next(streams[1])
    client.close()
    gone = [weakref.ref(one) for one in (client, *streams)]
    del client, streams
    gc.collect()
    assert [one() for one in gone] == [None] * 4


def test_many_at_once(install, subject, provider):
    telemetry = install()

    def work():
        with subject.make_client(provider.url, False) as one:
            for _ in range(5):
                subject.ask(one)
                list(subject.stream(one))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(telemetry.spans) == 40
    total = provider.ledger.total()
    assert telemetry.usage() == telemetry.measured() == Counts(total.input, total.output)


async def test_many_tasks_have_their_own_parents(install, subject, provider):
    telemetry = install()
    tracer = telemetry.tracer_provider.get_tracer("mine")
    client = subject.make_client(provider.url, True)

    async def work(number):
        with tracer.start_as_current_span(f"task {number}") as mine:
            async for _ in await subject.stream(client):
                assert trace.get_current_span() is mine
            return mine.context.span_id

    parents = await asyncio.gather(*(work(number) for number in range(8)))
    await client.close()
    assert sorted(span.parent.span_id for span in telemetry.named("chat")) == sorted(parents)


@pytest.mark.parametrize("limit", [16, 20, 32])
@pytest.mark.parametrize("stream", [False, True])
def test_figures_survive_small_limits(install, subject, provider, client, limit, stream):
    limits = SpanLimits(max_span_attributes=limit, max_span_attribute_length=200)
    telemetry = install(telemetry=Telemetry(limits=limits), CAPTURE="true", GENSPAN_DIALECTS="genai,mlflow")
    messages = [{"role": "user", "content": "long " * 500}]
    if stream:
        list(subject.stream(client, messages=messages))
    else:
        subject.ask(client, messages=messages)
    (span,) = telemetry.spans
    total = provider.ledger.total()
    assert telemetry.usage() == Counts(total.input, total.output)
    assert span.attributes["gen_ai.operation.name"] == "chat"
    assert span.attributes["gen_ai.request.model"] == subject.asked["model"]
    for value in span.attributes.values():
        if isinstance(value, str) and value[:1] in "[{":
            json.loads(value)
