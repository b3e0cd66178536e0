"""Our keys in the OpenTelemetry context, and when a call is not ours to record."""

from __future__ import annotations

import logging
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast
from weakref import ref

from opentelemetry.context import Context, create_key
from opentelemetry.trace import set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from genspan._core.otel_internals import SPAN_KEY, SUPPRESSION_KEYS

if TYPE_CHECKING:
    from opentelemetry.trace import Span

CALL: Final = create_key("genspan-call")
TURN: Final = create_key("genspan-turn")
TOOL: Final = create_key("genspan-tool")
OBSERVER: Final = create_key("genspan-observer")
"""A weak reference to the ``Observer`` (``calls/call.py``) of the model calls that open in the context."""

_T = TypeVar("_T")

# Set by OpenLLMetry and, in opentelemetry-util-genai, by OpenTelemetry's packages around a call that they record.
_RECORDED_BY_OTHERS: Final = (
    "suppress_language_model_instrumentation",
    "opentelemetry.genai.client.inference.context",
    "opentelemetry.genai.client.embedding.context",
    "opentelemetry.genai.client.fetch_response.context",
)
_ASKED: Final = SUPPRESSION_KEYS
_STOPS: Final = frozenset((*_ASKED, *_RECORDED_BY_OTHERS))
_warned: list[bool] = []
_propagator: Final = TraceContextTextMapPropagator()
_logger = logging.getLogger("genspan")

# Set while a span starts or ends: a span processor that calls a model must not trace that call for ever.
emitting: ContextVar[bool] = ContextVar("genspan-emitting", default=False)


def suppressed(context: Context) -> bool:
    """Whether a call made now is not to be recorded: the program asked for that, or somebody else records it."""
    if emitting.get():
        return True
    if _STOPS.isdisjoint(context):  # as good as always
        return False
    if any(map(context.get, _ASKED)):
        return True
    if not any(map(context.get, _RECORDED_BY_OTHERS)):
        return False
    if not _warned:
        _warned.append(True)
        _logger.warning("Another instrumentation records calls of the same SDK; genspan stands aside where it does.")
    return True


def with_span(context: Context, span: Span, key: str, scope: object) -> Context:
    """The context with the span current, and under a key of ours what it is the span of.

    By a weak reference: asyncio copies contexts into its handles, so that a connection keeps one for as long as it is
    open, and with it everything that the context refers to.
    """
    return Context({**context, SPAN_KEY: span, key: ref(scope)})


def going_on(context: Context, key: str, kind: type[_T]) -> _T | None:
    """What was put into the context under a key of ours, if that is still going on."""
    found = context.get(key)
    scope = cast("ref[Any]", found)() if found is not None else None
    return None if scope is None or scope.ended else cast("_T", scope)


def with_value(context: Context, key: str, value: object) -> Context:
    """The context with one more value."""
    return Context({**context, key: value})


def outside(context: Context) -> Context:
    """The context without our keys: what runs in it (a tool of the user's) makes model calls of its own."""
    if CALL not in context and TURN not in context:
        return context
    return Context({key: value for key, value in context.items() if key not in (CALL, TURN)})


def of_span_only(context: Context) -> Context:
    """The span of a context, without what else the program keeps there: for telemetry that has to wait."""
    return Context({SPAN_KEY: context.get(SPAN_KEY)})


def trace_context(span: Span | None = None) -> dict[str, str]:
    """``traceparent`` and ``tracestate`` of a span, or of the current one, as headers. Never ``baggage``."""
    headers: dict[str, str] = {}
    _propagator.inject(headers, None if span is None else set_span_in_context(span))
    return headers
