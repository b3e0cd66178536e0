"""What MLflow's list of traces shows of a trace whose first span is not ours, such as that of a web request.

MLflow takes question, answer and tags of a row from the first span alone.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, cast

from opentelemetry import context as otel
from opentelemetry import trace

from genspan._core.guard import Guard
from genspan._core.routes.seen_ids import Recent
from genspan._core.user_context import facts
from genspan.mlflow.span_copy import with_attributes
from genspan_semconv import attributes as names
from genspan_semconv.encode import dumps
from genspan_semconv.model import obj, seq

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import ReadableSpan, Span

_OWN_SCOPES: Final = "genspan."
_SHOWN: Final = frozenset(("CHAT_MODEL", "LLM", "AGENT", "CHAIN"))
"""Types of spans that ask and answer; others have arguments, vectors, documents."""
_ASKED: Final = (names.MLFLOW_SPAN_INPUTS, names.GEN_AI_INPUT_MESSAGES)
_ANSWERED: Final = (names.MLFLOW_SPAN_OUTPUTS, names.GEN_AI_OUTPUT_MESSAGES)
_MAX_CHARACTERS: Final = 20_000
"""Of a text that is kept until the first span ends; the list shows 1,000."""


class Previews:
    """The first question and the last answer below each span that has no parent in the process, until it ends."""

    def __init__(self) -> None:
        self._tops = Recent[int, int]()
        """For each span that runs, the id of the topmost around it."""
        self._found = Recent[int, dict[str, str]]()
        """What the topmost span will show, by its id."""

    def started(self, span: Span, parent_context: Context | None) -> None:
        """Note what a span runs in, and the tags that the program gives the trace there."""
        identity = span.get_span_context().span_id
        around = trace.get_current_span(parent_context).get_span_context()
        if not around.is_valid or around.is_remote:
            self._tops.put(identity, identity)
            return
        top = self._tops.get(around.span_id)
        if top is not None:
            self._tops.put(identity, top)
            said = facts(otel.get_current() if parent_context is None else parent_context).first
            if said and top in self._tops:
                self._found.put(top, {**cast("dict[str, str]", said), **self._found.get(top, {})})

    def ended(self, span: ReadableSpan) -> ReadableSpan:
        """The span as MLflow is to see it."""
        identity = span.context.span_id if span.context else 0
        top = self._tops.pop(identity, None)
        if top is None or top != identity:
            if top is not None and top in self._tops:
                self._keep(top, span.attributes or {})
            return span
        found = self._found.pop(identity, None)
        scope = span.instrumentation_scope
        if not found or (scope is not None and scope.name.startswith(_OWN_SCOPES)):
            return span
        return with_attributes(span, _missing(found, span.attributes or {}))

    def _keep(self, top: int, attributes: Mapping[str, Any]) -> None:
        if attributes.get(names.MLFLOW_SPAN_TYPE) not in _SHOWN:
            return
        asked, answered = attributes.get(names.MLFLOW_SPAN_INPUTS), attributes.get(names.MLFLOW_SPAN_OUTPUTS)
        if not (asked or answered):
            return
        found = dict(self._found.get(top, {}))
        if asked:
            found.setdefault(names.MLFLOW_SPAN_INPUTS, _short(asked))
        if answered:
            found[names.MLFLOW_SPAN_OUTPUTS] = _short(answered)
        self._found.put(top, found)


def _missing(found: Mapping[str, str], there: Mapping[str, object]) -> dict[str, str]:
    """What the span does not say itself."""
    said = {ours[0] for ours in (_ASKED, _ANSWERED) if any(name in there for name in ours)}
    return {name: value for name, value in found.items() if name not in said and name not in there}


def _short(content: str) -> str:
    """The content, or where it is long its part that the list shows: the last question, or the first answer."""
    if len(content) <= _MAX_CHARACTERS:
        return content
    with Guard("preview of a trace"):
        read = obj(json.loads(content))
        messages = [obj(message) for message in seq(read.get("messages"))]
        messages += [obj(obj(choice).get("message")) for choice in seq(read.get("choices"))[:1]]
        shown = [message for message in messages if message.get("role") == "user" or "choices" in read]
        if shown:
            message = {"role": shown[-1].get("role"), "content": _text(shown[-1].get("content"))}
            return dumps({"choices": [{"message": message}]} if "choices" in read else {"messages": [message]})
    return content[:_MAX_CHARACTERS]


def _text(content: object) -> str:
    texts = [content] if isinstance(content, str) else [str(obj(part).get("text") or "") for part in seq(content)]
    return "".join(texts)[:_MAX_CHARACTERS]
