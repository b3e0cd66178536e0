"""One model call: one span, opened before the request and ended exactly once, whoever notices the end first."""

from __future__ import annotations

from time import perf_counter, time_ns
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from opentelemetry import context as otel
from opentelemetry.trace import SpanKind

from genspan._core.calls.scope import Scope
from genspan._core.context import CALL, OBSERVER, TURN, going_on, of_span_only, outside, suppressed, with_span
from genspan._core.emit import credentials, errors, limits, span_attributes
from genspan._core.emit.events import Event
from genspan._core.emit.metrics import INFERENCE, Measurement
from genspan._core.emit.propagation import trace_headers
from genspan._core.emit.redaction import NO_SECRETS, Secrets
from genspan._core.guard import Guard, swallow
from genspan._core.usage_tally import count, tallies
from genspan._core.user_context import has_session
from genspan_semconv import attributes as names
from genspan_semconv.model import Response, obj

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from weakref import ref

    from opentelemetry.context import Context
    from opentelemetry.trace import SpanContext

    from genspan._core.emit.errors import Failure
    from genspan._core.emit.telemetry import Telemetry
    from genspan._core.routes.contract import Fold, Request
    from genspan_semconv.model import AttributeValue, Params, Prompt

_MAX_CHUNKS: Final = 50_000
"""Chunks of one stream whose content is kept; the usage of all chunks is."""

_LET_GO: Final = ("closed", "dropped")


class Owner(Protocol):
    """What ends a call in place of the call itself, since only it sees what the SDK makes of the response."""

    secrets: Secrets
    """Credentials seen on the requests of its calls."""

    def begin(self, call: Call) -> None:
        """Own a call that begins; the one before is over."""
        ...

    def keep(self, texts: span_attributes.Texts, prompt: Prompt) -> None:
        """Take the content of a call that it owns, as JSON texts, and what its prompt is made of."""
        ...


class Observer(Protocol):
    """What is notified of the model calls that open in a context: a framework's run."""

    def call_opened(self) -> None:
        """A model call begins."""
        ...

    def credentials_seen(self, secrets: Secrets) -> None:
        """A model call ended, on whose request these credentials were."""
        ...


def open_call(telemetry: Telemetry, describe: Callable[[], Request | None], began: int | None = None) -> Call | None:
    """Begin a call, or ``None`` where nobody listens, it is suppressed, or ``describe`` finds no model call.

    ``began`` is when it did (``time_ns``), where that is before now.
    """
    try:
        if not telemetry.listening():
            return None
        context = otel.get_current()
        around = going_on(context, CALL, Call) if CALL in context else None
        request = None if suppressed(context) else describe()
        if request is not None:
            owner = cast("Owner | None", going_on(context, TURN, Scope)) if around is None else None
            return Call(telemetry, request, context if around is None else outside(context), owner, began)
        return None if around is None else OtherRequest(telemetry, context)
    except Exception as error:
        swallow("start of a call", error)
        return None


