"""The one pair of taps: iterators around those of an SDK or an HTTP client, whose watcher sees each item and the end.

Objects, not generators: a generator that was never started notices nothing when it is dropped. A watcher refers to
nothing of the SDK, so that a stream that is let go of goes at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from genspan._core.guard import Guard

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from genspan._core.calls.call import Call


class Watcher(Protocol):
    """What watches the items that a tap reads."""

    reading: bool
    """Set while the tap waits for an item."""

    def over(self, error: BaseException) -> None:
        """There are no more items: a ``StopIteration``, or what reading raised."""
        ...

    def dropped(self) -> None:
        """The tap was collected, or is no longer referred to. Called in a finaliser."""
        ...


class _Tap:
    __slots__ = ("_parts",)

    def __init__(self, inner: Any, watcher: Watcher, take: Callable[[Any], bool | None] | None) -> None:
        """``take(item)`` is given each item; what it says true to is kept from the program."""
        self._parts = inner, watcher, take  # in one attribute: a class with ``__getattr__`` is slow to give each

    def __getattr__(self, name: str) -> Any:
        return getattr(self._parts[0], name)

    def __del__(self) -> None:
        self._parts[1].dropped()


class Tap(_Tap):
    """Around an iterator."""

    __slots__ = ()

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        inner, watcher, take = self._parts
        while True:
            watcher.reading = True
            try:
                item = next(inner)
            except BaseException as error:
                watcher.reading = False
                watcher.over(error)
                raise
            watcher.reading = False
            if take is None or not take(item):
                return item


class AsyncTap(_Tap):
    """Around an asynchronous iterator."""

    __slots__ = ()

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        inner, watcher, take = self._parts
        while True:
            watcher.reading = True
            try:
                item = await anext(inner)
            except BaseException as error:
                watcher.reading = False
                watcher.over(error)
                raise
            watcher.reading = False
            if take is None or not take(item):
                return item


def tap(inner: Any, watcher: Watcher, take: Callable[[Any], bool | None] | None = None) -> Tap | AsyncTap:
    """The tap for an iterator of either kind."""
    return (AsyncTap if hasattr(inner, "__anext__") else Tap)(inner, watcher, take)


def tap_chunks(inner: Any, call: Call, read: Callable[[Any], object] | None = None) -> Tap | AsyncTap:
    """Tell a call of the chunks of its answer; ``read(chunk)`` gives their JSON where they are objects of the SDK."""
    if read is None:
        return tap(inner, _CallWatcher(call), call.chunk)

    def take(chunk: Any) -> None:
        with Guard("chunk of a stream"):
            if call.watching:
                call.chunk(read(chunk))

    return tap(inner, _CallWatcher(call), take)


class _CallWatcher:
    """Sees to it that a call ends with its stream."""

    __slots__ = ("_call", "_open", "reading")

    def __init__(self, call: Call) -> None:
        self._call = call
        self._open = True
        self.reading = False

    def over(self, error: BaseException) -> None:
        """The end of the stream."""
        self._open = False
        if isinstance(error, (StopIteration, StopAsyncIteration)):
            self._call.finish()
        else:
            self._call.end(error, finalising=False)

    def dropped(self) -> None:
        """Where a turn owns the call, the frame that holds the tap may be unwinding with an error, which that sees."""
        if self._open and not self._call.owned:
            self._call.end(ending="dropped", finalising=True)
