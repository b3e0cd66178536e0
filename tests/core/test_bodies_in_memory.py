"""A stream whose body is in memory already (MockTransport, respx, vcr) and that is closed early ends at the close."""

from __future__ import annotations

import asyncio
import gc
import json
from typing import Any

import pytest

import genspan
from tests.core.test_nested_calls import INNER, SDKS, Http, library_of, make
from tests.support.endings import drive
from tests.support.stainless_surfaces import maybe
from tests.support.telemetry import Telemetry

HEAD = {"id": "1", "type": "message", "role": "assistant", "model": "m", "content": []}
PIECE = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "hello"}}
CHUNKS = {
    "openai": [
        {
            "id": "1",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": "m",
            "choices": [{"index": 0, "delta": {"content": "hello"}}],
        }
    ]
    * 3,
    "anthropic": [{"type": "message_start", "message": {**HEAD, "usage": {"input_tokens": 7}}}, *[PIECE] * 3],
    "gemini": [{"candidates": [{"content": {"role": "model", "parts": [{"text": "hello"}]}}]}] * 3,
}


def client_of(sdk: str, is_async: bool) -> Any:
    body = b"".join(
        (f"event: {chunk['type']}\n" if "type" in chunk else "").encode() + f"data: {json.dumps(chunk)}\n\n".encode()
        for chunk in CHUNKS[sdk]
    )
    library = library_of(sdk)

    def answer(request: Any) -> Any:
        return library.Response(200, headers={"content-type": "text/event-stream"}, content=body)

    http = Http(library, is_async).client(transport=library.MockTransport(answer))
    return make(sdk, "http://127.0.0.1:9", is_async, http)


async def stream_of(sdk: str, client: Any, helper: bool) -> Any:
    messages: Any = [{"role": "user", "content": "hello"}]
    if sdk == "gemini":
        return await maybe(client.models.generate_content_stream(model=INNER[sdk], contents="hello"))
    if sdk == "openai":
        if helper:
            manager = client.chat.completions.stream(model=INNER[sdk], messages=messages)
        else:
            return await maybe(client.chat.completions.create(model=INNER[sdk], messages=messages, stream=True))
    elif helper:
        manager = client.messages.stream(model=INNER[sdk], max_tokens=9, messages=messages)
    else:
        return await maybe(client.messages.create(model=INNER[sdk], max_tokens=9, messages=messages, stream=True))
    return await maybe(manager.__aenter__() if hasattr(manager, "__aenter__") else manager.__enter__())


@pytest.mark.parametrize("read", [0, 1])
@pytest.mark.parametrize("helper", [False, True], ids=["stream", "helper"])
@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("sdk", SDKS)
def test_stream_in_memory_closed_early_ends_at_the_close(sdk, is_async, helper, read):
    if sdk == "gemini" and (helper or not read):
        pytest.skip("has no helpers, and makes no request before its stream is read")
    telemetry = Telemetry()
    genspan.instrument(**telemetry.providers)
    gc.disable()

    async def main() -> None:
        stream = await stream_of(sdk, client_of(sdk, is_async), helper)
        for _ in range(read):
            await anext(stream) if is_async else next(stream)
        assert telemetry.spans == []
        await maybe(stream.aclose() if sdk == "gemini" and is_async else stream.close())
        (span,) = telemetry.spans
        assert span.attributes["genspan.response.partial"] is True
        assert span.attributes["genspan.response.end"] == "closed"

    try:
        asyncio.run(main()) if is_async else drive(main())
    finally:
        gc.enable()
        genspan.uninstrument()
