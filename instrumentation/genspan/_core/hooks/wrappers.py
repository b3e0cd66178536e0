"""The only control flow around SDK code: one driver for each kind of function, whatever span is opened around it.

A row of a patch table says both: ``sync(calls(describe, settle))``, ``generator(turns(request, agent))``.
"""

from __future__ import annotations

from asyncio import CancelledError
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from genspan._core.calls.call import open_call
from genspan._core.calls.tool import ToolRun, open_tool
from genspan._core.calls.turn import Turn, open_turn
from genspan._core.guard import Guard

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping

    from genspan._core.calls.scope import Scope
    from genspan._core.calls.tool import Tool
    from genspan._core.emit.telemetry import Telemetry
    from genspan._core.routes.contract import Request

    Args = tuple[Any, ...]
    Kwargs = Mapping[str, Any]
    Wrapped = Callable[..., Any]
    Wrapper = Callable[[Wrapped, Any, Args, Kwargs], Any]
    MakeWrapper = Callable[[Telemetry], Wrapper]
    Describe = Callable[[Any, Args, Kwargs], Request | None]
    Settle = Callable[[Any, Any], Any]


class Kind(NamedTuple):
    """What is opened around a function of an SDK, and what is done with what the function returns."""

    open: Callable[[Telemetry, Any, Args, Kwargs], Scope | None]
    """``open(telemetry, instance, args, kwargs)``; ``None`` where nothing is to be recorded."""
    settle: Settle
    """``settle(scope, result)`` gives the user's result back, and ends the scope or leaves that to who reads it."""


def calls(describe: Describe, settle: Settle) -> Kind:
    """A function that makes one request: ``describe(instance, args, kwargs)`` gives it, if it is a model call."""

    def open_(telemetry: Telemetry, instance: Any, args: Args, kwargs: Kwargs) -> Scope | None:
        return open_call(telemetry, partial(describe, instance, args, kwargs))

    return Kind(open_, settle)


def turns(
    request: Callable[[Any, Args, Kwargs], Request],
    agent: Callable[[Any, Args, Kwargs], bool],
    session: Callable[[Any], str | None] = lambda instance: None,
) -> Kind:
    """A call of the user's that makes model calls: what it would fail as before any, and whether tools can run in it.

    Neither is asked before it matters. ``session(instance)`` is the id of the chat that it is a turn of.
    """

    def open_(telemetry: Telemetry, instance: Any, args: Args, kwargs: Kwargs) -> Scope | None:
        intended, can_run = partial(request, instance, args, kwargs), partial(agent, instance, args, kwargs)
        return open_turn(telemetry, intended, can_run, session(instance))

    return Kind(open_, _leave)


def tools(
    describe: Callable[[Any, Args, Kwargs], Tool],
    result: Callable[[Any], object] = lambda returned: returned,
    cause: Callable[[BaseException], BaseException] = lambda error: error,
) -> Kind:
    """The function of an SDK that runs a tool. ``result(returned)`` and ``cause(error)`` are the tool's own."""

    def open_(telemetry: Telemetry, instance: Any, args: Args, kwargs: Kwargs) -> Scope | None:
        return open_tool(telemetry, partial(describe, instance, args, kwargs), cause)

    def settle(run: Any, returned: Any) -> Any:
        with Guard("result of a tool"):
            cast("ToolRun", run).result = result(returned)
        run.end()
        return returned

    return Kind(open_, settle)


def _leave(turn: Any, result: Any) -> Any:
    cast("Turn", turn).leave()
    return result


def sync(kind: Kind) -> MakeWrapper:
    """Wrap a function."""
    open_, settle = kind

    def make(telemetry: Telemetry) -> Wrapper:
        def wrapper(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
            scope = open_(telemetry, instance, args, kwargs)
            if scope is None:
                return wrapped(*args, **kwargs)
            try:
                with scope:
                    result = wrapped(*args, **kwargs)
            except BaseException as error:
                scope.end(error)
                raise
            return settle(scope, result)

        return wrapper

    return make


def asynchronous(kind: Kind) -> MakeWrapper:
    """Wrap a coroutine function. Nothing begins before it is awaited."""
    open_, settle = kind

    def make(telemetry: Telemetry) -> Wrapper:
        async def wrapper(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
            scope = open_(telemetry, instance, args, kwargs)
            if scope is None:
                return await wrapped(*args, **kwargs)
            try:
                with scope:
                    result = await wrapped(*args, **kwargs)
            except BaseException as error:
                scope.end(error)
                raise
            return settle(scope, result)

        return wrapper

    return make


def generator(kind: Kind) -> MakeWrapper:
    """Wrap a generator function, of either sort. The context is that of the call, whoever reads it where."""

    def make(telemetry: Telemetry) -> Wrapper:
        def wrapper(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
            inner = wrapped(*args, **kwargs)
            scope = kind.open(telemetry, instance, args, kwargs)
            if scope is None:
                return inner
            read = _aread if hasattr(inner, "__anext__") else _read
            return named(read(scope, inner), inner)

        return wrapper

    return make


def awaited_generator(kind: Kind) -> MakeWrapper:
    """Wrap a coroutine function that returns an async generator."""

    def make(telemetry: Telemetry) -> Wrapper:
        async def wrapper(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
            scope = kind.open(telemetry, instance, args, kwargs)
            if scope is None:
                return await wrapped(*args, **kwargs)
            try:
                inner = await wrapped(*args, **kwargs)
            except BaseException as error:
                scope.end(error)
                raise
            return named(_aread(scope, inner), inner)

        return wrapper

    return make


def _read(scope: Scope, generator: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
    """What ``yield from generator`` does, with the turn current only while the generator runs."""
    step: Callable[[], Any] | None = partial(next, generator)
    try:
        while True:
            try:
                with scope:
                    item = step()
            except StopIteration as stop:
                scope.end()
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
            with scope:
                generator.close()
        finally:
            scope.end(error)
        raise


async def _aread(scope: Scope, generator: AsyncGenerator[Any, Any]) -> AsyncGenerator[Any, Any]:
    step: Callable[[], Awaitable[Any]] | None = partial(anext, generator)
    try:
        while True:
            try:
                with scope:
                    item = await step()
            except StopAsyncIteration:
                scope.end()
                return
            try:
                sent = yield item
            except BaseException as error:
                if isinstance(error, (GeneratorExit, CancelledError)):
                    # Also what a loop that ends throws into a generator that was dropped before.
                    scope.end(GeneratorExit())
                step = partial(generator.athrow, error)
            else:
                step = partial(anext, generator) if sent is None else partial(generator.asend, sent)
    except BaseException as error:
        step = None  # as above
        scope.end(error)
        with scope:
            await generator.aclose()
        raise


def named(ours: Any, theirs: Any) -> Any:
    """Give our generator the name of the SDK's."""
    ours.__name__, ours.__qualname__ = theirs.__name__, theirs.__qualname__
    return ours
