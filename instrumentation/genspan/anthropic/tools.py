"""The SDK's loops of model calls and tools: a parent without usage, and a span for each tool that is run."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from genspan._core.calls.tool import Tool, current_tool, open_tool
from genspan._core.calls.turn import current_turn
from genspan._core.guard import Guard
from genspan._core.hooks import stainless, wrappers
from genspan._core.hooks.patches import Patch
from genspan.anthropic import messages
from genspan_semconv.model import obj, text

if TYPE_CHECKING:
    from types import TracebackType

    from genspan._core.calls.scope import Scope
    from genspan._core.calls.tool import ToolRun
    from genspan._core.emit.telemetry import Telemetry
    from genspan._core.hooks.wrappers import Args, Kwargs, Wrapped, Wrapper

_RUNNER, _SESSION, _TOOLSET = (
    f"anthropic.lib.tools.{module}" for module in ("_beta_runner", "_beta_session_runner", "_toolsets._runnable")
)


loop = stainless.loop(messages, "anthropic")


def _describe(args: Args, kwargs: Kwargs) -> Tool:
    """``tool_use_span(client, tool, *, tool_use_id, tool_name, input, ...)``: the answer has been read by then."""
    turn = current_turn()
    if turn is not None:
        turn.release()
    tool = args[1] if len(args) > 1 else kwargs.get("tool")
    return Tool(kwargs["tool_name"], kwargs["tool_use_id"], kwargs["input"], text(getattr(tool, "description", None)))


def _span(telemetry: Telemetry) -> Wrapper:
    """What the SDK makes a span of its own of, where it traces by itself."""

    def wrapper(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
        manager = wrapped(*args, **kwargs)
        run = open_tool(telemetry, partial(_describe, args, kwargs))
        return manager if run is None else Around(manager, run)

    return wrapper


class Around:
    """The SDK's context manager of a run, with ours around it."""

    __slots__ = ("_entered", "_manager", "_run")

    def __init__(self, manager: Any, run: ToolRun) -> None:
        self._manager, self._run = manager, run

    def __enter__(self) -> Any:
        self._run.__enter__()
        self._entered = self._manager.__enter__()
        return self._entered

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> Any:
        with Guard("result of a tool"):  # what the SDK tells the model of the run
            result = obj(self._entered.result)
            self._run.result = result.get("content")
            self._run.code = "tool_error" if result.get("is_error") is True else None
        self._run.__exit__(kind, error, traceback)
        self._run.end(error)
        return self._manager.__exit__(kind, error, traceback)


def _error(telemetry: Telemetry) -> Wrapper:
    """``tool_error_content(exc)``, ``member_error_result(tool_use, exc)``: the SDK swallows what a tool raises."""

    def wrapper(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
        with Guard("error of a tool"):
            run = current_tool()
            if run is not None:
                run.cause = kwargs["exc"] if "exc" in kwargs else args[-1]
        return wrapped(*args, **kwargs)

    return wrapper


# Before 1.10 the SDK has no spans of its own. Its runner calls the tools one after the other, by name.


def _expect_sync(telemetry: Telemetry) -> Wrapper:
    """``BaseSyncToolRunner._generate_tool_call_response()``: runs all tools that the last message asks for."""

    def wrapper(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
        with Guard("tool calls of a message"):
            _expect(instance._get_last_assistant_message_content())
        return wrapped(*args, **kwargs)

    return wrapper


def _expect_async(telemetry: Telemetry) -> Wrapper:
    async def wrapper(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
        with Guard("tool calls of a message"):
            _expect(await instance._get_last_assistant_message_content())
        return await wrapped(*args, **kwargs)

    return wrapper


def _expect(blocks: Any) -> None:
    turn = current_turn()
    if turn is not None:
        turn.release()
        turn.expect((block.name, block.id) for block in blocks or () if block.type == "tool_use")


def _called(instance: Any, args: Args, kwargs: Kwargs) -> Tool:
    """``BetaFunctionTool.call(input)``."""
    turn = current_turn()
    call_id = turn.take(instance.name) if turn is not None else None
    description = text(getattr(instance, "description", None))
    return Tool(instance.name, call_id, args[0] if args else kwargs["input"], description)


_calls = wrappers.tools(_called)


def _open(telemetry: Telemetry, instance: Any, args: Args, kwargs: Kwargs) -> Scope | None:
    """A program may call a tool of its own, too: that is no run of a runner's."""
    by_runner = current_turn() is not None and current_tool() is None
    return _calls.open(telemetry, instance, args, kwargs) if by_runner else None


_SPANS, _BASE_RUNS = "tool_use_span", "BaseSyncToolRunner._handle_request"
_RUNNERS = ("BetaToolRunner", "BetaStreamingToolRunner", "BetaAsyncToolRunner", "BetaAsyncStreamingToolRunner")

_run = _calls._replace(open=_open)

BEFORE_SPANS = (
    Patch(_RUNNER, "BaseSyncToolRunner._generate_tool_call_response", _expect_sync, _SPANS),
    Patch(_RUNNER, "BaseAsyncToolRunner._generate_tool_call_response", _expect_async, _SPANS),
    Patch(_RUNNER, "BetaFunctionTool.call", wrappers.sync(_run), _SPANS),
    Patch(_RUNNER, "BetaAsyncFunctionTool.call", wrappers.asynchronous(_run), _SPANS),
    *(Patch(_RUNNER, f"{name}.__run__", wrappers.generator(loop), _BASE_RUNS) for name in _RUNNERS),
)

PATCHES = (
    *BEFORE_SPANS,
    Patch(_RUNNER, "BaseSyncToolRunner.__run__", wrappers.generator(loop)),
    Patch(_RUNNER, "BaseAsyncToolRunner.__run__", wrappers.generator(loop)),
    *(Patch(module, "tool_use_span", _span) for module in (_RUNNER, _SESSION)),
    *(Patch(module, "tool_error_content", _error) for module in (_RUNNER, _SESSION)),
    Patch(_TOOLSET, "member_error_result", _error),
)
