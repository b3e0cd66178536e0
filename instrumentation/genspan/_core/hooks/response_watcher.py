"""The HTTP body of an answer: a tee on its bytes that notices how it ends, whoever reads it and however.

Works on the response objects of httpx and httpx2, synchronous and asynchronous.
"""

from __future__ import annotations

import re
from collections import deque
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, cast

from genspan._core.guard import Guard, swallow
from genspan._core.hooks.taps import AsyncTap, Tap, tap
from genspan._core.wire.content_encoding import decoder
from genspan._core.wire.json_text import parse
from genspan._core.wire.jsonl import Lines
from genspan._core.wire.sse import events
from genspan_semconv.model import obj

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from weakref import ReferenceType

    from genspan._core.calls.call import Call
    from genspan._core.wire.content_encoding import Decode

KEY: Final = "genspan"
"""Where a response's body is found: ``response.extensions``, which both httpx flavours keep out of pickles."""
UNWATCHED: Final = False
"""What is found there where nobody wants to see the chunks of a stream."""

_MAX_KEPT: Final = 16 << 20
_MAX_TAIL: Final = 4096
_MAX_PIECES: Final = 32
_DONE: Final = re.compile(rb"[\r\n]data: ?\[DONE\]")


class Body:
    """How one body is read. The SDK's parsed chunks count; where it parses none, the bytes do, once all are there.

    It knows the call, and the call knows nothing of it, so that letting go of the response is noticed. It watches the
    tap on the SDK's parsed chunks; ``Raw`` watches the one on the bytes below.
    """

    __slots__ = (
        "_call",
        "_decode",
        "_encoding",
        "_hidden",
        "_hides",
        "_kept",
        "_lines",
        "_over",
        "_pieces",
        "_remake",
        "_size",
        "_streams",
        "_take",
        "iterator",
        "reading",
    )

    def __init__(self, call: Call, response: Any) -> None:
        kind = response.headers.get("content-type", "")
        self._call = call
        self._streams = "event-stream" in kind or call.request.route.key.stream
        self._encoding = response.headers.get("content-encoding", "")
        self._remake: type[Any] = type(response)
        self._lines = Lines(self._encoding) if call.request.lines else None
        kept = (self._streams or "json" in kind) and self._lines is None
        self._kept: deque[bytes] | None = deque() if kept else None
        self._decode = decoder(self._encoding) if self._streams and self._encoding else None
        self._pieces: deque[bytes] = deque((b"\n",), maxlen=_MAX_PIECES)
        """The last decoded bytes of a stream, by which its ``[DONE]`` and its last event are known."""
        self._size = 0
        self._over = False
        self._take = call.chunk if self._streams else call.see
        self._hides = call.request.hides if self._streams else None
        self._hidden = False
        """Whether the chunk that was parsed last is one that we asked for, not the program."""
        self.iterator: ReferenceType[Any] | None = None
        """The SDK's generator of parsed chunks, which closes the response in its ``finally``, also when collected."""
        self.reading = False
        """Whether the tap on parsed chunks is reading: then it sees the end, with the SDK's own exception."""

    def see(self, data: object) -> None:
        """Take what the SDK parsed: the whole of a plain answer, or a chunk."""
        self._kept = None
        if self._hides is not None:
            self._hidden = self._hides(data)
        self._take(data)

    def tap(self, inner: Any) -> Tap | AsyncTap:
        """The tap for the SDK's iterator of parsed chunks."""
        return tap(inner, self, None if self._hides is None else self._takes_back)

    def _takes_back(self, item: Any) -> bool:
        """Whether the program is not given what the SDK makes of a chunk, since it did not ask for that."""
        return self._hidden

    def feed(self, data: bytes) -> None:
        """Take bytes as they came, and keep them as long as nobody parses them (of very many, the last ones)."""
        if not self._encoding:
            self._pieces.append(data)
        elif self._decode is not None:
            self._feed_encoded(data)
        if self._kept is not None:
            self._keep(data)
        elif self._lines is not None:
            self._see_lines(self._lines.feed(data))

    def _keep(self, data: bytes) -> None:
        kept = cast("deque[bytes]", self._kept)
        if self._streams and (self._encoding or b"data:" in data or b":event-type" in data):
            self._call.arrived()
        kept.append(data)
        self._size += len(data)
        while self._size > _MAX_KEPT:
            self._size -= len(kept.popleft())

    def _feed_encoded(self, data: bytes) -> None:
        try:
            self._pieces.append(cast("Decode", self._decode)(data))
        except Exception as error:
            self._decode = None
            swallow("an answer read as bytes", error)

    def read(self, content: bytes) -> None:
        """Take a body that is there whole and decoded."""
        self._encoding = ""
        if self._lines is not None:
            self._lines = Lines("")
            self._see_lines(self._lines.feed(content))
        if self._kept is not None:
            self._kept.append(content)

    def over(self, error: BaseException | None = None) -> None:
        """The last byte, or the last parsed chunk, has been read; or reading raised.

        That may be the connection, or the SDK, which raises what a stream reports as an error.
        """
        if self.reading:
            return
        if error is None or isinstance(error, (StopIteration, StopAsyncIteration)):
            self._end(None, None)
            return
        with Guard("an answer read as bytes"):
            if self._kept is None:
                self._see_error(error)
        self._end(error, None, isinstance(error, GeneratorExit))

    def closed(self) -> None:
        """The response was closed: by the program, or by the SDK's generator when nobody wants it any more."""
        if self.reading:
            return
        iterator = self.iterator() if self.iterator is not None else self
        if iterator is None or getattr(iterator, "gi_running", False):
            self._end(None, "dropped", finalising=True)
        else:
            self._end(None, "closed")

    def dropped(self) -> None:
        """The program let go of what is parsed; the response may go on to be read."""

    def _end(self, error: BaseException | None, ending: str | None, finalising: bool = False) -> None:
        if self._over:
            return
        self._over = True
        with Guard("end of a body"):
            tail = self._tail()
            if b"[DONE]" in tail and _DONE.search(tail) is not None:
                self._call.done_seen = True
            with Guard("an answer read as bytes"):
                ending = self._replay(ending)
            if error is None and ending is None:
                self._call.finish()
            else:
                self._call.end(error, ending, finalising)
        self._pieces.clear()

    def _tail(self) -> bytes:
        return b"".join(self._pieces)[-_MAX_TAIL:] if self._streams else b""

    def _see_lines(self, values: Iterator[object]) -> None:
        with Guard("an answer read as bytes"):
            for value in values:
                self._call.chunk(value)

    def _see_error(self, error: BaseException) -> None:
        """An error event, which the SDK raises in place of handing it on, though it may report usage."""
        for event in events(self._tail()):
            data = obj(parse(event))
            if data.get("error"):
                self._call.chunk(data)
                return
        body = obj(getattr(error, "body", None))  # openai keeps the ``error`` of the event there, anthropic the event
        if body:
            self._call.chunk(body if "error" in body else {"error": body})

    def _replay(self, ending: str | None) -> str | None:
        """Read the bytes that nobody parsed. A reader that stops at ``[DONE]`` has read all."""
        if self._lines is not None:
            self._see_lines(self._lines.end())
        kept, self._kept = self._kept, None
        if not kept or self._call.answered:
            return ending
        raw = b"".join(kept)
        if self._encoding:
            raw = self._remake(200, headers={"content-encoding": self._encoding}, content=raw).content
        if raw.lstrip()[:1] in (b"{", b"["):
            self._call.see(parse(raw))
            return ending
        for event in self._call.request.events(raw):
            if event == b"[DONE]":
                return None
            data = parse(event)
            if data is not None:
                self._call.chunk(data)
        return ending


