"""The SDK's own tracing, replaced by ours while we trace: https://platform.claude.com/docs/en/cli-sdks-libraries/sdks/python.

Every client has a tracer unless it is made without. Without one it makes no spans and sends no trace context.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from opentelemetry import trace

from genspan._core.guard import Guard
from genspan._core.hooks.patches import Patch, Replacement
from genspan.anthropic.tools import loop
from genspan_semconv.model import obj

if TYPE_CHECKING:
    from collections.abc import Mapping

    from genspan._core.calls.turn import Turn
    from genspan._core.emit.telemetry import Telemetry
    from genspan._core.hooks.wrappers import Args, Kwargs, Wrapped, Wrapper


def _no_tracer(telemetry: Telemetry, original: Any) -> Any:
    """``BaseClient._tracer``, a property: none while somebody sees our spans in place of the SDK's."""

    def tracer(client: Any) -> Any:
        return None if telemetry.listening() and telemetry.tracing() else original.fget(client)

    return property(tracer, doc=original.__doc__)


def _runner_span(telemetry: Telemetry) -> Wrapper:
    """``_start_tool_runner_span(client)``: tools that run while the program reads an answer are children of ours."""

    def wrapper(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
        started = wrapped(*args, **kwargs)
        with Guard("start of a tool runner"):
            span = trace.get_current_span()
            if started is None and span.is_recording():
                instance._tool_runner_span = span  # which the SDK makes current, and neither ends nor changes
        return started

    return wrapper


def _work_begins(telemetry: Telemetry) -> Wrapper:
    """``WorkSpan.start(client, work_item)``: what the SDK does for the item runs in the span that stands there."""

    def wrapper(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
        wrapped(*args, **kwargs)
        with Guard("start of a work item"):
            turn = cast("Turn | None", loop.open(telemetry, instance, args, kwargs) if instance.span is None else None)
            if turn is not None:
                with turn:
                    instance.span, instance.turn = trace.get_current_span(), turn

    return wrapper


def _work_ends(telemetry: Telemetry) -> Wrapper:
    """``WorkSpan.end(error=None, *, finished=True)``: it would set the status of ours, too."""

    def wrapper(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
        turn, instance.turn = getattr(instance, "turn", None), None
        if turn is not None:
            instance.span = None
            turn.end(args[0] if args else kwargs.get("error"))
        return wrapped(*args, **kwargs)

    return wrapper


PATCHES = (
    Replacement("anthropic._base_client", "BaseClient._tracer", _no_tracer),
    Patch("anthropic.lib.tools._beta_runner", "BaseToolRunner._start_tool_runner_span", _runner_span),
    Patch("anthropic.lib._tracing._work", "WorkSpan.start", _work_begins),
    Patch("anthropic.lib._tracing._work", "WorkSpan.end", _work_ends),
)


def options(client: Any) -> Mapping[str, object]:
    """A client's ``open_telemetry`` option, as the SDK has completed it."""
    return obj(getattr(client, "_open_telemetry", None))
