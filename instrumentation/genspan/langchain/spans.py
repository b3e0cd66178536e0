"""Spans of agents, workflows, tools and retrievers: opened when a run starts, ended with what it gave or failed with.

They carry no usage, which is on the model calls below them.
"""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from opentelemetry.trace import SpanKind, set_span_in_context

from genspan._core.calls.scope import Scope
from genspan._core.emit import errors, run_content
from genspan._core.emit.metrics import RunMeasurement
from genspan._core.emit.redaction import NO_SECRETS
from genspan._core.emit.run_content import RunContent
from genspan._core.guard import Guard
from genspan.langchain import messages
from genspan_semconv import attributes as names
from genspan_semconv import render_mlflow
from genspan_semconv.encode import dumps

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from opentelemetry.context import Context

    from genspan._core.emit.errors import Failure
    from genspan._core.emit.redaction import Secrets
    from genspan._core.emit.telemetry import Telemetry
    from genspan_semconv.model import AttributeValue, Message

_NO_ERRORS: Final = {"GraphBubbleUp", "GeneratorExit", "StopIteration", "StopAsyncIteration"}
"""Raised where a graph waits for a person or hands over to another, or where a consumer has read enough."""
_MEASURED: Final[Mapping[str, tuple[str, ...]]] = {
    "invoke_agent": (names.GEN_AI_AGENT_NAME,),
    "invoke_workflow": (names.GEN_AI_WORKFLOW_NAME,),
    "execute_tool": (names.GEN_AI_TOOL_NAME, names.GEN_AI_TOOL_TYPE, names.GEN_AI_AGENT_NAME),
    "retrieval": (names.GEN_AI_OPERATION_NAME,),
}
"""The attributes of a run's span that its metrics have, too."""


class Start(NamedTuple):
    """What is known of a run when it starts: ``given`` is its input, ``attributes`` are those that samplers see."""

    operation: str
    name: str | None
    given: object
    attributes: Mapping[str, AttributeValue]


class End(NamedTuple):
    """How a run ended. ``result`` is ``NOTHING`` where it gave none."""

    error: BaseException | None
    result: object
    secrets: Secrets = NO_SECRETS
    """The credentials of model calls around it and below it."""
    inference_calls: int = 0
    tool_calls: int = 0


NOTHING: Final = object()


class RunSpan(Scope):
    """One span, which carries no usage. Runs below it begin in its ``context``."""

    __slots__ = ("_given", "_measured", "_operation", "_started", "context")

    def __init__(self, telemetry: Telemetry, context: Context, start: Start) -> None:
        super().__init__(telemetry)
        self._operation = start.operation
        self._given = start.given if telemetry.settings.span_content else None
        self._started = perf_counter()
        attributes: dict[str, AttributeValue] = {
            names.GEN_AI_OPERATION_NAME: start.operation,
            **render_mlflow.start(start.operation, None),
            **start.attributes,
        }
        self._measured = {name: attributes[name] for name in _MEASURED[start.operation] if name in attributes}
        name = f"{start.operation} {start.name}" if start.name else start.operation
        kind = SpanKind.CLIENT if start.operation == "retrieval" else SpanKind.INTERNAL
        self._span = telemetry.start_run(name, attributes, context, kind)
        self.context = set_span_in_context(self._span, context)

    def end(self, error: BaseException | None = None) -> None:
        """End the run with what it failed with."""
        self.finish(End(error, NOTHING))

    def finish(self, end: End) -> None:
        """End the run with what it gave or failed with."""
        if not self._once.acquire(blocking=False):
            return
        failed: Failure | None = None
        attributes: dict[str, AttributeValue] = {}
        settings = self._telemetry.settings
        with Guard("end of a run of LangChain"):
            if end.error is not None and not any(kind.__name__ in _NO_ERRORS for kind in type(end.error).__mro__):
                failed = errors.failure(end.error, settings.span_content, end.secrets)
                attributes[names.ERROR_TYPE] = failed.type
            if settings.span_content and self._span.is_recording():
                content = _CONTENT[self._operation](self._given, end.result, settings.dialects)
                attributes.update(run_content.write(content, settings, self._span, end.secrets))
        self._end_span(attributes, failed, None)
        error_type, calls = failed.type if failed else None, (end.inference_calls, end.tool_calls)
        measurement = RunMeasurement(self._operation, self._measured, error_type, self.context, *calls)
        self._telemetry.measure_run(measurement, self._started, later=isinstance(end.error, GeneratorExit))
        self._given = None
        self._let_go()


def _conversation(given: object, result: object, dialects: frozenset[str]) -> RunContent:
    asked, answered = _shown(given, messages.messages), _shown(result, messages.added)
    genai: dict[str, object] = {}
    if "genai" in dialects:
        genai[names.GEN_AI_INPUT_MESSAGES] = _as_messages(asked, "user")
        genai[names.GEN_AI_OUTPUT_MESSAGES] = _as_messages(answered, "assistant")[-1:]
    if "mlflow" not in dialects:
        return RunContent(genai, None, None)
    return RunContent(genai, _for_mlflow(asked), _for_mlflow(answered))


def _tool(given: object, result: object, _: frozenset[str]) -> RunContent:
    returned = result is not NOTHING
    answer = messages.plain(getattr(result, "content", result)) if returned else None
    return run_content.of_tool(messages.plain(given), answer, returned)


def _retrieval(given: object, result: object, _: frozenset[str]) -> RunContent:
    found = None if result is NOTHING else result
    genai = {
        names.GEN_AI_RETRIEVAL_QUERY_TEXT: given,
        names.GEN_AI_RETRIEVAL_DOCUMENTS: messages.retrieved(found),
    }
    return RunContent(genai, given, messages.plain(found))


_CONTENT: Final[Mapping[str, Callable[[object, object, frozenset[str]], RunContent]]] = {
    "invoke_agent": _conversation,
    "invoke_workflow": _conversation,
    "execute_tool": _tool,
    "retrieval": _retrieval,
}


class _Conversation(NamedTuple):
    messages: list[Message]


def _shown(value: object, read: Callable[[object], list[Message]]) -> Any:
    """A value as the messages that are read of it, or as JSON."""
    if value is NOTHING or value is None:
        return None
    if messages.holds_messages(value):
        return _Conversation(read(value))
    return messages.plain(getattr(value, "content", value))


def _as_messages(shown: Any, role: str) -> list[Message]:
    """The messages, or one with the JSON."""
    if isinstance(shown, _Conversation):
        return shown.messages
    if shown is None:
        return []
    return [{"role": role, "parts": [{"type": "text", "content": shown if isinstance(shown, str) else dumps(shown)}]}]


def _for_mlflow(shown: Any) -> object:
    """Messages in the form of a chat, so that MLflow's pages show them as one; anything else as it is."""
    return {"messages": render_mlflow.conversation(shown.messages)} if isinstance(shown, _Conversation) else shown
