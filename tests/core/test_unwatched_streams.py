"""A chunk of a stream costs nothing where nobody listens: none of our code runs for it."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

import genspan
from tests.core.test_bodies_in_memory import stream_of
from tests.core.test_nested_calls import Http, library_of, make
from tests.support.endings import drive
from tests.support.telemetry import Telemetry

OURS = str(Path(genspan.__file__).parent)
DELTA = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "x"}}
CHUNKS = {
    "openai": [b'data: {"id":"1","object":"chat.completion.chunk","created":1,"model":"m","choices":[]}\n\n'] * 60,
    "anthropic": [b"event: content_block_delta\ndata: " + json.dumps(DELTA).encode() + b"\n\n"] * 60,
}


def client_of(sdk: str, is_async: bool) -> Any:
    library = library_of(sdk)

    class Body(library.SyncByteStream, library.AsyncByteStream):
        def __iter__(self):
            return iter(CHUNKS[sdk])

        async def __aiter__(self):
            for chunk in CHUNKS[sdk]:
                yield chunk

    def answer(request: Any) -> Any:
        return library.Response(200, headers={"content-type": "text/event-stream"}, stream=Body())

    return make(
        sdk, "http://127.0.0.1:9", is_async, Http(library, is_async).client(transport=library.MockTransport(answer))
    )


async def our_calls(sdk: str, is_async: bool) -> int:
    """Python calls of ours while fifty chunks are read, after the first few."""
    stream = await stream_of(sdk, client_of(sdk, is_async), helper=False)
    for _ in range(5):
        await anext(stream) if is_async else next(stream)
    seen: list[str] = []

    def profile(frame: Any, event: str, argument: Any) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(OURS):
            seen.append(frame.f_code.co_qualname if hasattr(frame.f_code, "co_qualname") else frame.f_code.co_name)

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        for _ in range(50):
            await anext(stream) if is_async else next(stream)
    finally:
        sys.setprofile(before)
    return len(seen)


def measure(sdk: str, is_async: bool) -> int:
    if is_async:
        return asyncio.run(our_calls(sdk, True))
    found: list[int] = []

    async def main() -> None:
        found.append(await our_calls(sdk, False))

    drive(main())
    return found[0]


@pytest.fixture
def switched_on():
    """A function that instruments everything with some providers."""
    yield genspan.instrument
    genspan.uninstrument()


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("sdk", CHUNKS)
def test_chunk_without_a_provider_runs_no_code_of_ours(switched_on, sdk, is_async):
    switched_on()
    assert measure(sdk, is_async) == 0


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("sdk", CHUNKS)
def test_chunk_sampled_out_without_metrics_runs_one_function_of_ours(switched_on, sdk, is_async):
    switched_on(tracer_provider=TracerProvider(sampler=ALWAYS_OFF))
    assert measure(sdk, is_async) <= 50


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("sdk", CHUNKS)
def test_suppressed_chunk_runs_one_function_of_ours(switched_on, sdk, is_async):
    telemetry = Telemetry()
    switched_on(**telemetry.providers)
    with suppress_instrumentation():
        assert measure(sdk, is_async) <= 50
    assert telemetry.spans == []