class Call(Scope):
    """The state of one model call. ``with call:`` encloses the SDK's request, and only that."""

    __slots__ = (
        "_capturing",
        "_chunks",
        "_data",
        "_ended_at",
        "_first_chunk",
        "_fold",
        "_observer",
        "_owner",
        "_seconds",
        "_started",
        "_tallies",
        "attempts",
        "done_seen",
        "request",
        "watching",
    )

    def __init__(
        self,
        telemetry: Telemetry,
        request: Request,
        context: Context,
        owner: Owner | None = None,
        began: int | None = None,
    ) -> None:
        super().__init__(telemetry)
        self.request = request
        """The request, which grows more exact until it is sent."""
        self._data: Mapping[str, object] = {}
        self._fold: Fold | None = None
        self._chunks = 0
        self._first_chunk: float | None = None
        self._ended_at: int | None = None
        self._seconds: float | None = None
        self.attempts = 0
        self.done_seen = False
        """Whether the provider marked the end of the stream; a finish reason may be missing all the same."""
        self._owner = owner
        if owner is not None:
            owner.begin(self)
        self._observer = found = cast("ref[Observer] | None", context.get(OBSERVER))
        observer = None if found is None else found()
        if observer is not None:
            observer.call_opened()
        self._started = perf_counter() - (0 if began is None else (time_ns() - began) / 1e9)
        self._span = telemetry.start_call(request.route.key, context, SpanKind.CLIENT, began)
        self._context = with_span(context, self._span, CALL, self)
        recording = self._span.is_recording()
        settings = telemetry.settings
        events_on = settings.event_content and telemetry.logging()
        self._capturing = (recording and settings.span_content) or events_on
        self._tallies = tallies(context)
        self.watching = recording or events_on or telemetry.instruments() is not None or bool(self._tallies)
        """Whether anything of the response will be used; if not, it is not even looked at."""

    def see(self, data: object) -> None:
        """Take the response JSON of a call that does not stream."""
        if not self.watching:
            return
        try:
            self._data = self.request.after(self._data, obj(data))
        except Exception as error:
            swallow("usage of a response", error)

    def arrived(self) -> None:
        """The first of a streamed answer is here, whoever will read it."""
        if self._first_chunk is None:
            self._first_chunk = perf_counter() - self._started

    def chunk(self, data: Any) -> None:
        """Take one chunk of a stream, parsed."""
        if not self.watching:
            return
        try:
            fold = self._fold
            if fold is None:
                fold = self._fold = cast("Fold", self.request.route.api.Fold())
                self.arrived()
            chunk: Mapping[str, object] = data
            if not isinstance(chunk, dict):  # as ``obj`` does; a call of that for every chunk is too much
                chunk = {}
            self._chunks += 1
            fold.metadata(chunk)
            if self._capturing and self._chunks <= _MAX_CHUNKS:
                fold.content(chunk)
        except Exception as error:
            swallow("usage of a response", error)

    @property
    def span_context(self) -> SpanContext:
        """By which another span refers to this call's."""
        return self._span.get_span_context()

    def trace_headers(self, host: str, port: int | None) -> dict[str, str]:
        """The trace context as headers of the request, if the host may be sent it."""
        return trace_headers(self._span, host, port, self._telemetry.settings.propagate_hosts)

    def link(self, earlier: SpanContext) -> None:
        """Refer to the request that asked for what this call reads."""
        self._span.add_link(earlier)

    @property
    def answered(self) -> bool:
        """Whether anything of the response has been seen, parsed."""
        return self._fold is not None or bool(self._data)

    @property
    def owned(self) -> bool:
        """Whether a turn ends this call, since only it sees how the SDK gets on with the response."""
        return self._owner is not None

    def disown(self) -> None:
        """Let the call end by itself from now on."""
        self._owner = None

    def finish(self) -> None:
        """The response is there whole. Where a turn owns the call, it ends it: the SDK may yet fail to read it."""
        if self._owner is None:
            self.end()
        else:
            self._ended_at = time_ns()
            self._seconds = perf_counter() - self._started

    @property
    def finished(self) -> bool:
        """Whether the response is there whole, though the call may not have ended."""
        return self._ended_at is not None

    def end(
        self, error: BaseException | None = None, ending: str | None = None, finalising: bool | None = None
    ) -> None:
        """End the call, once: with what it failed with, and how a stream ended if not by itself.

        ``ending`` is ``closed``, ``dropped``, ``failed`` or ``cancelled``. ``finalising`` says that a finaliser calls:
        metrics and events then wait, since recording them there can deadlock. By default that is so where a coroutine
        is closed, as the collector does it.
        """
        if not self._once.acquire(blocking=False):
            return
        try:
            if error is None and not self.watching:
                self._end_span({}, None, self._ended_at)
            else:
                later = isinstance(error, GeneratorExit) if finalising is None else finalising
                self._describe(error, ending, later)
        finally:
            self._let_go()

    def _let_go(self) -> None:
        super()._let_go()
        self.watching = False  # of what is read later nothing is taken
        self.request.let_go()
        self._data, self._fold, self._owner, self._tallies = {}, None, None, ()

    def _describe(self, error: BaseException | None, ending: str | None, finalising: bool) -> None:
        """End the span with all that is known, and record metrics and events."""
        seconds = perf_counter() - self._started if self._seconds is None else self._seconds
        if error is not None:
            ending = ending or errors.ending(error)
            error = None if isinstance(error, errors.NORMAL_ENDS) else error
        response = self._response()
        if ending in _LET_GO and response.final:
            ending = None  # what was not read holds nothing more
        broken = not (response.complete or self.done_seen) or (response.error is not None and not response.final)
        if ending is None and broken and self.request.route.key.stream:
            ending = "failed"
        secrets = self._secrets()
        self._rename(response, secrets)
        if self._tallies:
            count(self._tallies, self.request.route.key, response)
        failed = self._failure(error, response, secrets)
        outcome = span_attributes.Outcome(response, failed, ending, self.attempts, self._first_chunk)
        attributes, read = self._report(outcome, secrets)
        settings, key = self._telemetry.settings, self.request.route.key
        shown = failed if failed is None or settings.span_content else failed._replace(message=None)
        context = cast("Context", self._context)
        self._end_span(attributes, shown, self._ended_at)
        context = of_span_only(context) if finalising else context
        kind = failed.type if failed else None
        model = cast("str | None", attributes.get(names.GEN_AI_RESPONSE_MODEL))
        measurement = Measurement(
            key, context, seconds, self._first_chunk, self._chunks - 1, model, response.usage, kind
        )
        event = None
        if failed is not None or read is not None:
            if failed is not None and not settings.event_content:
                failed = failed._replace(message=None)
            event = Event(key, context, attributes, read, failed, secrets)
        self._telemetry.report(measurement, event, later=finalising)

    def _response(self) -> Response:
        """What the response says, from the whole of it or from the chunks so far."""
        if not self.watching:
            return Response()
        try:
            if self._fold is not None:
                self._data = self._fold.data()
            return self.request.route.api.response(self._data)
        except Exception as error:
            swallow("usage of a response", error)
            return Response()

    def _rename(self, response: Response, secrets: Secrets) -> None:
        """Where only the response says what the call is, let the span say so too."""
        key = self.request.route.key
        operation, model = response.operation or key.operation, key.model
        if response.operation is not None:
            model = model or response.requested_model or response.model
        model = secrets.scrub(model) if model else model
        if (operation, model) != (key.operation, key.model):
            with Guard("attributes of a call"):
                key = key._replace(operation=operation, model=model)
                self.request.route = self.request.route._replace(key=key)
                self._telemetry.rename(self._span, key)

    def _secrets(self) -> Secrets:
        """The request's credentials, looked for only where text is going to be emitted."""
        if not self.watching:
            return NO_SECRETS
        try:
            found = credentials.find(self.request.headers, self.request.url, self.request.body)
            if self._owner is not None:
                self._owner.secrets |= found
            observer = None if self._observer is None else self._observer()
            if observer is not None:
                observer.credentials_seen(found)
            return found
        except Exception as error:
            swallow("error of a call", error)
            self._capturing = False  # what cannot be scrubbed is not emitted
            return NO_SECRETS

    def _failure(self, error: BaseException | None, response: Response, secrets: Secrets) -> Failure | None:
        if error is None and response.error is None:
            return None
        with Guard("error of a call"):
            inside = None if response.error is None else secrets.scrub(response.error)
            if error is None:
                return errors.reported(cast("str", inside))
            failed = errors.failure(error, self._capturing, secrets)
            return failed if inside is None or not isinstance(error, Exception) else errors.named(failed, inside)
        return None

    def _report(
        self, outcome: span_attributes.Outcome, secrets: Secrets
    ) -> tuple[dict[str, AttributeValue], span_attributes.Content | None]:
        """The attributes of the span, and the content where it was read."""
        attributes: dict[str, AttributeValue] = {}
        if not self.watching:
            return attributes, None
        read: span_attributes.Content | None = None
        try:
            request, settings = self.request, self._telemetry.settings
            key, body = request.route.key, obj(request.body)
            params: Params = request.params
            try:
                params = {**params, **request.route.api.params(body)}
            except Exception as error:
                swallow("parameters of a request", error)
            if key.operation in INFERENCE and (named := self._telemetry.chains.name(params, body, outcome.response)):
                params = params if has_session(cast("Context", self._context)) else {**params, names.SESSION_ID: named}
            attributes = secrets.scrub_attributes(span_attributes.of_call(key, params, outcome))
            if self._capturing:
                read = span_attributes.read_content(
                    request.route.api, body, self._data, settings.max_blob_bytes, request.size
                )
                if settings.span_content and self._span.is_recording():
                    writer = span_attributes.Writer(settings.dialects, limits.of_span(self._span).length, secrets)
                    texts = writer.texts(key, params, outcome.response, read)
                    attributes.update(texts.outputs)
                    attributes.update(texts.inputs)
                    if self._owner is not None:
                        self._owner.keep(texts, read.prompt)
            if not settings.event_content or key.operation not in INFERENCE:
                read = None
        except Exception as error:
            swallow("attributes of a call", error)
        return attributes, read


class OtherRequest(Call):
    """A request that is made inside a model call and is none: by a hook, a transport, or where it is suppressed.

    It is kept apart, so that what the SDK sees of it is not taken for that call's.
    """

    __slots__ = ()

    def __init__(self, telemetry: Telemetry, context: Context) -> None:
        Scope.__init__(self, telemetry)
        self._context, self.watching, self._tallies = outside(context), False, ()

    def finish(self) -> None:
        """It has no span."""

    def end(
        self, error: BaseException | None = None, ending: str | None = None, finalising: bool | None = None
    ) -> None:
        """It has no span."""


def current_call() -> Call | None:
    """The model call whose request is being made."""
    return going_on(otel.get_current(), CALL, Call)
