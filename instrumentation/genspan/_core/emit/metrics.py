"""The metrics of a call: one family, recorded once, at its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from genspan_semconv import attributes as names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.context import Context
    from opentelemetry.metrics import Counter, Histogram, Meter

    from genspan_semconv.model import AttributeValue, Key, Usage

INFERENCE: Final = frozenset(("chat", "generate_content", "text_completion"))
"""Operations that generate; the conventions give them content, and metrics of their own."""

_MAX_CACHED: Final = 1000


class Measurement(NamedTuple):
    """What is measured of one call, kept apart from its span so that a finaliser can leave them for later."""

    key: Key
    context: Context
    seconds: float
    chunk: float | None
    """Seconds to the first chunk of a stream."""
    later_chunks: int
    """Chunks after the first one, as the SDK gave them to the program."""
    model: str | None
    usage: Usage | None
    error: str | None


class RunMeasurement(NamedTuple):
    """One run of a tool, an agent or a workflow, or a retrieval. ``attributes`` are those of its metrics."""

    operation: str
    attributes: Mapping[str, AttributeValue]
    error: str | None
    context: Context
    inference_calls: int = 0
    tool_calls: int = 0
    """What an agent did itself: calls of agents inside it are theirs."""


class _Attributes(NamedTuple):
    """The attribute sets of what is recorded of one call."""

    call: dict[str, AttributeValue]
    duration: dict[str, AttributeValue]
    input: dict[str, AttributeValue]
    output: dict[str, AttributeValue]


class Instruments:
    """The instruments of one meter. ``latest`` chooses ``gen_ai.client.inference.*`` for model calls."""

    def __init__(self, meter: Meter, latest: bool) -> None:
        self._meter = meter
        self._latest = latest
        self._duration = self._histogram(names.METRIC_GEN_AI_CLIENT_OPERATION_DURATION, "s")
        self._runs = {
            "execute_tool": self._histogram(names.METRIC_GEN_AI_EXECUTE_TOOL_DURATION, "s"),
            "invoke_agent": self._histogram(names.METRIC_GEN_AI_INVOKE_AGENT_DURATION, "s"),
            "invoke_workflow": self._histogram(names.METRIC_GEN_AI_INVOKE_WORKFLOW_DURATION, "s"),
            "retrieval": self._duration,
        }
        self._inference_calls = self._histogram(names.METRIC_GEN_AI_INVOKE_AGENT_INFERENCE_CALLS, "{inference_call}")
        self._tool_calls = self._histogram(names.METRIC_GEN_AI_INVOKE_AGENT_TOOL_CALLS, "{tool_call}")
        if latest:
            self._inference = self._histogram(names.METRIC_GEN_AI_CLIENT_INFERENCE_DURATION, "s")
            self._first_chunk = self._histogram(names.METRIC_GEN_AI_CLIENT_INFERENCE_TIME_TO_FIRST_CHUNK, "s")
            self._later_chunk = self._histogram(names.METRIC_GEN_AI_CLIENT_INFERENCE_TIME_PER_OUTPUT_CHUNK, "s")
            self._input = self._histogram(names.METRIC_GEN_AI_CLIENT_INFERENCE_OPERATION_INPUT_TOKENS, "{token}")
            self._output = self._histogram(names.METRIC_GEN_AI_CLIENT_INFERENCE_OPERATION_OUTPUT_TOKENS, "{token}")
            self._counters: dict[str, Counter] = {
                name: meter.create_counter(name, unit="{token}")
                for name in (
                    names.METRIC_GEN_AI_CLIENT_INFERENCE_USAGE_INPUT_TOKENS,
                    names.METRIC_GEN_AI_CLIENT_INFERENCE_USAGE_OUTPUT_TOKENS,
                    names.METRIC_GEN_AI_CLIENT_INFERENCE_USAGE_CACHE_READ_INPUT_TOKENS,
                    names.METRIC_GEN_AI_CLIENT_INFERENCE_USAGE_CACHE_WRITE_INPUT_TOKENS,
                    names.METRIC_GEN_AI_CLIENT_INFERENCE_USAGE_REASONING_OUTPUT_TOKENS,
                )
            }
        else:
            self._inference = self._duration
            self._first_chunk = self._histogram(names.METRIC_GEN_AI_CLIENT_OPERATION_TIME_TO_FIRST_CHUNK, "s")
            self._later_chunk = self._histogram(names.METRIC_GEN_AI_CLIENT_OPERATION_TIME_PER_OUTPUT_CHUNK, "s")
            self._input = self._output = self._histogram(names.METRIC_GEN_AI_CLIENT_TOKEN_USAGE, "{token}")
        self._cache: dict[object, _Attributes] = {}

    def record(self, m: Measurement) -> None:
        """Record one model call. Token counts that are not known are not recorded."""
        inference = m.key.operation in INFERENCE
        attributes = self._attributes(m)
        (self._inference if inference else self._duration).record(m.seconds, attributes.duration, m.context)
        if m.chunk is not None:
            self._first_chunk.record(m.chunk, attributes.call, m.context)
            if m.later_chunks > 0:  # once a stream: a record costs as much as reading some chunks
                mean = (m.seconds - m.chunk) / m.later_chunks
                self._later_chunk.record(mean, attributes.call, m.context)
        usage = m.usage
        if usage is None or (self._latest and not inference):
            return
        if usage.input is not None:
            self._input.record(usage.input, attributes.input, m.context)
        if usage.output is not None:
            self._output.record(usage.output, attributes.output, m.context)
        if self._latest:
            self._count(usage, attributes.call, m.context)

    def record_run(self, run: RunMeasurement, seconds: float) -> None:
        """Record one run of a tool, an agent or a workflow, or a retrieval."""
        failed = {} if run.error is None else {names.ERROR_TYPE: run.error}
        self._runs[run.operation].record(seconds, {**run.attributes, **failed}, run.context)
        if run.operation == "invoke_agent":
            self._inference_calls.record(run.inference_calls, run.attributes, run.context)
            self._tool_calls.record(run.tool_calls, run.attributes, run.context)

    def _count(self, usage: Usage, attributes: dict[str, AttributeValue], context: Context) -> None:
        counts = (
            (names.METRIC_GEN_AI_CLIENT_INFERENCE_USAGE_INPUT_TOKENS, "input", usage.input),
            (names.METRIC_GEN_AI_CLIENT_INFERENCE_USAGE_OUTPUT_TOKENS, "output", usage.output),
            (names.METRIC_GEN_AI_CLIENT_INFERENCE_USAGE_CACHE_READ_INPUT_TOKENS, "cache_read", usage.cache_read),
            (names.METRIC_GEN_AI_CLIENT_INFERENCE_USAGE_CACHE_WRITE_INPUT_TOKENS, "", usage.cache_write),
            (names.METRIC_GEN_AI_CLIENT_INFERENCE_USAGE_REASONING_OUTPUT_TOKENS, "", usage.reasoning),
        )
        for name, direction, total in counts:
            if total is None:
                continue
            rest = total
            for (modality, of), figure in usage.modalities.items():
                if of == direction and 0 < figure <= rest:
                    rest -= figure
                    self._counters[name].add(figure, {**attributes, names.GEN_AI_TOKEN_MODALITY: modality}, context)
            if rest:
                self._counters[name].add(rest, {**attributes, names.GEN_AI_TOKEN_MODALITY: "unknown"}, context)

    def _attributes(self, m: Measurement) -> _Attributes:
        """The attribute sets of a measurement, cached: sets are few, and building them is not free."""
        wanted = (m.key, m.model, m.error)
        cached = self._cache.get(wanted)
        if cached is not None:
            return cached
        key = m.key
        values: dict[str, AttributeValue | None] = {
            names.GEN_AI_OPERATION_NAME: key.operation,
            names.GEN_AI_PROVIDER_NAME: key.provider,
            names.GEN_AI_REQUEST_MODEL: key.model,
            names.GEN_AI_RESPONSE_MODEL: m.model,
            names.SERVER_ADDRESS: key.address,
            names.SERVER_PORT: key.port,
        }
        call = {name: value for name, value in values.items() if value is not None}
        duration = call if m.error is None else {**call, names.ERROR_TYPE: m.error}
        if self._latest:
            attributes = _Attributes(call, duration, duration, duration)
        else:
            directions = ({**call, names.GEN_AI_TOKEN_TYPE: direction} for direction in ("input", "output"))
            attributes = _Attributes(call, duration, *directions)
        if len(self._cache) >= _MAX_CACHED:
            self._cache.clear()
        self._cache[wanted] = attributes
        return attributes

    def _histogram(self, name: str, unit: str) -> Histogram:
        return self._meter.create_histogram(name, unit=unit, explicit_bucket_boundaries_advisory=names.BUCKETS[name])
