"""The floor: the least code that gives the same telemetry around one call, written by hand for that call alone.

One span with the attributes that genspan sets, content in the same forms, a duration and two token histograms with the
attributes that the conventions ask and the span as exemplar. It knows what the benchmark's calls hold and nothing else:
no streams broken off, no limits, no secrets to scrub, no setting that changes while it runs. What is the same for every
provider is here; ``providers/`` has the rest. ``tests/unit/test_benchmark_floor.py`` holds it to genspan's attributes.
"""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any

import orjson
from opentelemetry import context as otel
from opentelemetry.trace import SpanKind, StatusCode, set_span_in_context

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from opentelemetry.metrics import Meter
    from opentelemetry.trace import Span, Tracer

Attributes = dict[str, Any]
Read = tuple[Attributes, str, int, int]
"""What a provider's part of the floor makes of a response: attributes, response model, tokens in, tokens out."""

_SECONDS = [0.01 * 2**step for step in range(14)]
_TOKENS = [4**step for step in range(14)]


class Floor:
    """A tracer, two histograms, and which forms of content to write."""

    def __init__(self, tracer: Tracer, meter: Meter, forms: frozenset[str]) -> None:
        self.tracer = tracer
        self.forms = forms
        self.duration = meter.create_histogram(
            "gen_ai.client.operation.duration", "s", explicit_bucket_boundaries_advisory=_SECONDS
        )
        self.tokens = meter.create_histogram(
            "gen_ai.client.token.usage", "{token}", explicit_bucket_boundaries_advisory=_TOKENS
        )

    def call(self, name: str, start: Attributes, request: Callable[[], Any], read: Callable[[Any], Read]) -> Any:
        """One plain call."""
        span = self.tracer.start_span(name, kind=SpanKind.CLIENT, attributes=start)
        context = set_span_in_context(span)
        token = otel.attach(context)
        started = perf_counter()
        try:
            result = request()
        except BaseException as error:
            _fail(span, error)
            raise
        finally:
            otel.detach(token)
        if span.is_recording():
            self._end(span, context, start, perf_counter() - started, read(result))
        return result

    def stream(
        self,
        name: str,
        start: Attributes,
        chunks: Generator[Any],
        see: Callable[[Any], None],
        read: Callable[[float], Read],
    ) -> Generator[Any]:
        """One streamed call. ``see`` takes each chunk, ``read`` the seconds to the first one."""
        span = self.tracer.start_span(name, kind=SpanKind.CLIENT, attributes=start)
        context = set_span_in_context(span)
        started = perf_counter()
        first = 0.0
        recording = span.is_recording()
        try:
            for chunk in chunks:
                if recording:
                    first = first or perf_counter() - started
                    see(chunk)
                yield chunk
        except BaseException as error:
            _fail(span, error)
            raise
        if recording:
            self._end(span, context, start, perf_counter() - started, read(first))

    def _end(self, span: Span, context: otel.Context, start: Attributes, seconds: float, read: Read) -> None:
        attributes, model, tokens_in, tokens_out = read
        span.set_attributes(attributes)
        span.end()
        common = {
            "gen_ai.operation.name": start["gen_ai.operation.name"],
            "gen_ai.provider.name": start["gen_ai.provider.name"],
            "gen_ai.request.model": start["gen_ai.request.model"],
            "gen_ai.response.model": model,
            "server.address": start["server.address"],
            "server.port": start["server.port"],
        }
        self.duration.record(seconds, common, context)
        self.tokens.record(tokens_in, {**common, "gen_ai.token.type": "input"}, context)
        self.tokens.record(tokens_out, {**common, "gen_ai.token.type": "output"}, context)


def dumps(value: Mapping[str, Any] | list[Any]) -> str:
    return orjson.dumps(value).decode()


def _fail(span: Span, error: BaseException) -> None:
    span.set_attribute("error.type", type(error).__qualname__)
    span.set_status(StatusCode.ERROR)
    span.end()
