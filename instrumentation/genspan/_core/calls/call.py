"""One model call: one span, opened before the request and ended exactly once, whoever notices the end first."""

from __future__ import annotations

from threading import Lock
from time import perf_counter, time_ns
from typing import TYPE_CHECKING, Final, Protocol, cast

from opentelemetry import context as otel
from opentelemetry.trace import SpanKind, StatusCode

from genspan._core.context import CALL, OBSERVER, TURN, Attached, emitting, suppressed, with_span
from genspan._core.emit import errors, limits, span_attributes
from genspan._core.emit.events import Event
from genspan._core.emit.last_trace import remember
from genspan._core.emit.metrics import INFERENCE, Measurement
from genspan._core.emit.redaction import credentials
from genspan._core.guard import Guard
from genspan_semconv.model import Response, obj

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from opentelemetry.context import Context

    from genspan._core.emit.errors import Failure
    from genspan._core.emit.telemetry import Telemetry
    from genspan._core.routes.contract import Fold, Request
    from genspan_semconv.model import AttributeValue, Params

_MAX_CHUNKS: Final = 50_000
"""Chunks of one stream whose content is kept; the figures of all chunks are."""

_LET_GO: Final = ("closed", "dropped")

_opening = Guard("start of a call")
_reading = Guard("figures of a response")
_describing = Guard("attributes of a call")
_parameters = Guard("parameters of a request")
_failing = Guard("error of a call")
_ending = Guard("end of a span")


class Owner(Protocol):
    """What ends a call in place of the call itself, since only it sees what the SDK makes of the response."""

    secrets: set[str]
    """Credentials seen on the requests of its calls."""

    def begin(self, call: Call) -> None:
        """Own a call that begins; the one before is over."""
        ...

    def keep(self, texts: span_attributes.Texts) -> None:
        """Take the content of a call that it owns, as JSON texts."""
        ...


class Observer(Protocol):
    """Who is told of the model calls that open in a context: a framework's run of a model."""

    def call_opened(self) -> None:
        """A model call begins."""
        ...


def open_call(telemetry: Telemetry, describe: Callable[[], Request | None], began: int | None = None) -> Call | None:
    """Begin a call, or ``None`` where nobody listens, it is suppressed, or ``describe`` finds no model call.

    ``began`` is when it did (``time_ns``), where that is before now.
    """
    try:
        if not telemetry.listening():
            return None
        context = otel.get_current()
        if suppressed(context):
            return None
        request = describe()
        return None if request is None else Call(telemetry, request, context, began)
    except Exception as error:
        _opening.swallow(error)
        return None


