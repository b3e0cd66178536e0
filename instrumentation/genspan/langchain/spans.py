"""Spans of agents, workflows, tools and retrievers: opened when a run starts, ended with what it gave or failed with.

They carry no usage, which is on the model calls below them.
"""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Final, NamedTuple

from opentelemetry.trace import SpanKind, set_span_in_context

from genspan._core.calls.scope import Scope
from genspan._core.emit import errors, limits
from genspan._core.emit.redaction import NO_SECRETS
from genspan._core.emit.span_attributes import Writer
from genspan._core.guard import Guard
from genspan.langchain import messages
from genspan_semconv import attributes as names
from genspan_semconv import render_mlflow
from genspan_semconv.encode import dumps

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.context import Context

    from genspan._core.emit.errors import Failure
    from genspan._core.emit.telemetry import Telemetry
    from genspan_semconv.model import AttributeValue, Message

_NO_ERRORS: Final = {"GraphBubbleUp", "GeneratorExit", "StopIteration", "StopAsyncIteration"}
"""Raised where a graph waits for a person or hands over to another, or where a consumer has read enough."""

_ending = Guard("end of a run of LangChain")


class Start(NamedTuple):
    """What is known of a run when it starts: ``given`` is its input, ``attributes`` are those that samplers see."""

    operation: str
    name: str
    given: object
    attributes: Mapping[str, AttributeValue]


class RunSpan(Scope):
    """One span, which carries no usage. Runs below it begin in its ``context``."""

    __slots__ = ("_given", "_name", "_operation", "_started", "context")

    def __init__(self, telemetry: Telemetry, context: Context, start: Start) -> None:
        super().__init__(telemetry)
        self._operation, self._name = start.operation, start.name
        self._given = start.given if telemetry.settings.span_content else None
        self._started = perf_counter()
        attributes = {names.GEN_AI_OPERATION_NAME: start.operation, **render_mlflow.start(start.operation, None)}
        name = f"{start.operation} {start.name}" if start.name else start.operation
        kind = SpanKind.CLIENT if start.operation == "retrieval" else SpanKind.INTERNAL
        self._span = telemetry.start_run(name, {**attributes, **start.attributes}, context, kind)
        self.context = set_span_in_context(self._span, context)

    def end(self, error: BaseException | None = None, result: object = None) -> None:
        """End the run with what it gave or failed with."""
        if not self._once.acquire(blocking=False):
            return
        failed: Failure | None = None
        attributes: dict[str, AttributeValue] = {}
        settings = self._telemetry.settings
        with _ending:
            if error is not None and not any(kind.__name__ in _NO_ERRORS for kind in type(error).__mro__):
                failed = errors.failure(error, settings.span_content, NO_SECRETS)
                attributes[names.ERROR_TYPE] = failed.type
            if settings.span_content and self._span.is_recording():
                attributes.update(self._content(None if failed else result))
        self._end_span(attributes, failed, None)
        if self._operation == "execute_tool":
            error_type = failed.type if failed else None
            self._telemetry.measure_tool(self._name, self._started, error_type, self.context)
        self._given = None
        self._let_go()

    def _content(self, result: object) -> dict[str, AttributeValue]:
        forms: dict[str, object] = {}
        dialects = self._telemetry.settings.dialects
        if "genai" in dialects:
            forms.update(_GENAI[self._operation](self._given, result))
        if "mlflow" in dialects:
            forms[names.MLFLOW_SPAN_INPUTS] = _for_mlflow(self._given)
            forms[names.MLFLOW_SPAN_OUTPUTS] = _for_mlflow(result)
        return Writer(dialects, limits.of_span(self._span).length, NO_SECRETS).write(forms)


def _conversation(given: object, result: object) -> Mapping[str, object]:
    return {names.GEN_AI_INPUT_MESSAGES: _messages(given, "user"), names.GEN_AI_OUTPUT_MESSAGES: _last(result)}


def _tool(given: object, result: object) -> Mapping[str, object]:
    found = {names.GEN_AI_TOOL_CALL_ARGUMENTS: messages.plain(given)}
    if result is not None:  # an object by the conventions
        answered = messages.plain(getattr(result, "content", result))
        found[names.GEN_AI_TOOL_CALL_RESULT] = answered if isinstance(answered, dict) else {"result": answered}
    return found


def _retrieval(given: object, result: object) -> Mapping[str, object]:
    return {
        names.GEN_AI_RETRIEVAL_QUERY_TEXT: given,
        names.GEN_AI_RETRIEVAL_DOCUMENTS: messages.retrieved(result),
    }


_GENAI: Final = {
    "invoke_agent": _conversation,
    "invoke_workflow": _conversation,
    "execute_tool": _tool,
    "retrieval": _retrieval,
}


def _messages(value: object, role: str) -> list[Message]:
    """A value as messages: those that it holds, or one message with its text or JSON."""
    if value is None:
        return []
    if messages.holds_messages(value):
        return messages.messages(value)
    shown = messages.plain(value)
    return [{"role": role, "parts": [{"type": "text", "content": shown if isinstance(shown, str) else dumps(shown)}]}]


def _last(value: object) -> list[Message]:
    """What was answered: of a state with messages, the last of them."""
    return _messages(value, "assistant")[-1:]


def _for_mlflow(value: object) -> object:
    """Messages in the form of a chat, so that MLflow's pages show them as one; anything else as it is."""
    if value is None:
        return None
    if messages.holds_messages(value):
        return {"messages": render_mlflow.conversation(messages.messages(value))}
    return messages.plain(getattr(value, "content", value))
