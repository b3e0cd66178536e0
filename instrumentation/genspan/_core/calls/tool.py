"""One run of a tool, whoever runs it: an ``execute_tool`` span that is current while the tool runs."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from opentelemetry import context as otel
from opentelemetry.trace import StatusCode

from genspan._core.context import TOOL, TURN, Attached, emitting, outside, suppressed, with_span
from genspan._core.emit import errors, limits
from genspan._core.emit.span_attributes import Writer
from genspan._core.guard import Guard
from genspan_semconv import attributes as names

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from genspan._core.calls.turn import Turn
    from genspan._core.emit.errors import Failure
    from genspan._core.emit.telemetry import Telemetry
    from genspan_semconv.model import AttributeValue

_opening = Guard("start of a tool")
_ending = Guard("end of a tool")


def open_tool(telemetry: Telemetry, describe: Callable[[], Tool]) -> ToolRun | None:
    """Begin a run, or ``None`` where nobody listens or it is suppressed."""
    with _opening:
        if not telemetry.listening() or suppressed(otel.get_current()):
            return None
        return ToolRun(telemetry, describe())
    return None


class Tool(NamedTuple):
    """What is known of a run before it: the tool's name, the id of the model's call, the arguments."""

    name: str
    call_id: str | None
    arguments: object


class ToolRun:
    """``with run:`` encloses the tool; ``run.result`` is what it returned.

    Model calls that the tool makes are calls of their own, and children of its span.
    """

    __slots__ = (
        "_attached",
        "_context",
        "_secrets",
        "_span",
        "_started",
        "_telemetry",
        "_tool",
        "cause",
        "code",
        "result",
    )

    def __init__(self, telemetry: Telemetry, tool: Tool) -> None:
        context = otel.get_current()
        turn = cast("Turn | None", context.get(TURN))
        self._telemetry = telemetry
        self._tool = tool
        self._secrets = tuple(turn.secrets) if turn is not None else ()
        self.result: object = None
        self.cause: BaseException | None = None
        """The tool's own error, where the SDK wraps it in one of its own or swallows it."""
        self.code: str | None = None
        """What went wrong, where there is no exception."""
        self._started = perf_counter()
        self._span = telemetry.start_tool(tool.name, tool.call_id, context)
        self._context = with_span(outside(context), self._span, TOOL, self)
        self._attached = Attached(self._context)

    def __enter__(self) -> ToolRun:
        self._attached.attach()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._attached.detach()
        error = self.cause or error
        failed: Failure | None = None
        with _ending:
            if error is not None:
                failed = errors.failure(error, self._telemetry.settings.span_content, self._secrets)
            elif self.code is not None:
                failed = errors.reported(self.code)
            self._end(failed)
        self._telemetry.measure_tool(self._tool.name, self._started, failed.type if failed else None, self._context)

    def _end(self, failed: Failure | None) -> None:
        span = self._span
        busy = emitting.set(True)
        try:
            if span.is_recording():
                attributes: dict[str, AttributeValue] = {}
                if failed is not None:
                    attributes[names.ERROR_TYPE] = failed.type
                    errors.record(span, failed)
                    span.set_status(StatusCode.ERROR, failed.message)
                if self._telemetry.settings.span_content:
                    attributes.update(self._content(failed is None))
                span.set_attributes(limits.within(attributes, limits.of_span(span)))
        finally:
            try:
                span.end()
            finally:
                emitting.reset(busy)

    def _content(self, returned: bool) -> dict[str, AttributeValue]:
        settings, forms = self._telemetry.settings, dict[str, object]()
        arguments, result = self._tool.arguments, self.result if returned else None
        if "mlflow" in settings.dialects:
            forms[names.MLFLOW_SPAN_INPUTS] = arguments
            forms[names.MLFLOW_SPAN_OUTPUTS] = result
        if "genai" in settings.dialects:
            forms[names.GEN_AI_TOOL_CALL_ARGUMENTS] = arguments
            if returned:  # an object by the conventions
                forms[names.GEN_AI_TOOL_CALL_RESULT] = result if isinstance(result, dict) else {"result": result}
        return Writer(settings.dialects, limits.of_span(self._span).length, self._secrets).write(forms)


class Around:
    """A context manager of an SDK's with a run around it; ``tell(run, entered)`` says how that went."""

    __slots__ = ("_entered", "_manager", "_run", "_tell")

    def __init__(self, manager: Any, run: ToolRun, tell: Callable[[ToolRun, Any], None]) -> None:
        self._manager, self._run, self._tell = manager, run, tell

    def __enter__(self) -> Any:
        self._run.__enter__()
        self._entered = self._manager.__enter__()
        return self._entered

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> Any:
        with _ending:
            self._tell(self._run, self._entered)
        self._run.__exit__(kind, error, traceback)
        return self._manager.__exit__(kind, error, traceback)


def current_tool() -> ToolRun | None:
    """The run of a tool that is going on."""
    return cast("ToolRun | None", otel.get_value(TOOL))
