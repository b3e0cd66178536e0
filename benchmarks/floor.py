"""The floor: the least code that gives the same telemetry around one call, written by hand for that call alone.

One span with the attributes that genspan sets, content in the same forms, a duration and two token histograms with the
attributes that the conventions ask and the span as exemplar. It knows what the benchmark's calls hold and nothing else:
no streams broken off, no limits, no secrets to scrub, no setting that changes while it runs. What is the same for every
provider is here; ``providers/`` has the rest. ``tests/house/test_benchmark_floor.py`` holds it to genspan's attributes.
"""

from __future__ import annotations

from abc import abstractmethod
from time import perf_counter
from typing import TYPE_CHECKING, Any

import orjson
from opentelemetry import context as otel
from opentelemetry.trace import SpanKind, StatusCode, set_span_in_context

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping

    from opentelemetry.metrics import Meter
    from opentelemetry.trace import Span, Tracer

Attributes = dict[str, Any]
Json = dict[str, Any]
Read = tuple[Attributes, str, int, int]
"""What a provider's part of the floor makes of a response: attributes, response model, tokens in, tokens out."""

_NAME = "mlflow.traceTag.mlflow.traceName"
_SECONDS = [0.01 * 2**step for step in range(14)]
_TOKENS = [4**step for step in range(14)]


class Stream:
    """What of a stream has been seen; a provider's own has ``see(chunk)`` and ``read()``."""

    def __init__(self, forms: frozenset[str], request: Json) -> None:
        self.forms = forms
        self.request = request
        self.texts: list[str] = []

    @abstractmethod
    def see(self, chunk: Any) -> None: ...
    @abstractmethod
    def read(self) -> Read: ...


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

    def call(self, start: Attributes, request: Callable[[], Any], read: Callable[[Any], Read]) -> Any:
        """One plain call."""
        span = self.tracer.start_span(start[_NAME], kind=SpanKind.CLIENT, attributes=start)
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

    def stream(self, start: Attributes, request: Callable[[], Iterable[Any]], found: Stream) -> Generator[Any]:
        """One streamed call."""
        start = {**start, "gen_ai.request.stream": True}
        span = self.tracer.start_span(start[_NAME], kind=SpanKind.CLIENT, attributes=start)
        context = set_span_in_context(span)
        started = perf_counter()
        first = 0.0
        recording = span.is_recording()
        try:
            for chunk in request():
                if recording:
                    first = first or perf_counter() - started
                    found.see(chunk)
                yield chunk
        except BaseException as error:
            _fail(span, error)
            raise
        if recording:
            read = found.read()
            read[0]["gen_ai.response.time_to_first_chunk"] = first
            self._end(span, context, start, perf_counter() - started, read)

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


def start(operation: str, provider: str, model: str, address: str) -> Attributes:
    """What a span starts with."""
    return {
        _NAME: f"{operation} {model}",
        "gen_ai.operation.name": operation,
        "gen_ai.provider.name": provider,
        "gen_ai.request.model": model,
        "server.address": address,
        "server.port": 443,
        "mlflow.spanType": "CHAT_MODEL",
        "mlflow.llm.provider": provider.removeprefix("gcp."),
    }


def end_attributes(
    identity: str, model: str, reason: str, tokens_in: int, tokens_out: int, parameters: Attributes
) -> Attributes:
    """What it ends with, without the content and what only one provider has."""
    attributes: Attributes = {
        "mlflow.chat.tokenUsage": f'{{"input_tokens": {tokens_in}, "output_tokens": {tokens_out}, '
        f'"total_tokens": {tokens_in + tokens_out}}}',
        "gen_ai.usage.input_tokens": tokens_in,
        "gen_ai.usage.output_tokens": tokens_out,
        "mlflow.llm.model": model,
        "gen_ai.response.model": model,
        "gen_ai.response.finish_reasons": [reason],
        "gen_ai.response.id": identity,
    }
    for name, value in parameters.items():
        attributes[f"gen_ai.request.{name}"] = value
    return attributes


def text_part(text: str) -> Json:
    """A text as a part of the conventions."""
    return {"type": "text", "content": text}


def write_genai(attributes: Attributes, messages: list[Json], system: str | None, tools: list[Json], text: str) -> None:
    """Content in the conventions' form; of a tool, its name, description and parameters."""
    answer = {"role": "assistant", "parts": [text_part(text)], "finish_reason": "stop"}
    attributes["gen_ai.output.messages"] = dumps([answer])
    attributes["gen_ai.input.messages"] = dumps(messages)
    if system is not None:
        attributes["gen_ai.system_instructions"] = dumps([text_part(system)])
    if tools:
        attributes["gen_ai.tool.definitions"] = dumps([{"type": "function", **tool} for tool in tools])


def write_mlflow(
    attributes: Attributes, messages: list[Json], model: str, parameters: Attributes, tools: list[Json], text: str
) -> None:
    """Content in MLflow's form."""
    answer = {"role": "assistant", "content": text}
    attributes["mlflow.spanOutputs"] = dumps({"choices": [{"index": 0, "message": answer, "finish_reason": "stop"}]})
    inputs: Json = {"messages": messages, "model": model, **parameters}
    if tools:
        inputs["tools"] = [{"type": "function", "function": tool} for tool in tools]
    attributes["mlflow.spanInputs"] = dumps(inputs)


def dumps(value: Mapping[str, Any] | list[Any]) -> str:
    return orjson.dumps(value).decode()


def _fail(span: Span, error: BaseException) -> None:
    span.set_attribute("error.type", type(error).__qualname__)
    span.set_status(StatusCode.ERROR)
    span.end()
