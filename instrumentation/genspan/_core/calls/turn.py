"""One call of the user's that may take several model calls: it owns them, and is their parent where tools can run."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, cast

from opentelemetry import context as otel
from opentelemetry.trace import SpanKind, StatusCode

from genspan._core.calls.call import open_call
from genspan._core.context import TURN, Attached, emitting, suppressed, with_span
from genspan._core.emit import errors, limits
from genspan._core.emit.last_trace import remember
from genspan._core.guard import Guard
from genspan_semconv import attributes as names
from genspan_semconv.model import Key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType

    from opentelemetry.context import Context
    from opentelemetry.trace import Span

    from genspan._core.calls.call import Call
    from genspan._core.emit.span_attributes import Texts
    from genspan._core.emit.telemetry import Telemetry
    from genspan._core.routes.contract import Request
    from genspan_semconv.model import AttributeValue

AGENT: Final = "invoke_agent"
_MAX_PENDING: Final = 1000

_opening = Guard("start of a turn")
_planning = Guard("tools of a turn")
_ending = Guard("end of a turn")


class Plan:
    """What a wrapper of a user's call knows before it: the request that would fail, and whether tools can run in it."""

    __slots__ = ("agent", "request")

    def __init__(self, request: Callable[[], Request], agent: Callable[[], bool]) -> None:
        self.request = request
        self.agent = agent


def open_turn(telemetry: Telemetry, intend: Callable[[], Plan]) -> Turn | None:
    """Begin a turn, or ``None`` where nobody listens, it is suppressed, or a turn around it owns the calls already."""
    try:
        if not telemetry.listening():
            return None
        context = otel.get_current()
        if TURN in context or suppressed(context):
            return None
        return Turn(telemetry, intend(), context)
    except Exception as error:
        _opening.swallow(error)
        return None


class Turn:
    """``with turn:`` encloses each stretch of SDK code; ``end`` closes what is still open, once."""

    __slots__ = (
        "_attached",
        "_caller",
        "_calls",
        "_inputs",
        "_last",
        "_outputs",
        "_pending",
        "_span",
        "_telemetry",
        "plan",
        "secrets",
    )

    def __init__(self, telemetry: Telemetry, plan: Plan, caller: Context) -> None:
        self._telemetry = telemetry
        self.plan = plan
        self._caller = caller
        self._attached: Attached | None = None
        self._span: Span | None = None
        self._last: Call | None = None
        self._calls = 0
        self._inputs: dict[str, AttributeValue] = {}
        self._outputs: dict[str, AttributeValue] = {}
        self._pending: deque[tuple[str, str | None]] = deque(maxlen=_MAX_PENDING)
        self.secrets: set[str] = set()

    def __enter__(self) -> Turn:
        """Make the turn current. Its span opens at the first time: a stream that nobody reads makes no request."""
        try:
            if self._attached is None:
                self._attached = Attached(self._opened())
            self._attached.attach()
        except Exception as error:
            _opening.swallow(error)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        try:
            if self._attached is not None:
                self._attached.detach()
        except Exception as failure:
            _ending.swallow(failure)

    def _opened(self) -> Context:
        """The context of the turn, and its span where tools can run."""
        try:
            agent = self.plan.agent()
        except Exception as error:
            _planning.swallow(error)
            agent = False
        if not agent:
            return otel.set_value(TURN, self, self._caller)
        self._span = self._telemetry.start_call(AGENT_KEY, self._caller, SpanKind.INTERNAL)
        return with_span(self._caller, self._span, TURN, self)

    def begin(self, call: Call) -> None:
        """Own a call that begins; the one before is over."""
        if self._last is not None:
            self._last.end(ending=None if self._last.finished else "failed")
        self._last = call
        self._calls += 1

    def release(self) -> None:
        """The SDK went on after a whole response: it has been read."""
        if self._last is not None and self._last.finished:
            self._last.end()
            self._last = None

    def leave(self) -> None:
        """The user's call has returned. A stream that it returned, and that is read later, ends by itself."""
        self.release()
        if self._last is not None:
            self._last.disown()
            self._last = None
        self.end()

    def expect(self, calls: Iterable[tuple[str, str | None]]) -> None:
        """Note tool calls that the model asks for, by name and id."""
        self._pending.extend(calls)

    def take(self, name: str) -> str | None:
        """The id of the first call of this name that has not been run."""
        for call in self._pending:
            if call[0] == name:
                self._pending.remove(call)
                return call[1]
        return None

    def keep(self, texts: Texts) -> None:
        """Show the first call's inputs and the last call's outputs as the turn's own."""
        self._inputs = self._inputs or texts.inputs
        self._outputs = texts.outputs

    def end(self, error: BaseException | None = None) -> None:
        """End the turn with what it failed with; the call that the SDK was in takes the blame."""
        try:
            if isinstance(error, errors.NORMAL_ENDS) and not isinstance(error, GeneratorExit):
                error = None
            if error is not None and self._calls == 0 and self._span is None:
                call = open_call(self._telemetry, self.plan.request)
                if call is not None:
                    call.end(error)
            last, self._last = self._last, None
            if last is not None:
                last.end(error)
            if self._span is not None:
                self._end_span(self._span, None if isinstance(error, GeneratorExit) else error)
        except Exception as failure:
            _ending.swallow(failure)

    def _end_span(self, span: Span, error: BaseException | None) -> None:
        busy = emitting.set(True)
        try:
            if span.is_recording():
                show = self._telemetry.settings.span_content
                attributes: dict[str, AttributeValue] = {**self._outputs, **self._inputs}
                if error is not None:
                    failed = errors.failure(error, show, self.secrets)
                    attributes = {names.ERROR_TYPE: failed.type, **attributes}
                    errors.record(span, failed)
                    span.set_status(StatusCode.ERROR, failed.message)
                span.set_attributes(limits.within(attributes, limits.of_span(span)))
            remember(span.get_span_context())
        finally:
            self._span = None
            try:
                span.end()
            finally:
                emitting.reset(busy)


AGENT_KEY: Final = Key(AGENT, "", None, None, None, False)


def current_turn() -> Turn | None:
    """The turn whose SDK code is running."""
    return cast("Turn | None", otel.get_value(TURN))
