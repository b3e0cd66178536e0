"""The HTTP client of an SDK, answered from memory."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

try:
    import httpx2 as httpx  # what the newer SDKs use
except ImportError:
    import httpx

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def plain(reply: Any) -> httpx.Client:
    """Answers each request with this JSON."""
    content, headers = json.dumps(reply).encode(), {"content-type": "application/json"}
    return _client(lambda request: httpx.Response(200, headers=headers, content=content))


def answering(reply: Callable[[httpx.Request], Any]) -> httpx.Client:
    """Answers each request with the JSON that is made of it."""
    return _client(lambda request: httpx.Response(200, json=reply(request)))


def streaming(events: Sequence[bytes]) -> httpx.Client:
    """Answers each request with these server-sent events, which arrive one by one."""
    headers = {"content-type": "text/event-stream"}
    return _client(lambda request: httpx.Response(200, headers=headers, content=iter(events)))


def event(data: Any, name: str | None = None) -> bytes:
    """A server-sent event with this JSON."""
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(data)}\n\n".encode()


def _client(answer: Any) -> httpx.Client:
    return httpx.Client(transport=httpx.MockTransport(answer))
