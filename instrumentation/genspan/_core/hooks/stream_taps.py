"""Taps on streams: small iterator objects that see each chunk and the end, whoever causes it.

Objects, not generators: a generator that was never started notices nothing when it is dropped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from genspan._core.guard import Guard

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from genspan._core.calls.call import Call


_reading = Guard("chunk of a stream")


class _Tap:
    __slots__ = ("_call", "_inner", "_open", "_read")

    def __init__(self, call: Call, inner: Any, read: Callable[[Any], object] | None = None) -> None:
        """``read`` gives the JSON of a chunk, where chunks are objects of the SDK's."""
        self._call = call
        self._inner = inner
        self._open = True
        self._read = read

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def _see(self, chunk: object) -> None:
        if self._read is None:
            self._call.chunk(chunk)
        elif self._call.watching:
            with _reading:
                self._call.chunk(self._read(chunk))

    def _over(self, error: BaseException | None = None) -> None:
        self._open = False
        if error is None:
            self._call.finish()
        else:
            self._call.end(error)

    def __del__(self) -> None:
        # Where a turn owns the call, the frame that holds the tap may be unwinding with an error, which the turn sees.
        if self._open and not self._call.owned:
            self._call.end(ending="dropped", finalising=True)


class Tap(_Tap):
    """A synchronous iterator over parsed chunks that tells the call of each."""

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        try:
            chunk = next(self._inner)
        except StopIteration:
            self._over()
            raise
        except BaseException as error:
            self._over(error)
            raise
        self._see(chunk)
        return chunk


class AsyncTap(_Tap):
    """The same for an asynchronous iterator."""

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        try:
            chunk = await anext(self._inner)
        except StopAsyncIteration:
            self._over()
            raise
        except BaseException as error:
            self._over(error)
            raise
        self._see(chunk)
        return chunk
