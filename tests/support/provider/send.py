"""Writes one answer to the socket, faults included, and notes in the ledger what really went out."""

from __future__ import annotations

import asyncio
import json
from itertools import count
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tests.support.provider.script import UNSET, Reply
from tests.support.provider.wire import Answer, Request, Route, Wire

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.provider.ledger import Entry

_LONGEST_WAIT = 30.0


async def send(
    http: web.Request, request: Request, wire: Wire, route: Route, reply: Reply, entry: Entry
) -> web.StreamResponse:
    if reply.hang:
        await asyncio.sleep(reply.hang)  # the server cancels this when the client hangs up
        return _break_off(http)
    await asyncio.sleep(reply.delay)
    answer = _answer(request, wire, route, reply)
    entry.status = answer.status
    if answer.chunks is None:
        return await _send_plain(http, wire, answer, reply, entry)
    return await _send_stream(http, wire, answer, reply, entry)


def _answer(request: Request, wire: Wire, route: Route, reply: Reply) -> Answer:
    if reply.frames is not None:
        return Answer(chunks=reply.frames, frame=bytes, status=reply.status, content_type="text/event-stream")
    if reply.body is not UNSET:
        return Answer(body=reply.body, status=reply.status)
    if reply.status >= 400:
        message = _echoed(request, wire, reply)
        return Answer(body=wire.error(reply.status, message), status=reply.status)
    answer = route.handler(request, reply)
    if reply.chunks is not None:
        answer.chunks = reply.chunks
    return answer


def _echoed(request: Request, wire: Wire, reply: Reply) -> str:
    if reply.echo == "prompt":
        return f"{reply.message}: {wire.prompt(request.body)}"
    if reply.echo == "key":
        headers = {name.lower(): value for name, value in request.headers.items()}
        names = ("x-goog-api-key", "x-api-key", "api-key", "authorization")
        keys = [headers[name] for name in names if name in headers] or [request.query.get("key", "")]
        return f"{reply.message}: API key not valid: {' '.join(keys)}"
    return reply.message


def _headers(answer: Answer, reply: Reply) -> dict[str, str]:
    headers = {"Content-Type": answer.content_type, **reply.headers}
    if reply.retry_after:
        headers["Retry-After"] = reply.retry_after
    return headers


def _note(wire: Wire, entry: Entry, payload: Any) -> None:
    """Charge what this body or chunk says. A failed request is not billed."""
    usage = wire.usage(payload) if entry.status < 400 else None
    if usage is not None:
        entry.usage, entry.bill = usage, wire.bill(usage)


def _parsed(payload: Any) -> Any:
    if not isinstance(payload, bytes):
        return payload
    try:
        return json.loads(payload)
    except ValueError:
        return None


async def _send_plain(http: web.Request, wire: Wire, answer: Answer, reply: Reply, entry: Entry) -> web.StreamResponse:
    body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
    response = web.StreamResponse(status=answer.status, headers=_headers(answer, reply))
    response.content_length = len(body)
    await response.prepare(http)
    if reply.cut is not None or reply.cut_mid is not None:
        await response.write(body[: len(body) // 2])
        return _break_off(http, response)
    # Noted before the last byte goes out: the client may look at the ledger as soon as it has that byte.
    _note(wire, entry, _parsed(answer.body))
    entry.complete = True
    await response.write(body)
    await response.write_eof()
    return response


async def _send_stream(http: web.Request, wire: Wire, answer: Answer, reply: Reply, entry: Entry) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.status, headers=_headers(answer, reply))
    await response.prepare(http)
    chunks = list(answer.chunks or ())
    frame = answer.frame or bytes
    try:
        for number, chunk in enumerate(_chunks(wire, answer, chunks, reply)):
            if number == reply.hold:
                await asyncio.sleep(_LONGEST_WAIT)
                return _break_off(http, response)
            if number in (reply.cut, reply.cut_mid):
                half = frame(chunk)[: len(frame(chunk)) // 2]
                await response.write(half if number == reply.cut_mid else b"")
                return _break_off(http, response)
            _note(wire, entry, _event(chunk))
            entry.sent = number + 1
            failed = reply.error_in_stream is not None
            entry.complete = not reply.endless and not failed and entry.sent == len(chunks)
            await response.write(frame(chunk))
            await asyncio.sleep(reply.slow if entry.sent < len(chunks) or reply.endless else 0)
        if {reply.cut, reply.cut_mid, reply.hold} & {len(chunks)}:
            entry.complete = False
            return _break_off(http, response)
        entry.complete = reply.error_in_stream is None
        await response.write(answer.last_frame)
        await response.write_eof()
    except (ConnectionError, asyncio.CancelledError):
        entry.complete = False  # the client has hung up
        raise
    return response


def _chunks(wire: Wire, answer: Answer, chunks: list[Any], reply: Reply) -> Iterator[Any]:
    if reply.error_in_stream is not None:
        yield from chunks[: reply.error_in_stream]
        yield wire.error(reply.error_status, reply.message)
        return
    if reply.endless and answer.filler:
        yield from map(answer.filler, count())
    yield from chunks


def _event(chunk: Any) -> Any:
    """The JSON of a raw server-sent-event frame; a chunk that is JSON already is itself."""
    if not isinstance(chunk, bytes):
        return chunk
    lines = [line.removeprefix(b"data:") for line in chunk.splitlines() if line.startswith(b"data:")]
    return _parsed(b"\n".join(lines) if lines else chunk)


def _break_off(http: web.Request, response: web.StreamResponse | None = None) -> web.StreamResponse:
    """Close the socket without the end that the client waits for."""
    if http.transport is not None:
        http.transport.abort()
    return response if response is not None else web.Response()