class Call:
    """The state of one model call. ``with call:`` encloses the SDK's request, and only that.

    It refers to nothing of the SDK but the request and the wire JSON, so that it keeps no stream or client alive.
    """

    __slots__ = (
        "__weakref__",
        "_attached",
        "_capturing",
        "_chunks",
        "_context",
        "_data",
        "_ended_at",
        "_first_chunk",
        "_fold",
        "_once",
        "_request",
        "_seconds",
        "_span",
        "_started",
        "_telemetry",
        "_turn",
        "attempts",
        "watching",
        "whole",
    )

    def __init__(self, telemetry: Telemetry, request: Request, context: Context, began: int | None = None) -> None:
        self._telemetry = telemetry
        self._request = request
        self._data: Mapping[str, object] = {}
        self._fold: Fold | None = None
        self._chunks = 0
        self._first_chunk: float | None = None
        self._ended_at: int | None = None
        self._seconds: float | None = None
        self._once = Lock()
        self.attempts = 0
        self.whole = False
        """Whether the provider said that the stream is over; a finish reason may be missing all the same."""
        self._turn = cast("Owner | None", context.get(TURN))
        if self._turn is not None:
            self._turn.begin(self)
        observer = cast("Observer | None", context.get(OBSERVER))
        if observer is not None:
            observer.call_opened()
        self._started = perf_counter() - (0 if began is None else (time_ns() - began) / 1e9)
        self._span = telemetry.start_call(request.route.key, context, SpanKind.CLIENT, began)
        self._context = with_span(context, self._span, CALL, self)
        self._attached = Attached(self._context)
        recording = self._span.is_recording()
        settings = telemetry.settings
        events_on = settings.event_content and telemetry.logging()
        self._capturing = (recording and settings.span_content) or events_on
        self.watching = recording or events_on or telemetry.instruments() is not None
        """Whether anything of the response will be used; if not, it is not even looked at."""

    def __enter__(self) -> Call:
        self._attached.attach()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._attached.detach()
        if error is not None:
            self.end(error, finalising=isinstance(error, GeneratorExit))  # a coroutine that the collector closes

    def see(self, data: object) -> None:
        """Take the response JSON of a call that does not stream."""
        try:
            self._data = self._request.after(self._data, obj(data))
        except Exception as error:
            _reading.swallow(error)

    def arrived(self) -> None:
        """The first of a streamed answer is here, whoever will read it."""
        if self._first_chunk is None:
            self._first_chunk = perf_counter() - self._started

    def chunk(self, data: object) -> None:
        """Take one chunk of a stream, parsed."""
        if not self.watching:
            return
        try:
            if self._fold is None:
                self._fold = cast("Fold", self._request.route.api.Fold())
                self.arrived()
            chunk = obj(data)
            self._chunks += 1
            self._fold.figures(chunk)
            if self._capturing and self._chunks <= _MAX_CHUNKS:
                self._fold.content(chunk)
        except Exception as error:
            _reading.swallow(error)

    @property
    def request(self) -> Request:
        """The request, which grows more exact until it is sent."""
        return self._request

    @property
    def answered(self) -> bool:
        """Whether anything of the response has been seen, parsed."""
        return self._fold is not None or bool(self._data)

    @property
    def owned(self) -> bool:
        """Whether a turn ends this call, since only it sees how the SDK gets on with the response."""
        return self._turn is not None

    def disown(self) -> None:
        """Let the call end by itself from now on."""
        self._turn = None

    def finish(self) -> None:
        """The response is there whole. Where a turn owns the call, it ends it: the SDK may yet fail to read it."""
        if self._turn is None:
            self.end()
        else:
            self._ended_at = time_ns()
            self._seconds = perf_counter() - self._started

    @property
    def finished(self) -> bool:
        """Whether the response is there whole, though the call may not have ended."""
        return self._ended_at is not None

    def end(self, error: BaseException | None = None, ending: str | None = None, finalising: bool = False) -> None:
        """End the call, once: with what it failed with, and how a stream ended if not by itself.

        ``ending`` is ``closed``, ``dropped``, ``failed`` or ``cancelled``. ``finalising`` says that a finaliser calls:
        metrics and events then wait, since recording them there can deadlock.
        """
        if not self._once.acquire(blocking=False):
            return
        if error is None and not self.watching:
            self._close({}, None)
            return
        seconds = perf_counter() - self._started if self._seconds is None else self._seconds
        if error is not None:
            ending = ending or errors.ending(error)
            error = None if isinstance(error, errors.NORMAL_ENDS) else error
        response = self._response()
        if ending in _LET_GO and response.final:
            ending = None  # what was not read holds nothing more
        broken = not (response.complete or self.whole) or (response.error is not None and not response.final)
        if ending is None and broken and self._request.route.key.stream:
            ending = "failed"
        self._rename(response)
        secrets = self._secrets()
        failed = self._failure(error, response, secrets)
        outcome = span_attributes.Outcome(response, failed, ending, self.attempts, self._first_chunk)
        attributes, read = self._report(outcome, secrets)
        self._close(attributes, failed)
        measurement = Measurement(
            self._request.route.key,
            self._context,
            seconds,
            self._first_chunk,
            response.model,
            response.usage,
            failed.type if failed else None,
        )
        telemetry = self._telemetry
        telemetry.later(finalising, lambda: telemetry.measure(measurement))
        if failed is not None or read is not None:
            if failed is not None and not telemetry.settings.event_content:
                failed = failed._replace(message=None)
            event = Event(self._request.route.key, self._context, attributes, read, failed, secrets)
            telemetry.later(finalising, lambda: telemetry.announce(event))

    def _response(self) -> Response:
        """What the response says, from the whole of it or from the chunks so far."""
        if not self.watching:
            return Response()
        try:
            if self._fold is not None:
                self._data = self._fold.data()
            return self._request.route.api.response(self._data)
        except Exception as error:
            _reading.swallow(error)
            return Response()

    def _rename(self, response: Response) -> None:
        """Where only the response says what the call is, let the span say so too."""
        if response.operation is None:
            return
        with _describing:
            route = self._request.route
            key = route.key._replace(operation=response.operation, model=route.key.model or response.model)
            self._request.route = route._replace(key=key)
            self._telemetry.rename(self._span, key)

    def _secrets(self) -> tuple[str, ...]:
        """The request's credentials, looked up only where text is going to be emitted."""
        if not self._capturing:
            return ()
        try:
            found = credentials(self._request.headers, str(self._request.url))
            if self._turn is not None:
                self._turn.secrets |= set(found)
            return found
        except Exception as error:
            _failing.swallow(error)
            self._capturing = False  # what cannot be scrubbed is not emitted
            return ()

    def _failure(self, error: BaseException | None, response: Response, secrets: tuple[str, ...]) -> Failure | None:
        if error is None and response.error is None:
            return None
        with _failing:
            if error is not None:
                return errors.failure(error, self._capturing, secrets)
            if response.error is not None:
                return errors.reported(response.error)
        return None

    def _report(
        self, outcome: span_attributes.Outcome, secrets: tuple[str, ...]
    ) -> tuple[dict[str, AttributeValue], span_attributes.Content | None]:
        """The attributes of the span, and the content where it was read."""
        attributes: dict[str, AttributeValue] = {}
        if not self.watching:
            return attributes, None
        read: span_attributes.Content | None = None
        try:
            request, settings = self._request, self._telemetry.settings
            key, body = request.route.key, obj(request.body)
            params: Params = request.params
            try:
                params = {**params, **request.route.api.params(body)}
            except Exception as error:
                _parameters.swallow(error)
            attributes = span_attributes.figures(key, params, outcome)
            if self._capturing:
                read = span_attributes.read_content(request.route.api, body, self._data, settings.max_blob_bytes)
                if settings.span_content and self._span.is_recording():
                    writer = span_attributes.Writer(settings.dialects, limits.of_span(self._span).length, secrets)
                    texts = writer.texts(key, params, outcome.response, read)
                    attributes.update(texts.outputs)
                    attributes.update(texts.inputs)
                    if self._turn is not None:
                        self._turn.keep(texts)
            if not settings.event_content or key.operation not in INFERENCE:
                read = None
        except Exception as error:
            _describing.swallow(error)
        return attributes, read

    def _close(self, attributes: dict[str, AttributeValue], failed: Failure | None) -> None:
        span = self._span
        busy = emitting.set(True)
        try:
            try:
                if span.is_recording():
                    span.set_attributes(limits.within(attributes, limits.of_span(span)))
                    if failed is not None:
                        if not self._telemetry.settings.span_content:
                            failed = failed._replace(message=None)
                        errors.record(span, failed)
                        span.set_status(StatusCode.ERROR, failed.message)
            except Exception as error:
                _describing.swallow(error)
            remember(span.get_span_context())
            span.end(self._ended_at)
        except Exception as error:
            _ending.swallow(error)
        finally:
            emitting.reset(busy)


def current_call() -> Call | None:
    """The model call whose request is being made."""
    return cast("Call | None", otel.get_value(CALL))
