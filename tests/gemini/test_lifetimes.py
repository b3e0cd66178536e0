"""What is let go of is let go: no stream or client is kept alive, memory stays flat, and finalisers never deadlock."""

from __future__ import annotations

import asyncio
import gc
import inspect
import os
import subprocess
import sys
import textwrap
import weakref
from collections import Counter
from pathlib import Path

import pytest

import genspan
from tests.support import surfaces, verdict
from tests.support.collector import wait_until
from tests.support.provider import Reply
from tests.support.telemetry import DURATION

ROOT = Path(__file__).resolve().parents[2]
CALL = {"model": surfaces.MODEL, "contents": "hello"}


class Payload(str):
    """Something of the user's that can be watched."""

    __slots__ = ("__weakref__",)


@pytest.mark.parametrize("read", [0, 1, 2, 99])
def test_an_abandoned_stream_is_freed_at_once(provider, install, client, read):
    """Without the collector, as the bare SDK's is: what it holds of the connection goes with it."""
    telemetry = install(CAPTURE="true")
    gc.collect()
    gc.disable()
    try:
        stream = client.models.generate_content_stream(**CALL)
        for _ in range(read):
            next(stream, None)
        watched = weakref.ref(stream)
        frame = weakref.ref(stream.gi_frame.f_locals.get("generator")) if stream.gi_frame and read == 1 else None
        del stream
        assert watched() is None
        assert frame is None or frame() is None
    finally:
        gc.enable()
    assert telemetry.unbalanced() == {}
    assert len(telemetry.spans) == (1 if read else 0)


def test_an_abandoned_async_stream_is_freed(provider, install, client):
    telemetry = install(CAPTURE="true")

    async def main():
        stream = await client.aio.models.generate_content_stream(**CALL)
        await anext(stream)
        watched = weakref.ref(stream)
        del stream
        for _ in range(20):
            await asyncio.sleep(0.001)
        assert len(telemetry.spans) == 1, "ended without the collector"
        gc.collect()
        assert watched() is None
        await client.aio.aclose()

    asyncio.run(main())
    assert telemetry.unbalanced() == {}


def test_a_client_and_its_answers_are_not_kept(provider, install):
    install(CAPTURE="SPAN_AND_EVENT")
    client = surfaces.make_client(provider.url)
    chat = client.chats.create(model=surfaces.MODEL)
    answer = chat.send_message("hello")
    list(chat.send_message_stream("again"))
    watched = [weakref.ref(one) for one in (client, client._api_client, chat, answer)]
    client.close()
    del client, chat, answer
    gc.collect()
    assert [one() for one in watched] == [None] * 4


def test_arguments_are_not_kept(provider, install, client):
    install(CAPTURE="true")

    def tool(city: str) -> str:
        """Get the weather of a city."""
        return "fine"

    prompt = Payload("hello")
    client.models.generate_content(model=surfaces.MODEL, contents=prompt, config={"tools": [tool]})
    watched = weakref.ref(prompt), weakref.ref(tool)
    del prompt, tool
    gc.collect()
    assert [one() for one in watched] == [None, None]


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("how", ["exhausted", "abandoned", "failed", "closed"])
def test_memory_is_flat(provider, install, client, how, is_async):
    telemetry = install(CAPTURE="true")
    if how == "failed":
        provider.script(*[Reply(cut=1)] * 80)

    def one():
        stream = client.models.generate_content_stream(**CALL)
        next(stream)
        if how == "closed":
            stream.close()
        elif how in ("exhausted", "failed"):
            try:
                list(stream)
            except Exception:
                assert how == "failed"

    async def aone():
        stream = await client.aio.models.generate_content_stream(**CALL)
        await anext(stream)
        if how == "closed":
            await stream.aclose()
        elif how in ("exhausted", "failed"):
            try:
                [chunk async for chunk in stream]
            except Exception:
                assert how == "failed"

    async def many(number):
        for _ in range(number):
            await aone()
            await asyncio.sleep(0)
        await client.aio.aclose()

    def rounds(number):
        if is_async:
            asyncio.run(many(number))
        else:
            [one() for _ in range(number)]
        telemetry.clear()
        provider.ledger.clear()
        gc.collect()

    rounds(20)
    before = _live()
    rounds(20)
    # The server of the same process is done with its side a little later.
    wait_until(lambda: (_live() - before).total() < 20, "as many objects as after the first rounds", seconds=60)


def _live() -> Counter[str]:
    """The objects of ours and of the SDK that are alive, by class. Counts, not bytes: a loaded machine has the same."""
    gc.collect()
    kinds = Counter(f"{type(one).__module__}.{type(one).__qualname__}" for one in gc.get_objects())
    return Counter({kind: count for kind, count in kinds.items() if kind.startswith(("genspan", "google.genai"))})


