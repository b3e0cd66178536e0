"""Makes one recorded request again through an SDK of the generated base (openai, anthropic), in each way it has."""

from __future__ import annotations

import inspect
from typing import Any, NamedTuple


class Replayed(NamedTuple):
    """The method that makes the request, what it is given, and whether the answer is a stream."""

    resource: Any
    name: str
    passed: dict[str, Any]
    stream: bool
    post: tuple[str, Any]
    """Path and body, for `client.post`."""


async def play(client: Any, call: Replayed, variant: str) -> Any:
    """Make the request and read all of the answer. Errors come out as the SDK raises them."""
    way, _, reads = variant.partition("-")
    stream = {"stream": True} if call.stream else {}
    if way == "post":
        path, body = call.post
        return await maybe(client.post(path, body=body, cast_to=object))
    if way == "manager":
        return await _managed(call.resource.stream(**call.passed))
    if way == "streaming":
        method = getattr(call.resource.with_streaming_response, call.name)
        return await _streaming(method(**call.passed, **stream), reads, call.stream)
    if way == "raw":
        raw = await maybe(getattr(call.resource.with_raw_response, call.name)(**call.passed, **stream))
        return await _read(await maybe(raw.parse()), call.stream)
    method = call.resource.parse if way == "parse" else getattr(call.resource, call.name)
    return await _read(await maybe(method(**call.passed, **stream)), call.stream)


async def maybe(value: Any) -> Any:
    return await value if inspect.isawaitable(value) else value


async def _read(result: Any, stream: bool) -> Any:
    if not stream:
        return result
    return [chunk async for chunk in result] if hasattr(result, "__aiter__") else list(result)


async def _managed(manager: Any) -> Any:
    if hasattr(manager, "__aenter__"):
        async with manager as events:
            return [event async for event in events]
    with manager as events:
        return list(events)


async def _streaming(manager: Any, reads: str, stream: bool) -> Any:
    if hasattr(manager, "__aenter__"):
        async with manager as response:
            return await _body(response, reads, stream)
    with manager as response:
        return await _body(response, reads, stream)


async def _body(response: Any, reads: str, stream: bool) -> Any:
    if reads == "json":
        return await maybe(response.json())
    if reads == "parse":
        return await _read(await maybe(response.parse()), stream)
    pieces = response.iter_lines() if reads == "lines" else response.iter_bytes()
    return [piece async for piece in pieces] if hasattr(pieces, "__aiter__") else list(pieces)
