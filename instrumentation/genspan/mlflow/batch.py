"""A batch of spans in as few requests as will store it: MLflow refuses a request whole for one span in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from genspan.mlflow.errors import ExportError
from genspan_semconv import attributes as names

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from opentelemetry.sdk.trace import ReadableSpan

    from genspan.mlflow.errors import FailureLog

MAX_REQUEST_BYTES: Final = 8 << 20
"""A request holds about this much content before compression; a larger span goes alone."""
MAX_EXTRA_REQUESTS: Final = 64
"""Three bad spans among 512 take about 50 requests to find; a server that refuses everything must not get 1,023."""


class Place(NamedTuple):
    """What a request to MLflow can name only once: an experiment (``None``: the exporter's) and a run (or none)."""

    experiment: str | None
    run: str | None


def place(span: ReadableSpan) -> Place:
    """As it was noted on the span when its trace began."""
    noted = [(span.attributes or {}).get(name) for name in (names.MLFLOW_EXPERIMENT_ID, names.MLFLOW_SOURCE_RUN)]
    return Place(*(value if isinstance(value, str) and value else None for value in noted))


class SpanStore(Protocol):
    """Where spans are kept: a tracking server or an SQL store."""

    def store(self, spans: Sequence[ReadableSpan]) -> None:
        """Stores all of the spans, which have one place, or none. Raises ``ExportError``."""

    def close(self) -> None:
        """Stops waiting for anything."""


def store_batch(spans: Sequence[ReadableSpan], store: SpanStore, log: FailureLog) -> bool:
    """Stores what can be stored, refused requests again in halves; True if that was all of it."""
    places: dict[Place, list[ReadableSpan]] = {}
    for span in spans:
        places.setdefault(place(span), []).append(span)
    pending = [request for together in places.values() for request in _requests(together)][::-1]
    requests_left = len(pending) + MAX_EXTRA_REQUESTS
    is_complete = True
    while pending:
        request = pending.pop()
        requests_left -= 1
        try:
            store.store(request)
            log.stored()
        except ExportError as error:
            is_complete = False
            if not error.blames_spans:
                log.lost(error, len(request) + sum(map(len, pending)))
                break
            again, lost = _split(error, request, may_split=requests_left > len(pending))
            pending += again
            if lost:
                log.lost(error, len(lost), lost[0])
    return is_complete


def _split(
    error: ExportError, request: Sequence[ReadableSpan], *, may_split: bool
) -> tuple[list[Sequence[ReadableSpan]], Sequence[ReadableSpan]]:
    """The requests to send in place of a refused one, last first, and the spans to give up."""
    blamed = [span for span in request if _trace_id(span) in error.trace_ids]
    if blamed:
        rest = [span for span in request if _trace_id(span) not in error.trace_ids]
        return ([rest] if rest else []), blamed
    if len(request) == 1 or not may_split:
        return [], request
    middle = len(request) // 2
    return [request[middle:], request[:middle]], []


def _trace_id(span: ReadableSpan) -> str:
    return format(span.context.trace_id, "032x") if span.context else ""


def _requests(spans: Sequence[ReadableSpan]) -> Iterator[Sequence[ReadableSpan]]:
    first = size = 0
    for index, span in enumerate(spans):
        span_size = _size(span)
        if index > first and size + span_size > MAX_REQUEST_BYTES:
            yield spans[first:index]
            first, size = index, 0
        size += span_size
    if first < len(spans):
        yield spans[first:]


def _size(span: ReadableSpan) -> int:
    """About how many bytes a span takes in a request."""
    return 500 + _text_size(span.attributes) + sum(100 + _text_size(event.attributes) for event in span.events)


def _text_size(attributes: Mapping[str, object] | None) -> int:
    items = (attributes or {}).items()
    return sum(len(key) + (len(value) if isinstance(value, str | bytes) else 50) for key, value in items)
