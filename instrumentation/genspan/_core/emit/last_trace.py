"""Which trace a model call last ended in: of this task or thread, else of the process."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.trace import SpanContext

_here: ContextVar[int] = ContextVar("genspan-last-trace", default=0)
_anywhere = 0


def remember(span: SpanContext) -> None:
    """Note the trace of a span that ended just now."""
    global _anywhere  # noqa: PLW0603  # one word of the process's state, read by last_trace alone
    trace_id = span.trace_id
    if trace_id:
        _here.set(trace_id)
        _anywhere = trace_id


def last_trace() -> int | None:
    """The id of that trace (128 bits), if there was one."""
    return _here.get() or _anywhere or None
