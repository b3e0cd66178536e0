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
from genspan_semconv.model import obj

if TYPE_CHECKING:
    from types import TracebackType

    from genspan._core.calls.tool import ToolRun
    from genspan._core.emit.telemetry import Telemetry
    from genspan._core.hooks.wrappers import Args, Kwargs, Wrapped, Wrapper

_RUNNER, _SESSION, _TOOLSET = (
    f"anthropic.lib.tools.{module}" for module in ("_beta_runner", "_beta_session_runner", "_toolsets._runnable")
)

_failing = Guard("error of a tool")
_ending = Guard("result of a tool")


loop = stainless.loop(messages, "anthropic")


def _describe(kwargs: Kwargs) -> Tool:
    """``tool_use_span(client, tool, *, tool_use_id, tool_name, input, ...)``: the answer has been read by then."""
    turn = current_turn()
    if turn is not None:
        turn.release()
    return Tool(kwargs["tool_name"], kwargs["tool_use_id"], kwargs["input"])


def _span(telemetry: Telemetry) -> Wrapper:
    """What the SDK makes a span of its own of, where it traces by itself."""

    def wrapper(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
        manager = wrapped(*args, **kwargs)
        run = open_tool(telemetry, partial(_describe, kwargs))
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
        with _ending:  # what the SDK tells the model of the run
            result = obj(self._entered.result)
            self._run.result = result.get("content")
            self._run.code = "tool_error" if result.get("is_error") is True else None
        self._run.__exit__(kind, error, traceback)
        self._run.end(error)
        return self._manager.__exit__(kind, error, traceback)


def _error(telemetry: Telemetry) -> Wrapper:
    """``tool_error_content(exc)``, ``member_error_result(tool_use, exc)``: the SDK swallows what a tool raises."""

    def wrapper(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
        with _failing:
            run = current_tool()
            if run is not None:
                run.cause = kwargs["exc"] if "exc" in kwargs else args[-1]
        return wrapped(*args, **kwargs)

    return wrapper


PATCHES = (
    Patch(_RUNNER, "BaseSyncToolRunner.__run__", wrappers.generator(loop)),
    Patch(_RUNNER, "BaseAsyncToolRunner.__run__", wrappers.generator(loop)),
    *(Patch(module, "tool_use_span", _span) for module in (_RUNNER, _SESSION)),
    *(Patch(module, "tool_error_content", _error) for module in (_RUNNER, _SESSION)),
    Patch(_TOOLSET, "member_error_result", _error),
)
