"""Writes one answer to the socket, faults included, and notes in the ledger what really went out."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tests.support.provider.script import UNSET, Reply
from tests.support.provider.wire import Answer, Request, Route, Wire

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.provider.ledger import Entry

_LONGEST_WAIT = 30.0
_KEY_HEADERS = ("x-goog-api-key", "x-api-key", "api-key", "authorization")


@dataclass(slots=True)
class Sender:
    """One request and its one answer."""

    http: web.Request
    request: Request
    wire: Wire
    route: Route
    reply: Reply
    entry: Entry

    async def send(self) -> web.StreamResponse:
        # Whatever waits here is cancelled by the server as soon as the client hangs up.
        if self.reply.hang:
            await asyncio.sleep(self.reply.hang)
            return self._break_off(web.Response())
        await asyncio.sleep(self.reply.delay)
        self.reply = replace(self.reply, message=self._message())
        answer = self._answer()
        self.entry.status = answer.status
        response = web.StreamResponse(status=answer.status, headers=self._headers(answer))
        try:
            send = self._plain if answer.chunks is None else self._stream
            return await send(response, answer)
        except (ConnectionError, asyncio.CancelledError):
            self.entry.complete = False
            raise

    # What to send

    def _answer(self) -> Answer:
        reply = self.reply
        if reply.frames is not None:
            return Answer(chunks=reply.frames, frame=bytes, status=reply.status, content_type="text/event-stream")
        if reply.body is not UNSET:
            return Answer(body=reply.body, status=reply.status)
        if reply.status >= 400:
            return Answer(body=self.wire.error(reply.status, reply.message), status=reply.status)
        answer = self.route.handler(self.request, reply)
        return answer if reply.chunks is None else replace(answer, chunks=reply.chunks)

    def _message(self) -> str:
        if self.reply.echo == "prompt":
            return f"{self.reply.message}: {self.wire.prompt(self.request.body)}"
        if self.reply.echo == "key":
            headers = {name.lower(): value for name, value in self.request.headers.items()}
            keys = [headers[name] for name in _KEY_HEADERS if name in headers]
            return f"{self.reply.message}: API key not valid: {' '.join(keys) or self.request.query.get('key')}"
        return self.reply.message

    def _headers(self, answer: Answer) -> dict[str, str]:
        later = {"Retry-After": self.reply.retry_after} if self.reply.retry_after else {}
        return {"Content-Type": answer.content_type, **self.reply.headers, **later}

    # Sending. The ledger is written before the bytes: the client may look at it as soon as it has them.

    async def _plain(self, response: web.StreamResponse, answer: Answer) -> web.StreamResponse:
        body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
        response.content_length = len(body)
        if self.reply.cut is not None or self.reply.cut_mid is not None:
            await response.prepare(self.http)
            await response.write(body[: len(body) // 2])
            return self._break_off(response)
        self._note(_parsed(answer.body))
        self.entry.complete = True
        await response.prepare(self.http)
        await response.write(body)
        await response.write_eof()
        return response

    async def _stream(self, response: web.StreamResponse, answer: Answer) -> web.StreamResponse:
        reply, entry = self.reply, self.entry
        chunks = list(answer.chunks or ())
        stops = {reply.cut, reply.cut_mid, reply.hold}
        whole = len(chunks) not in stops and reply.error_in_stream is None and not reply.endless
        entry.complete = whole and not chunks
        await response.prepare(self.http)
        for chunk in self._chunks(answer, chunks):
            frame = (answer.frame or bytes)(chunk)
            if entry.sent in stops:
                return await self._stop(response, frame)
            self._note(_event(chunk))
            entry.sent += 1
            entry.complete = whole and entry.sent == len(chunks)
            await response.write(frame)
            await asyncio.sleep(0 if entry.complete else reply.slow)
        if entry.sent in stops:
            return await self._stop(response, answer.last_frame)
        await response.write(answer.last_frame)
        await response.write_eof()
        return response

    def _chunks(self, answer: Answer, chunks: list[Any]) -> Iterator[Any]:
        if self.reply.error_in_stream is not None:
            yield from chunks[: self.reply.error_in_stream]
            yield self.wire.error(self.reply.error_status, self.reply.message)
            return
        if self.reply.endless and answer.filler:
            yield from map(answer.filler, count())
        yield from chunks

    async def _stop(self, response: web.StreamResponse, frame: bytes) -> web.StreamResponse:
        """The stream goes no further: held, or cut before or in the middle of this frame."""
        if self.entry.sent == self.reply.hold:
            await asyncio.sleep(_LONGEST_WAIT)
        if self.entry.sent == self.reply.cut_mid:
            await response.write(frame[: len(frame) // 2])
        return self._break_off(response)

    def _note(self, payload: Any) -> None:
        """Charge what this body or chunk says. A failed request is not billed."""
        if not self.route.bills or self.entry.status >= 400:
            return
        usage = self.wire.usage(payload)
        if usage is not None:
            usage = usage if self.entry.usage is None else self.wire.merge(self.entry.usage, usage)
            self.entry.usage, self.entry.bill = usage, self.wire.bill(usage)

    def _break_off(self, response: web.StreamResponse) -> web.StreamResponse:
        """Close the socket without the end that the client waits for."""
        if self.http.transport is not None:
            self.http.transport.abort()
        return response


def _parsed(payload: Any) -> Any:
    if not isinstance(payload, bytes):
        return payload
    try:
        return json.loads(payload)
    except ValueError:
        return None


def _event(chunk: Any) -> Any:
    """The JSON of a raw server-sent-event frame; a chunk that is JSON already is itself."""
    if not isinstance(chunk, bytes):
        return chunk
    lines = [line.removeprefix(b"data:") for line in chunk.splitlines() if line.startswith(b"data:")]
    return _parsed(b"\n".join(lines) if lines else chunk)
