"""What a model call, a turn and a tool run have in common: a span that ends once, current while SDK code runs."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

from opentelemetry import context as otel
from opentelemetry.trace import INVALID_SPAN, StatusCode

from genspan._core.context import emitting
from genspan._core.emit import errors, limits
from genspan._core.emit.last_trace import remember
from genspan._core.guard import swallow

if TYPE_CHECKING:
    from contextvars import Token
    from types import TracebackType

    from opentelemetry.context import Context
    from opentelemetry.trace import Span
    from typing_extensions import Self

    from genspan._core.emit.errors import Failure
    from genspan._core.emit.telemetry import Telemetry
    from genspan_semconv.model import AttributeValue


class Scope:
    """``with scope:`` makes its context current, and only that; never across a ``yield``.

    When it has ended, it refers to nothing of the program's or the SDK's any more: responses that the program keeps
    may refer to it for long.
    """

    __slots__ = ("__weakref__", "_context", "_once", "_span", "_telemetry", "_token")

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        self._span: Span = INVALID_SPAN
        self._context: Context | None = None
        self._token: Token[Context] | None = None
        self._once = Lock()

    def __enter__(self) -> Self:
        if self._context is not None:
            self._token = otel.attach(self._context)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """Leave the context, unless another task or thread is the one that finishes here."""
        token, self._token = self._token, None
        if token is not None and otel.get_current() is self._context:
            otel.detach(token)
        if self.ended:
            self._context = None

    def end(self, error: BaseException | None = None) -> None:
        """End the span, once, with what it failed with."""
        raise NotImplementedError

    @property
    def ended(self) -> bool:
        """Whether the span has ended."""
        return self._once.locked()

    def _end_span(self, attributes: dict[str, AttributeValue], failed: Failure | None, at: int | None) -> None:
        """End the span, now or as of ``at`` (nanoseconds), with as many of the attributes as it holds."""
        span = self._span
        busy = emitting.set(True)
        try:
            try:
                if span.is_recording():
                    span.set_attributes(limits.within(attributes, limits.of_span(span)))
                    if failed is not None:
                        errors.record(span, failed)
                        span.set_status(StatusCode.ERROR, failed.message)
                remember(span.get_span_context())
            finally:
                span.end(at)
        except Exception as error:
            swallow("end of a span", error)
        finally:
            emitting.reset(busy)

    def _let_go(self) -> None:
        """Refer to nothing that anybody else may want to be rid of."""
        self._span = INVALID_SPAN
        if self._token is None:
            self._context = None
