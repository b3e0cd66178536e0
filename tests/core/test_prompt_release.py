"""A stream that its reader leaves lets go of its connection at once, as without us: nothing waits for the collector.

A collector that closes a connection in the midst of another request of the same pool can deadlock it.
"""

from __future__ import annotations

import gc
import types
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.sdk.trace import TracerProvider

import genspan
from tests.support.provider import FakeProvider

if TYPE_CHECKING:
    from collections.abc import Callable

_PACKAGES = ("/google/genai/", "/openai/", "/anthropic/", "/httpx", "/httpcore", f"{Path(genspan.__file__).parent}/")


def _gemini(url: str) -> tuple[Any, Any]:
    from google import genai

    client = genai.Client(api_key="a-key-for-tests", http_options={"base_url": url})
    return client, client.models.generate_content_stream(model="gemini-2.5-flash", contents="[[hold=2]] hello")


def _gemini_chat(url: str) -> tuple[Any, Any]:
    from google import genai

    def weather(city: str) -> str:
        """The weather."""
        return city

    client = genai.Client(api_key="a-key-for-tests", http_options={"base_url": url})
    chat = client.chats.create(model="gemini-2.5-flash", config={"tools": [weather]})
    return client, chat.send_message_stream("[[hold=2]] hello")


def _openai(url: str) -> tuple[Any, Any]:
    import openai

    client = openai.OpenAI(api_key="a-key-for-tests", base_url=f"{url}/v1")
    messages: Any = [{"role": "user", "content": "[[hold=2]] hello"}]
    return client, client.chat.completions.create(model="gpt-4.1-mini", messages=messages, stream=True)


def _anthropic(url: str) -> tuple[Any, Any]:
    import anthropic

    client = anthropic.Anthropic(api_key="a-key-for-tests", base_url=url)
    messages: Any = [{"role": "user", "content": "[[hold=2]] hello"}]
    return client, client.messages.create(model="claude-haiku-4-5", max_tokens=64, messages=messages, stream=True)


def _close(stream: Any) -> None:
    next(stream)
    stream.close()


def _drop(stream: Any) -> None:
    next(stream)


def _break(stream: Any) -> None:
    for _ in stream:
        break


def _raise(stream: Any) -> None:
    for _ in stream:
        raise LookupError("the reader's own")


def _alive() -> list[str]:
    """Generators that are suspended inside an SDK, its HTTP client or us."""
    found = [item for item in gc.get_objects() if isinstance(item, types.GeneratorType) and item.gi_frame is not None]
    return sorted(g.__qualname__ for g in found if any(name in g.gi_code.co_filename for name in _PACKAGES))


def _left(make: Callable[[str], Any], leave: Callable[[Any], None]) -> list[str]:
    with FakeProvider() as provider:
        gc.collect()
        gc.disable()
        try:
            before = _alive()
            client, *streams = make(provider.url)
            with suppress(LookupError):
                leave(streams.pop())
            left = _alive()
            client.close()
        finally:
            gc.enable()
    for name in before:
        left.remove(name)
    return left


@pytest.mark.parametrize("leave", [_close, _drop, _break, _raise])
@pytest.mark.parametrize("make", [_gemini, _gemini_chat, _openai, _anthropic])
def test_a_stream_that_is_left_is_released_as_without_us(make, leave):
    bare = _left(make, leave)
    genspan.instrument(tracer_provider=TracerProvider())
    try:
        traced = _left(make, leave)
    finally:
        genspan.uninstrument()
    assert [name for name in traced if name not in bare] == []