def test_a_long_stream_keeps_its_content_bounded(provider, install, client):
    """Text that goes on is one part; nothing is kept per chunk but the text."""
    telemetry = install(CAPTURE="true")
    chunk = {"candidates": [{"content": {"parts": [{"text": "word "}], "role": "model"}}]}
    last = {"candidates": [{"content": {"parts": [{"text": "."}]}, "finishReason": "STOP"}]}
    provider.script(Reply(chunks=[chunk] * 3000 + [last]))
    assert len(list(client.models.generate_content_stream(**CALL))) == 3001
    (span,) = telemetry.spans
    assert span.attributes["gen_ai.output.messages"].count("word ") == 3000
    assert span.attributes["gen_ai.output.messages"].count('"type":"text"') == 1


def test_without_capture_no_content_is_gathered(provider, install, client):
    from genspan.gemini import generate_content

    telemetry = install()
    gathered = []
    original = generate_content.Fold.content
    generate_content.Fold.content = lambda self, chunk: gathered.append(chunk)
    try:
        list(client.models.generate_content_stream(**CALL))
    finally:
        generate_content.Fold.content = original
    assert gathered == []
    verdict.billed(telemetry, provider)


def test_metrics_left_by_a_finaliser_come_at_the_next_call(provider, install, client):
    """A finaliser may run while the SDK holds a lock: it ends the span and leaves the rest."""
    telemetry = install()
    response = client._api_client.request_streamed("post", f"models/{surfaces.MODEL}:streamGenerateContent?alt=sse", {})
    next(response)
    del response  # no turn owns this one: the tap's finaliser is what notices
    gc.collect()
    assert len(telemetry.spans) == 1
    ended = telemetry.spans[0]
    assert verdict.ended(ended) in ("dropped", "closed")
    client.models.generate_content(**CALL)
    assert sum(point.count for point in telemetry.points(DURATION)) == 2
    assert telemetry.measured() == telemetry.usage()


def test_generators_are_generators(provider, install, client):
    install()
    stream = client.models.generate_content_stream(**CALL)
    assert inspect.isgenerator(stream)
    assert inspect.getgeneratorstate(stream) == "GEN_CREATED"
    assert stream.__name__ == "generate_content_stream"
    next(stream)
    assert inspect.getgeneratorstate(stream) == "GEN_SUSPENDED"
    stream.close()
    assert inspect.getgeneratorstate(stream) == "GEN_CLOSED"


DEADLOCK = """
import asyncio, faulthandler, gc, sys, threading
faulthandler.dump_traceback_later(50, exit=True)
from tests.support import surfaces
from tests.support.provider import FakeProvider
from tests.support.telemetry import Telemetry
import genspan

with FakeProvider() as provider:
    client = surfaces.make_client(provider.url)
    telemetry = Telemetry()
    genspan.instrument(**telemetry.providers)
    gc.set_threshold(1, 1, 1)

    class Cycle:
        def __init__(self, stream):
            self.me, self.stream = self, stream

    def work():
        for number in range(8):
            stream = client.models.generate_content_stream(model=surfaces.MODEL, contents="hello")
            next(stream)
            Cycle(stream)
            path = "models/gemini-2.5-flash:streamGenerateContent?alt=sse"
            raw = client._api_client.request_streamed("post", path, {})
            next(raw)
            Cycle(raw)
            del stream, raw
            client.models.generate_content(model=surfaces.MODEL, contents="hello")

    async def awork():
        for number in range(4):
            stream = await client.aio.models.generate_content_stream(model=surfaces.MODEL, contents="hello")
            await anext(stream)
            Cycle(stream)
            del stream
        await client.aio.aclose()

    threads = [threading.Thread(target=work) for _ in range(3)]
    [thread.start() for thread in threads]
    asyncio.run(awork())
    [thread.join() for thread in threads]
    gc.set_threshold(700, 10, 10)
    gc.collect()
    client.models.generate_content(model=surfaces.MODEL, contents="hello")
    assert telemetry.unbalanced() == {}, telemetry.unbalanced()
    assert telemetry.started == 3 * 24 + 4 + 1, telemetry.started
    assert telemetry.measured() == telemetry.usage()
    genspan.uninstrument()
    print("done")
"""


def test_collection_at_every_allocation_does_not_deadlock():
    path = os.pathsep.join([str(ROOT), str(ROOT / "instrumentation"), str(ROOT / "semconv")])
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(DEADLOCK)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.stdout.strip() == "done", done.stderr[-3000:]


def test_tracing_goes_on_after_many_instruments(provider, client):
    """A setting-up that is undone leaves nothing that grows with each call."""
    from tests.support.telemetry import Telemetry

    for _ in range(5):
        telemetry = Telemetry()
        genspan.instrument(**telemetry.providers)
        client.models.generate_content(**CALL)
        genspan.uninstrument()
        assert len(telemetry.spans) == 1
