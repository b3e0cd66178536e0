"""One model call counts once, although the spans of a framework around it report its usage too.

A framework (google-adk, pydantic-ai, ...) sets usage on its own span when our span of the same call has ended, and
often the sum on the spans of agents as well. Backends add up what they get: every call would count twice or more.
"""

from __future__ import annotations

import logging
from threading import Lock
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakValueDictionary

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.trace import SpanProcessor

from genspan._core.guard import swallow
from genspan._core.routes.seen_ids import Recent
from genspan_semconv import attributes as names
from genspan_semconv.usage_attributes import is_result_of_langchain, is_usage

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import Span
    from opentelemetry.trace import TracerProvider

_OWN_SCOPES: Final = "genspan."
_FIGURES: Final = frozenset((names.GEN_AI_USAGE_INPUT_TOKENS, names.GEN_AI_USAGE_OUTPUT_TOKENS))

_logger = logging.getLogger("genspan")
_lock = Lock()
_providers: WeakValueDictionary[int, TracerProvider] = WeakValueDictionary()


def deduplicate_usage(provider: TracerProvider) -> None:
    """Give a provider of the SDK the processor, once. A provider of another kind has no place for one."""
    add: Any = getattr(provider, "add_span_processor", None)
    with _lock:
        if add is None or _providers.get(id(provider)) is provider:
            return
        _providers[id(provider)] = provider  # by its id: Logfire's provider cannot be hashed
        add(UsageDeduplicator())


class UsageDeduplicator(SpanProcessor):
    """Takes usage off the spans of others that surround, or describe, a model call that we have counted.

    A span loses its usage when it ends, in ``on_ending``, before any processor or exporter is given it:

    * if a span of ours runs in it, or has reported usage below it, through any number of spans between; or
    * if it has the ``gen_ai.response.id`` of such a call: litellm and LangSmith make their spans after the call; or
    * if it is LangSmith's of a model run of LangChain, which has no such id, while we trace LangChain's.

    A call of which we know no usage takes none from anybody. Spans are known by their ids, so nothing is kept alive.
    """

    def __init__(self) -> None:
        self._running: dict[int, int] = {}
        """The id of the span around each span of ours that runs, by the id of ours."""
        self._counted_below = Recent[int, bool]()
        """Ids of spans that have not ended, below which usage was reported."""
        self._responses = Recent[object, bool]()
        """Ids of responses whose usage we reported."""
        self._traces_langchain = False
        self._scopes: set[str] = set()

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Note which span one of ours runs in."""
        try:
            if _is_ours(span):
                around = _local_parent(span)
                if around is not None:
                    self._running[span.get_span_context().span_id] = around
        except Exception as error:
            swallow("start of a span of a model call", error)

    def _on_ending(self, span: Span) -> None:
        try:
            is_ours = _is_ours(span)
            if not self._has_been_counted(span, is_ours):
                return
            if not is_ours:
                self._take_usage_off(span)
            around = _local_parent(span)
            if around is not None:
                self._counted_below.put(around, True)
        except Exception as error:
            swallow("usage of a span around model calls", error)

    on_ending = _on_ending  # the name in the specification, where the SDK's is still marked as experimental

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Nothing is buffered here. (The SDK's own says None, for which 1.40 leaves the processors after it out.)"""
        return True

    def _has_been_counted(self, span: Span, is_ours: bool) -> bool:
        """Whether the usage of a span, or of what ran below it, is on a span of ours."""
        identity = span.get_span_context().span_id
        below = self._counted_below.pop(identity, False)
        if is_ours:
            self._running.pop(identity, None)
        if below:
            return True
        attributes = span.attributes or {}
        response = attributes.get(names.GEN_AI_RESPONSE_ID)
        if not is_ours:
            found = identity in self._running.values() or (response is not None and response in self._responses)
            return found or (self._traces_langchain and is_result_of_langchain(attributes))
        if _FIGURES.isdisjoint(attributes):
            return False
        self._traces_langchain = self._traces_langchain or names.GENSPAN_LANGCHAIN_RUN_NAME in attributes
        if response is not None:
            self._responses.put(response, True)
        return True

    def _take_usage_off(self, span: Span) -> None:
        before: Any = span._attributes
        kept = {key: value for key, value in before.items() if not is_usage(key)}
        if len(kept) == len(before):
            return
        after = BoundedAttributes(attributes=kept)
        after.dropped = before.dropped
        span._attributes = after  # an ending span takes no attributes back, and the SDK has no way to remove one
        scope = span.instrumentation_scope.name if span.instrumentation_scope else ""
        if scope not in self._scopes:
            self._scopes.add(scope)
            _logger.info(
                "Spans of %r report the usage of model calls that genspan traces. It is left on genspan's spans alone: "
                "each call counts once. GENSPAN_RIVALS=keep leaves it on both.",
                scope,
            )


def _is_ours(span: Span) -> bool:
    scope = span.instrumentation_scope
    return scope is not None and scope.name.startswith(_OWN_SCOPES)


def _local_parent(span: Span) -> int | None:
    parent = span.parent
    return None if parent is None or parent.is_remote else parent.span_id
