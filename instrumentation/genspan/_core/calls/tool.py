"""One run of a tool, whoever runs it: an ``execute_tool`` span that is current while the tool runs."""

from __future__ import annotations

from time import perf_counter, time_ns
from typing import TYPE_CHECKING, Final, NamedTuple

from opentelemetry import context as otel

from genspan._core.calls.scope import Scope
from genspan._core.calls.turn import Turn
from genspan._core.context import TOOL, TURN, going_on, outside, suppressed, with_span
from genspan._core.emit import errors, run_content
from genspan._core.emit.metrics import RunMeasurement
from genspan._core.emit.redaction import NO_SECRETS
from genspan._core.guard import Guard, swallow
from genspan_semconv import attributes as names

if TYPE_CHECKING:
    from collections.abc import Callable

    from genspan._core.emit.errors import Failure
    from genspan._core.emit.telemetry import Telemetry
    from genspan_semconv.model import AttributeValue


def open_tool(
    telemetry: Telemetry,
    describe: Callable[[], Tool],
    cause: Callable[[BaseException], BaseException] = lambda error: error,
    began: int | None = None,
) -> ToolRun | None:
    """Begin a run, or ``None`` where nobody listens or it is suppressed.

    ``began`` (nanoseconds) is set where the program ran it by itself, and that is seen only when its result is there.
    """
    with Guard("start of a tool"):
        if not telemetry.listening() or suppressed(otel.get_current()):
            return None
        turn = going_on(otel.get_current(), TURN, Turn)
        if turn is not None and began is None:
            turn.release()  # the model call that asked for it is not to blame for what it raises
        return ToolRun(telemetry, describe(), cause, began)
    return None


class Tool(NamedTuple):
    """What is known of a run before it: the tool's name, the id of the model's call, the arguments, what it is for."""

    name: str
    call_id: str | None
    arguments: object
    description: str | None = None


_OVER: Final = Tool("", None, None)


class ToolRun(Scope):
    """``with run:`` encloses the tool; ``run.result`` is what it returned, ``cause(error)`` what it raised.

    Model calls that the tool makes are calls of their own, and children of its span.
    """

    __slots__ = ("_cause", "_secrets", "_started", "_tool", "cause", "code", "result")

    def __init__(
        self,
        telemetry: Telemetry,
        tool: Tool,
        cause: Callable[[BaseException], BaseException],
        began: int | None,
    ) -> None:
        super().__init__(telemetry)
        self._cause = cause
        context = otel.get_current()
        turn = going_on(context, TURN, Turn)
        self._secrets = secrets = turn.secrets if turn is not None else NO_SECRETS
        if turn is not None:
            turn.tool_calls += 1
        self._tool = tool = tool._replace(name=secrets.scrub(tool.name), call_id=secrets.scrub(tool.call_id or ""))
        self.result: object = None
        self.cause: BaseException | None = None
        """The tool's own error, where the SDK swallows it."""
        self.code: str | None = None
        """What went wrong, where there is no exception."""
        self._started = perf_counter() - (0 if began is None else (time_ns() - began) / 1e9)
        self._span = telemetry.start_tool(tool.name, tool.call_id, tool.description, context, began)
        self._context = with_span(outside(context), self._span, TOOL, self)

    def end(self, error: BaseException | None = None) -> None:
        """End the run with what it failed with."""
        if not self._once.acquire(blocking=False):
            return
        failed: Failure | None = None
        try:
            settings = self._telemetry.settings
            error = self.cause or (None if error is None else self._cause(error))
            if error is not None:
                failed = errors.failure(error, settings.span_content, self._secrets)
            elif self.code is not None:
                failed = errors.reported(self.code)
            attributes: dict[str, AttributeValue] = {} if failed is None else {names.ERROR_TYPE: failed.type}
            if settings.span_content and self._span.is_recording():
                content = run_content.of_tool(self._tool.arguments, self.result, failed is None)
                attributes.update(run_content.write(content, settings, self._span, self._secrets))
            self._end_span(attributes, failed, None)
            if self._context is not None:
                measured = {names.GEN_AI_TOOL_NAME: self._tool.name, names.GEN_AI_TOOL_TYPE: "function"}
                run = RunMeasurement("execute_tool", measured, failed.type if failed else None, self._context)
                self._telemetry.measure_run(run, self._started)
        except Exception as failure:
            swallow("end of a tool", failure)
        finally:
            self._let_go()

    def _let_go(self) -> None:
        super()._let_go()
        self._tool, self.result, self.cause, self._secrets = _OVER, None, None, NO_SECRETS


def current_tool() -> ToolRun | None:
    """The run of a tool that is going on."""
    return going_on(otel.get_current(), TOOL, ToolRun)
