"""The one span processor that a tracer provider gets from genspan, and what stands behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry.sdk.trace import SpanProcessor

from genspan._core.guard import Guard

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import ReadableSpan, Span


class Outlet(SpanProcessor):
    """Passes spans on to processors that can change while the program runs; a provider's own list only grows.

    ``before_span`` runs at the start of each span, for as long as there is one.
    """

    def __init__(self, *processors: SpanProcessor) -> None:
        self.processors: tuple[SpanProcessor, ...] = processors
        self.before_span: Callable[[], None] | None = None

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        if self.before_span is not None:
            with Guard("choice of a destination"):
                self.before_span()
        for processor in self.processors:
            processor.on_start(span, parent_context)

    def on_end(self, span: ReadableSpan) -> None:
        for processor in self.processors:
            processor.on_end(span)

    def shutdown(self) -> None:
        for processor in self.processors:
            processor.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        results = [processor.force_flush(timeout_millis) for processor in self.processors]
        return all(results)
