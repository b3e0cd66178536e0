"""One batch of spans in as few requests as will store it: MLflow refuses a request whole for one span."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from genspan.mlflow.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from opentelemetry.sdk.trace import ReadableSpan

    from genspan.mlflow.problems import Voice

MAX_REQUEST_BYTES: Final = 8 << 20
"""A request holds about this much content before compression; a larger span goes alone."""
MAX_REQUESTS: Final = 64
"""Three bad spans among 512 take about 50 requests to find; a server that refuses everything must not get 1,023."""


class Store(Protocol):
    """Where spans are kept: a tracking server or a database."""

    def store(self, spans: Sequence[ReadableSpan]) -> None:
        """Stores all of the spans or none. Raises ``Problem``."""

    def close(self) -> None:
        """Stops waiting for anything."""


def deliver(spans: Sequence[ReadableSpan], store: Store, voice: Voice) -> bool:
    """Stores what can be stored; True if that was all of it."""
    pending = list(_requests(spans))[::-1]
    left = len(pending) + MAX_REQUESTS
    complete = True
    while pending:
        request = pending.pop()
        left -= 1
        try:
            store.store(request)
            voice.all_well()
        except Problem as problem:
            complete = False
            if not problem.is_content:
                voice.tell(problem, len(request) + sum(map(len, pending)))
                break
            again, lost = _blame(problem, request, may_split=left > len(pending))
            pending += again
            if lost:
                voice.tell(problem, len(lost), lost[0])
    return complete


def _blame(
    problem: Problem, request: Sequence[ReadableSpan], *, may_split: bool
) -> tuple[list[Sequence[ReadableSpan]], Sequence[ReadableSpan]]:
    """What to send again, last first, and what to give up."""
    guilty = [span for span in request if _trace_id(span) in problem.traces]
    if guilty:
        rest = [span for span in request if _trace_id(span) not in problem.traces]
        return ([rest] if rest else []), guilty
    if len(request) == 1 or not may_split:
        return [], request
    middle = len(request) // 2
    return [request[middle:], request[:middle]], []


def _trace_id(span: ReadableSpan) -> str:
    return format(span.context.trace_id, "032x") if span.context else ""


def _requests(spans: Sequence[ReadableSpan]) -> Iterator[Sequence[ReadableSpan]]:
    first = size = 0
    for index, span in enumerate(spans):
        weight = _weight(span)
        if index > first and size + weight > MAX_REQUEST_BYTES:
            yield spans[first:index]
            first, size = index, 0
        size += weight
    if first < len(spans):
        yield spans[first:]


def _weight(span: ReadableSpan) -> int:
    """About how many bytes a span takes in a request."""
    return 500 + _text(span.attributes or {}) + sum(100 + _text(event.attributes or {}) for event in span.events)


def _text(attributes: Mapping[str, object]) -> int:
    return sum(len(key) + (len(value) if isinstance(value, str | bytes) else 50) for key, value in attributes.items())