def watch(call: Call, response: Any) -> Body:
    """Put a tee on a response whose body is not read yet; once."""
    found = response.extensions.get(KEY)
    if isinstance(found, Body):
        return found
    body = response.extensions[KEY] = Body(call, response)
    kind = cast("type[Any]", type(response.stream))
    response.stream = _tee(kind)(response.stream, body)
    return body


def settle(call: Call, result: Any) -> Any:
    """End the call if the answer has been read; if not, leave that to whoever reads it."""
    try:
        response = http_response(result)
        if response is None or not call.watching:
            if response is not None:
                response.extensions.setdefault(KEY, UNWATCHED)
            elif isinstance(result, str) and call.watching:
                call.see(parse(result))  # what a program asked for as text may be JSON
            call.finish()
        elif KEY not in response.extensions:
            if response.is_closed and not hasattr(cast("object", type(result)), "__stream__"):
                _read(call, response)
            else:
                watch(call, response)
    except Exception as error:
        swallow("response of an SDK", error)
        call.end()
    return result


def _read(call: Call, response: Any) -> None:
    """A body that is there whole, of which the SDK may not have looked at more than the status."""
    body = Body(call, response)
    if not call.answered:
        body.read(response.content)
    body.over()


_NOTHING: Final[Mapping[str, Any]] = {}


def http_response(result: Any) -> Any:
    """The HTTP response inside what an SDK returns: a raw response, a stream, a binary content, or itself.

    Looks into ``__dict__``, because asking a pydantic object for what it has not got is slow.
    """
    fields = getattr(result, "__dict__", _NOTHING)
    found = fields.get("http_response", fields.get("response", result))
    return found if "extensions" in getattr(found, "__dict__", _NOTHING) else None


class Raw:
    """Watches the tap on the bytes of a body."""

    __slots__ = ("_body", "reading")

    def __init__(self, body: Body) -> None:
        self._body = body
        self.reading = False

    def over(self, error: BaseException) -> None:
        """The end of the body, unless somebody who reads what is parsed of it sees it better."""
        self._body.over(error)

    def dropped(self) -> None:
        """The tee notices that."""


class _Tee:
    """The byte stream of a response, with somebody who listens. Clients check its class, so it is a subclass of it."""

    def __init__(self, inner: Any, body: Body) -> None:
        self._inner = inner
        self._body = body

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def __iter__(self) -> Tap:
        return Tap(iter(self._inner), Raw(self._body), self._body.feed)

    def __aiter__(self) -> AsyncTap:
        return AsyncTap(aiter(self._inner), Raw(self._body), self._body.feed)

    def close(self) -> None:
        try:
            self._inner.close()
        finally:
            self._body.closed()

    async def aclose(self) -> None:
        try:
            await self._inner.aclose()
        finally:
            self._body.closed()

    def __del__(self) -> None:
        self._body._end(None, "dropped", finalising=True)


@lru_cache(maxsize=64)
def _tee(kind: type) -> type:
    """The tee for one class of byte streams."""
    return type(kind.__name__, (_Tee, kind), {"__module__": kind.__module__})
