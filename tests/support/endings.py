"""What a program may do with a stream, written once for sync and async: in a sync run nothing that is awaited waits."""

from __future__ import annotations

import asyncio
import gc
import threading
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from tests.support.observe import Seen

DONE: Any = object()


class Mine(Exception):
    """Raised by the program, not by the SDK."""


class Reader:
    """A generator, synchronous or asynchronous, behind one face."""

    def __init__(self, stream: Any, is_async: bool, seen: Seen) -> None:
        self.stream = stream
        self.is_async = is_async
        self.seen = seen
        self.first = asyncio.Event()

    async def next(self) -> Any:
        item = await anext(self.stream, DONE) if self.is_async else next(self.stream, DONE)
        self.seen.here("chunk" if item is not DONE else "end")
        if item is not DONE:
            self.seen.result(item)
            self.first.set()
        return item

    async def rest(self) -> None:
        while await self.next() is not DONE:
            pass

    async def close(self) -> None:
        if self.is_async:
            await self.stream.aclose()
        else:
            self.stream.close()

    async def throw(self, error: BaseException) -> Any:
        self.seen.traceless = not self.seen.results
        return await self.stream.athrow(error) if self.is_async else self.stream.throw(error)

    async def drop(self) -> None:
        """Let go of it. The event loop closes an asynchronous one in a task of its own."""
        self.stream = None
        gc.collect()
        for _ in range(10 if self.is_async else 0):
            await asyncio.sleep(0.001)


async def exhausted(reader: Reader) -> None:
    await reader.rest()


async def exhausted_twice(reader: Reader) -> None:
    await reader.rest()
    await reader.rest()
    await reader.close()


async def broken_off(reader: Reader) -> None:
    await reader.next()
    await reader.drop()


async def closed(reader: Reader) -> None:
    await reader.next()
    await reader.close()
    reader.seen.here("closed")
    await reader.rest()


async def closed_unread(reader: Reader) -> None:
    await reader.close()
    await reader.rest()


async def never_read(reader: Reader) -> None:
    await reader.drop()


async def consumer_raises(reader: Reader) -> None:
    try:
        await reader.next()
        raise Mine("in the loop")
    finally:
        await reader.drop()


async def thrown_into(reader: Reader) -> None:
    await reader.next()
    await reader.throw(Mine("thrown"))


async def thrown_into_unread(reader: Reader) -> None:
    await reader.throw(Mine("thrown"))


async def interrupted(reader: Reader) -> None:
    await reader.next()
    await reader.throw(KeyboardInterrupt())


async def closed_by_exit(reader: Reader) -> None:
    await reader.next()
    await reader.throw(GeneratorExit())


async def elsewhere(reader: Reader) -> None:
    """The first chunk here, the rest in another thread or task."""
    await reader.next()
    if reader.is_async:
        await asyncio.create_task(reader.rest())
    else:
        _in_thread(reader.rest())


async def closed_elsewhere(reader: Reader) -> None:
    await reader.next()
    if reader.is_async:
        await asyncio.create_task(reader.close())
    else:
        _in_thread(reader.close())


async def cancelled(reader: Reader) -> None:
    """Cancelled while it waits for the second chunk."""
    task = asyncio.create_task(reader.rest())
    await asyncio.wait_for(reader.first.wait(), 10)
    await asyncio.sleep(0.01)
    task.cancel()
    await task


async def timed_out(reader: Reader) -> None:
    await reader.next()
    await asyncio.wait_for(reader.next(), 0.03)


async def left_open(reader: Reader) -> None:
    """Still open when the event loop ends."""
    await reader.next()
    _kept.append(reader.stream)


_kept: list[Any] = []


def _in_thread(work: Coroutine[Any, Any, None]) -> None:
    failures: list[BaseException] = []

    def run() -> None:
        try:
            drive(work)
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(20)
    if failures:
        raise failures[0]


class Ending(NamedTuple):
    do: Callable[[Reader], Coroutine[Any, Any, None]]
    ends: frozenset[str] = frozenset()
    """What `genspan.response.end` may be; none: the response is whole."""
    error: str | None = None
    """What `error.type` is on the span that was being read."""
    requests: bool = True
    only: str | None = None
    """"sync" or "async"."""
    hold: bool = False
    """The provider sends one chunk and then nothing."""

    def __str__(self) -> str:
        return self.do.__name__


_LET_GO = frozenset({"closed", "dropped"})
_CLOSED = frozenset({"closed"})

ENDINGS = (
    Ending(exhausted),
    Ending(exhausted_twice),
    Ending(broken_off, _LET_GO),
    Ending(closed, _CLOSED),
    Ending(closed_unread, requests=False),
    Ending(never_read, requests=False),
    Ending(consumer_raises, _LET_GO),
    Ending(thrown_into, frozenset({"failed"}), "Mine"),
    Ending(thrown_into_unread, requests=False),
    Ending(interrupted, frozenset({"failed"}), "KeyboardInterrupt", only="sync"),
    Ending(closed_by_exit, _CLOSED),
    Ending(elsewhere),
    Ending(closed_elsewhere, _CLOSED),
    Ending(cancelled, frozenset({"cancelled"}), "CancelledError", only="async", hold=True),
    Ending(timed_out, frozenset({"cancelled"}), "CancelledError", only="async", hold=True),
    Ending(left_open, _LET_GO, only="async"),
)


def drive(work: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine that never waits, here and now."""
    try:
        work.send(None)
    except StopIteration:
        return
    work.close()
    raise AssertionError("a synchronous program waited for something")
