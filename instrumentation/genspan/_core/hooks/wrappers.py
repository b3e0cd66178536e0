"""The only control flow around SDK code. The async twins are the same lines with ``await``."""

from __future__ import annotations

from asyncio import CancelledError
from functools import partial
from typing import TYPE_CHECKING, Any

from genspan._core.calls.call import open_call
from genspan._core.calls.tool import open_tool
from genspan._core.calls.turn import open_turn

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping

    from genspan._core.calls.call import Call
    from genspan._core.calls.tool import Tool
    from genspan._core.calls.turn import Plan, Turn
    from genspan._core.emit.telemetry import Telemetry
    from genspan._core.routes.contract import Request

    Args = tuple[Any, ...]
    Kwargs = Mapping[str, Any]
    Wrapped = Callable[..., Any]
    Wrapper = Callable[[Wrapped, Any, Args, Kwargs], Any]
    Describe = Callable[[Any, Args, Kwargs], Request | None]
    Settle = Callable[[Call, Any], Any]
    Intend = Callable[[Any, Args, Kwargs], Plan]
    DescribeTool = Callable[[Any, Args, Kwargs], Tool]
    Result = Callable[[Any], object]


def call_sync(telemetry: Telemetry, describe: Describe, settle: Settle) -> Wrapper:
    """Wrap the function that makes one request: ``settle(call, result)`` gives the user's result back."""

    def wrapper(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
        call = open_call(telemetry, partial(describe, instance, args, kwargs))
        if call is None:
            return wrapped(*args, **kwargs)
        with call:
            result = wrapped(*args, **kwargs)
        return settle(call, result)

    return wrapper


def call_async(telemetry: Telemetry, describe: Describe, settle: Settle) -> Wrapper:
    """``call_sync`` for a coroutine function. Nothing begins before it is awaited."""

    async def wrapper(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
        call = open_call(telemetry, partial(describe, instance, args, kwargs))
        if call is None:
            return await wrapped(*args, **kwargs)
        with call:
            result = await wrapped(*args, **kwargs)
        return settle(call, result)

    return wrapper


def turn_sync(telemetry: Telemetry, intend: Intend) -> Wrapper:
    """Wrap a call of the user's that makes model calls."""

    def wrapper(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
        turn = open_turn(telemetry, partial(intend, instance, args, kwargs))
        if turn is None:
            return wrapped(*args, **kwargs)
        try:
            with turn:
                result = wrapped(*args, **kwargs)
        except BaseException as error:
            turn.end(error)
            raise
        turn.leave()
        return result

    return wrapper


def turn_async(telemetry: Telemetry, intend: Intend) -> Wrapper:
    """``turn_sync`` for a coroutine function."""

    async def wrapper(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
        turn = open_turn(telemetry, partial(intend, instance, args, kwargs))
        if turn is None:
            return await wrapped(*args, **kwargs)
        try:
            with turn:
                result = await wrapped(*args, **kwargs)
        except BaseException as error:
            turn.end(error)
            raise
        turn.leave()
        return result

    return wrapper


def turn_generator(telemetry: Telemetry, intend: Intend) -> Wrapper:
    """Wrap a generator function, of either kind. The turn's context is the caller's, whoever reads it where."""

    def wrapper(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
        generator = wrapped(*args, **kwargs)
        turn = open_turn(telemetry, partial(intend, instance, args, kwargs))
        if turn is None:
            return generator
        read = _aread if hasattr(generator, "__anext__") else _read
        return _named(read(turn, generator), generator)

    return wrapper


def turn_async_generator(telemetry: Telemetry, intend: Intend) -> Wrapper:
    """Wrap a coroutine function that returns an async generator."""

    async def wrapper(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
        turn = open_turn(telemetry, partial(intend, instance, args, kwargs))
        if turn is None:
            return await wrapped(*args, **kwargs)
        try:
            generator = await wrapped(*args, **kwargs)
        except BaseException as error:
            turn.end(error)
            raise
        return _named(_aread(turn, generator), generator)

    return wrapper


def tool_sync(telemetry: Telemetry, describe: DescribeTool, result: Result) -> Wrapper:
    """Wrap the function of an SDK that runs a tool; ``result(returned)`` is what the tool itself returned."""

    def wrapper(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
        run = open_tool(telemetry, partial(describe, instance, args, kwargs))
        if run is None:
            return wrapped(*args, **kwargs)
        with run:
            returned = wrapped(*args, **kwargs)
            run.result = result(returned)
        return returned

    return wrapper


def tool_async(telemetry: Telemetry, describe: DescribeTool, result: Result) -> Wrapper:
    """``tool_sync`` for a coroutine function."""

    async def wrapper(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
        run = open_tool(telemetry, partial(describe, instance, args, kwargs))
        if run is None:
            return await wrapped(*args, **kwargs)
        with run:
            returned = await wrapped(*args, **kwargs)
            run.result = result(returned)
        return returned

    return wrapper


def _read(turn: Turn, generator: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
    """What ``yield from generator`` does, with the turn current only while the generator runs."""
    step: Callable[[], Any] | None = partial(next, generator)
    try:
        while True:
            try:
                with turn:
                    item = step()
            except StopIteration as stop:
                turn.end()
                return stop.value
            try:
                sent = yield item
            except BaseException as error:
                step = partial(generator.throw, error)
            else:
                step = partial(next, generator) if sent is None else partial(generator.send, sent)
    except BaseException as error:
        step = None  # it may hold the error, whose traceback holds this frame: a cycle that would keep connections open
        try:
            with turn:
                generator.close()
        finally:
            turn.end(error)
        raise


async def _aread(turn: Turn, generator: AsyncGenerator[Any, Any]) -> AsyncGenerator[Any, Any]:
    step: Callable[[], Awaitable[Any]] | None = partial(anext, generator)
    try:
        while True:
            try:
                with turn:
                    item = await step()
            except StopAsyncIteration:
                turn.end()
                return
            try:
                sent = yield item
            except BaseException as error:
                if isinstance(error, (GeneratorExit, CancelledError)):
                    # Also what a loop that ends throws into a generator that was dropped before.
                    turn.end(GeneratorExit())
                step = partial(generator.athrow, error)
            else:
                step = partial(anext, generator) if sent is None else partial(generator.asend, sent)
    except BaseException as error:
        step = None  # as above
        turn.end(error)
        with turn:
            await generator.aclose()
        raise


def _named(ours: Any, theirs: Any) -> Any:
    """Give our generator the name of the SDK's."""
    ours.__name__, ours.__qualname__ = theirs.__name__, theirs.__qualname__
    return ours
