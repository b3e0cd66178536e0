"""Makes one recorded request again through an SDK of the generated base (openai, anthropic), in each way it has."""

from __future__ import annotations

import asyncio
import inspect
import json
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

# Of some recordings the SDK itself cannot read the answer; what it raises is the program's, and the span says so.
_UNREADABLE = (ValueError, TypeError, AttributeError, KeyError, AssertionError, IndexError, RuntimeError)


class Replayed(NamedTuple):
    """The method that makes the request, what it is given, and whether the answer is a stream."""

    resource: Any
    name: str
    passed: dict[str, Any]
    stream: bool
    post: tuple[str, Any]
    """Path and body, for `client.post`."""


async def each(
    drive: ModuleType, client: Any, recording: Any, provider: Any, telemetry: Any, checked: Callable[..., Any]
) -> None:
    """Make a request in every way that `drive` has for it: the spans must have the same attributes.

    `checked(span, recording, error)` gives those, or None where the SDK could not read the answer.
    """
    seen = {}
    variants = [one for one in drive.variants(recording) if drive.lacks(client, recording, one) == ""]
    if not variants:
        pytest.skip(drive.lacks(client, recording, "create"))
    for variant in variants:
        provider.reset()
        provider.replay(recording)
        telemetry.clear()
        error = None
        try:
            await drive.play(client, recording, variant)
        except (drive.ERROR, *_UNREADABLE) as raised:
            error = raised
        (span,) = telemetry.spans
        found = checked(span, recording, error)
        if found is not None:
            seen[json.dumps(found, sort_keys=True, default=str)] = variant
        if (recording.body or {}).get("background"):
            return  # usage of one response counts once
    assert len(seen) == 1, seen


def each_async(drive: ModuleType, recording: Any, provider: Any, telemetry: Any, checked: Callable[..., Any]) -> None:
    """The same by an asynchronous client."""

    async def main() -> None:
        async with drive.client_for(provider.url, recording, is_async=True) as client:
            await each(drive, client, recording, provider, telemetry, checked)

    asyncio.run(main())


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
