"""One call of the user's that may take several model calls: it owns them, and is their parent where tools can run."""

from __future__ import annotations

from collections import deque
from time import perf_counter
from typing import TYPE_CHECKING, Final
from weakref import ref

from opentelemetry import context as otel
from opentelemetry.trace import INVALID_SPAN, SpanKind

from genspan._core.calls.call import open_call
from genspan._core.calls.scope import Scope
from genspan._core.context import CALL, TURN, going_on, outside, suppressed, with_span
from genspan._core.emit import errors
from genspan._core.emit.metrics import RunMeasurement
from genspan._core.emit.redaction import NO_SECRETS
from genspan._core.guard import swallow
from genspan._core.user_context import in_session
from genspan_semconv import attributes as names
from genspan_semconv import render_mlflow
from genspan_semconv.model import Key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from opentelemetry.context import Context

    from genspan._core.calls.call import Call
    from genspan._core.emit.span_attributes import Texts
    from genspan._core.emit.telemetry import Telemetry
    from genspan._core.routes.contract import Request
    from genspan_semconv.model import AttributeValue, Prompt

AGENT: Final = "invoke_agent"
_MAX_PENDING: Final = 1000


def open_turn(
    telemetry: Telemetry, request: Callable[[], Request], agent: Callable[[], bool], session: str | None = None
) -> Turn | None:
    """Begin a turn, or ``None`` where nobody listens, it is suppressed, or a turn around it owns the calls already.

    ``request()`` is the model call that fails where none is begun, ``agent()`` whether tools can run in the turn,
    ``session`` the id of the chat that it is a turn of, if the program names none.
    """
    try:
        if not telemetry.listening():
            return None
        context = otel.get_current()
        if suppressed(context):
            return None
        if going_on(context, CALL, Scope) is not None:
            context = outside(context)  # made by a hook or a transport of that call
        elif going_on(context, TURN, Scope) is not None:
            return None
        if session is not None:
            context = in_session(context, session)
        return Turn(telemetry, request, agent, context)
    except Exception as error:
        swallow("start of a turn", error)
        return None


class Turn(Scope):
    """``with turn:`` encloses each stretch of SDK code; ``end`` closes what is still open, once."""

    __slots__ = (
        *("_caller", "_calls", "_inputs", "_last", "_model", "_outputs", "_pending", "_question"),
        *("_started", "agent", "attributes", "request", "secrets", "tool_calls"),
    )

    def __init__(
        self, telemetry: Telemetry, request: Callable[[], Request], agent: Callable[[], bool], caller: Context
    ) -> None:
        super().__init__(telemetry)
        self.request, self.agent = request, agent
        self._caller: Context | None = caller
        self._last: Call | None = None
        self._calls = 0
        self._model: str | None = None
        self._question = ""
        self._inputs: dict[str, AttributeValue] = {}
        self._outputs: dict[str, AttributeValue] = {}
        self._pending: deque[tuple[str, str | None]] = deque(maxlen=_MAX_PENDING)
        self.secrets = NO_SECRETS
        self.attributes: dict[str, AttributeValue] = {}
        """What else is known of it, for its span."""
        self.tool_calls = 0
        """Runs of tools in it."""
        self._started = perf_counter()

    def __enter__(self) -> Turn:
        """Make the turn current. Its span opens at the first time: a stream that nobody reads makes no request."""
        try:
            if self._caller is not None:
                self._open(self._caller)
        except Exception as error:
            swallow("start of a turn", error)
        return super().__enter__()

    def _open(self, caller: Context) -> None:
        """Make the context of the turn, and its span where tools can run."""
        self._caller = None
        try:
            agent = self.agent()
        except Exception as error:
            swallow("tools of a turn", error)
            agent = False
        if agent:
            self._span = self._telemetry.start_call(AGENT_KEY, caller, SpanKind.INTERNAL)
            self._context = with_span(caller, self._span, TURN, self)
        else:
            self._context = otel.set_value(TURN, ref(self), caller)

    def begin(self, call: Call) -> None:
        """Own a call that begins; the one before is over."""
        if self._last is not None:
            self._last.end(ending=None if self._last.finished else "failed")
        self._last = call
        self._model = self._model or call.request.route.key.model
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

    def keep(self, texts: Texts, prompt: Prompt) -> None:
        """Show the first call's inputs and the last call's outputs as the turn's own, where it has a span."""
        if self._span is not INVALID_SPAN:
            self._inputs = self._inputs or texts.inputs
            self._question = self._question or self.secrets.scrub(render_mlflow.last_question(prompt))
            self._outputs = texts.outputs

    def end(self, error: BaseException | None = None) -> None:
        """End the turn with what it failed with; the call that the SDK was in takes the blame."""
        if not self._once.acquire(blocking=False):
            return
        try:
            if isinstance(error, errors.NORMAL_ENDS) and not isinstance(error, GeneratorExit):
                error = None
            if error is not None and self._calls == 0 and self._span is INVALID_SPAN:
                call = open_call(self._telemetry, self.request)
                if call is not None:
                    call.end(error)
            if self._last is not None:
                self._last.end(error, finalising=False)
            if self._span is not INVALID_SPAN:
                self._describe(error)
        except Exception as failure:
            swallow("end of a turn", failure)
        finally:
            self._let_go()

    def _let_go(self) -> None:
        super()._let_go()
        del self.request, self.agent  # they have the arguments of the user's call
        self._caller = self._last = None
        self._inputs, self._outputs, self.secrets, self._question = {}, {}, NO_SECRETS, ""
        self.attributes = {}
        self._pending.clear()

    def _describe(self, error: BaseException | None) -> None:
        closed = isinstance(error, GeneratorExit)  # perhaps by a finaliser
        attributes, failed = {**self.secrets.scrub_attributes(self.attributes), **self._outputs, **self._inputs}, None
        if getattr(self._span, "parent", None) is None:
            attributes |= render_mlflow.root(render_mlflow.trace_name(AGENT, self._model, self._question))
        if error is not None and not closed:
            failed = errors.failure(error, self._telemetry.settings.span_content, self.secrets)
            attributes = {names.ERROR_TYPE: failed.type, **attributes}
        context = self._context
        self._end_span(attributes, failed, None)
        if context is not None:
            kind = failed.type if failed else None
            run = RunMeasurement(AGENT, {}, kind, context, self._calls, self.tool_calls)
            self._telemetry.measure_run(run, self._started, later=closed)


AGENT_KEY: Final = Key(AGENT, "", None, None, None, False)


def current_turn() -> Turn | None:
    """The turn whose SDK code is running."""
    return going_on(otel.get_current(), TURN, Turn)
