"""A batch of spans in as few requests as will store it: MLflow refuses a request whole for one span in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from genspan._core.routes.seen_ids import Recent
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
    """What a request to MLflow can name only once: an experiment and a run. ``None``: the exporter's, and none."""

    experiment_id: str | None = None
    experiment_name: str | None = None
    run: str | None = None


_NOT_NOTED: Final = Place()
_OF_EXPERIMENT: Final = ("experiment", "deleted", "403")
"""Causes that concern one experiment, and not the server."""


class Places:
    """The place of each trace. MLflow keeps a trace in one experiment and refuses a request with spans of another.

    What the first spans of a trace to be sent have noted counts for all that come later. Among them the first span of
    the trace decides, then those below it: others' spans, which note nothing, may be around or beside ours.
    """

    def __init__(self) -> None:
        self._known = Recent[int, Place]()

    def group(self, spans: Sequence[ReadableSpan]) -> dict[Place, list[ReadableSpan]]:
        """The spans by their places."""
        noted: dict[int, Place] = {}
        for span in sorted(spans, key=lambda span: span.parent is not None):
            place = _noted(span)
            if place != _NOT_NOTED:
                noted.setdefault(_trace(span), place)
        groups: dict[Place, list[ReadableSpan]] = {}
        for span in spans:
            trace = _trace(span)
            if trace not in self._known:
                self._known.put(trace, noted.get(trace, _NOT_NOTED))
            groups.setdefault(self._known[trace], []).append(span)
        return groups


def _noted(span: ReadableSpan) -> Place:
    attributes = span.attributes or {}
    values = (attributes.get(name) for name in (_ID, _NAME, names.MLFLOW_SOURCE_RUN))
    return Place(*(value if isinstance(value, str) and value else None for value in values))


_ID, _NAME = names.MLFLOW_EXPERIMENT_ID, names.MLFLOW_EXPERIMENT_NAME


def _trace(span: ReadableSpan) -> int:
    return span.context.trace_id if span.context else 0


class SpanStore(Protocol):
    """Where spans are kept: a tracking server or an SQL store."""

    def store(self, spans: Sequence[ReadableSpan], place: Place) -> None:
        """Stores all of the spans in one place, or none. Raises ``ExportError``."""

    def close(self) -> None:
        """Stops waiting for anything."""


def store_batch(spans: Sequence[ReadableSpan], store: SpanStore, log: FailureLog, places: Places) -> bool:
    """Stores what can be stored, refused requests again in halves; True if that was all of it."""
    pending = [(place, request) for place, group in places.group(spans).items() for request in _requests(group)][::-1]
    requests_left = len(pending) + MAX_EXTRA_REQUESTS
    is_complete = True
    while pending:
        place, request = pending.pop()
        requests_left -= 1
        try:
            store.store(request, place)
            log.stored()
        except ExportError as error:
            is_complete = False
            if not error.blames_spans:
                of_one = place.experiment_name is not None and error.cause in _OF_EXPERIMENT
                rest = [one for one in pending if of_one and one[0] != place]
                lost = len(request) + sum(len(spans) for one, spans in pending if not of_one or one == place)
                log.lost(_of_experiment(error, place.experiment_name) if of_one else error, lost)
                pending = rest
                continue
            again, lost = _split(error, request, may_split=requests_left > len(pending))
            pending += [(place, half) for half in again]
            if lost:
                log.lost(error, len(lost), lost[0])
    return is_complete


def _of_experiment(error: ExportError, name: str | None) -> ExportError:
    """The error as one of this experiment alone, to be logged once although others go on."""
    return ExportError(f"content: experiment {name}", f"Experiment {name!r}: {error}")


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
