"""The measurements of a call and of a tool, in both families of the conventions."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace

import pytest
from opentelemetry.context import Context
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from genspan._core.emit.metrics import Instruments, Measurement, RunMeasurement
from genspan_semconv.model import Key, Usage

KEY = Key("chat", "openai", "asked", "host", 443, True)
COMMON = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "asked",
    "gen_ai.response.model": "answered",
    "server.address": "host",
    "server.port": 443,
}


class Meter:
    def __init__(self, latest=False):
        self.reader = InMemoryMetricReader()
        self.instruments = Instruments(MeterProvider([self.reader]).get_meter("test"), latest)

    def record(self, key=KEY, chunk=1.0, later_chunks=4, usage=None, error=None):
        measurement = Measurement(key, Context(), 9.0, chunk, later_chunks, "answered", usage, error)
        self.instruments.record(measurement)

    def points(self):
        """Name to sums and attributes, attributes as a difference to those of all."""
        found = {}
        for resource in self.reader.get_metrics_data().resource_metrics:
            for metric in resource.scope_metrics[0].metrics:
                for point in metric.data.data_points:
                    value = point.sum if hasattr(point, "sum") else point.value
                    found.setdefault(metric.name, []).append((value, dict(point.attributes)))
        return found


def test_the_older_family():
    meter = Meter()
    meter.record(usage=Usage(input=3, output=5, cache_read=2, reasoning=1))
    assert meter.points() == {
        "gen_ai.client.operation.duration": [(9.0, COMMON)],
        "gen_ai.client.operation.time_to_first_chunk": [(1.0, COMMON)],
        "gen_ai.client.operation.time_per_output_chunk": [(2.0, COMMON)],
        "gen_ai.client.token.usage": [
            (3, {**COMMON, "gen_ai.token.type": "input"}),
            (5, {**COMMON, "gen_ai.token.type": "output"}),
        ],
    }


def test_the_newer_family():
    meter = Meter(latest=True)
    modalities = {("text", "input"): 4, ("image", "input"): 3, ("audio", "input"): 0, ("text", "output"): 5}
    meter.record(usage=Usage(input=9, output=5, cache_read=2, cache_write=1, reasoning=3, modalities=modalities))
    points = meter.points()
    prefix = "gen_ai.client.inference."
    assert {name for name in points if not name.startswith(prefix)} == set()

    def by_modality(name):
        return {found["gen_ai.token.modality"]: value for value, found in points[f"{prefix}usage.{name}"]}

    assert by_modality("input_tokens") == {"text": 4, "image": 3, "unknown": 2}
    assert by_modality("output_tokens") == {"text": 5}
    assert by_modality("cache_read.input_tokens") == {"unknown": 2}
    assert by_modality("cache_write.input_tokens") == {"unknown": 1}
    assert by_modality("reasoning.output_tokens") == {"unknown": 3}
    assert points[f"{prefix}time_per_output_chunk"] == [(2.0, COMMON)]
    assert points[f"{prefix}time_to_first_chunk"] == [(1.0, COMMON)]
    assert points[f"{prefix}duration"] == [(9.0, COMMON)]
    assert points[f"{prefix}operation.input_tokens"] == [(9, COMMON)]
    assert points[f"{prefix}operation.output_tokens"] == [(5, COMMON)]


def test_modalities_that_are_more_than_the_whole_are_left_out():
    meter = Meter(latest=True)
    meter.record(usage=Usage(input=5, modalities={("text", "input"): 4, ("image", "input"): 3}))
    points = meter.points()["gen_ai.client.inference.usage.input_tokens"]
    assert {found["gen_ai.token.modality"]: value for value, found in points} == {"text": 4, "unknown": 1}


@pytest.mark.parametrize(("chunk", "later_chunks"), [(None, -1), (1.0, 0)])
def test_nothing_between_chunks_where_there_is_one_or_none(chunk, later_chunks):
    meter = Meter()
    meter.record(chunk=chunk, later_chunks=later_chunks)
    assert "gen_ai.client.operation.time_per_output_chunk" not in meter.points()
    assert ("gen_ai.client.operation.time_to_first_chunk" in meter.points()) == (chunk is not None)


@pytest.mark.parametrize(("usage", "expected"), [(None, []), (Usage(), []), (Usage(output=0), ["output"])])
def test_what_is_absent_is_not_recorded(usage, expected):
    meter = Meter()
    meter.record(usage=usage)
    found = meter.points().get("gen_ai.client.token.usage", [])
    assert [attributes["gen_ai.token.type"] for _, attributes in found] == expected


@pytest.mark.parametrize("latest", [False, True])
def test_an_error_is_on_the_duration_alone_or_on_all_histograms(latest):
    meter = Meter(latest)
    meter.record(error="overloaded_error", usage=Usage(input=1))
    failed = {name for name, points in meter.points().items() if points[0][1].get("error.type") == "overloaded_error"}
    if latest:
        assert failed == {"gen_ai.client.inference.duration", "gen_ai.client.inference.operation.input_tokens"}
    else:
        assert failed == {"gen_ai.client.operation.duration"}


def test_other_operations_keep_the_older_duration():
    meter = Meter(latest=True)
    meter.record(KEY._replace(operation="embeddings"), chunk=None, usage=Usage(input=4))
    assert list(meter.points()) == ["gen_ai.client.operation.duration"]


def test_a_tool_with_what_it_failed_with():
    meter = Meter()
    tool = {"gen_ai.tool.name": "f", "gen_ai.tool.type": "function"}
    meter.instruments.record_run(RunMeasurement("execute_tool", tool, None, Context()), 2.0)
    meter.instruments.record_run(RunMeasurement("execute_tool", tool, "ValueError", Context()), 3.0)
    assert meter.points() == {
        "gen_ai.execute_tool.duration": [(2.0, tool), (3.0, {**tool, "error.type": "ValueError"})]
    }


def test_attribute_sets_are_bounded():
    meter = Meter()
    for number in range(1100):
        meter.record(KEY._replace(model=str(number)), chunk=None)
    assert len(meter.instruments._cache) <= 1000


class Outlets:
    """A meter that keeps what is recorded, with its context."""

    def __init__(self):
        self.recorded = []

    def create_histogram(self, name, **_):
        return SimpleNamespace(record=partial(self._keep, name))

    def create_counter(self, name, **_):
        return SimpleNamespace(add=partial(self._keep, name))

    def _keep(self, name, value, attributes, context):
        self.recorded.append((name.rpartition("client.")[2], value, attributes, context))


def test_counters_of_every_kind_with_their_modality_and_context():
    meter, context = Outlets(), Context({"mine": 1})
    modalities = {("text", "input"): 1, ("text", "cache_read"): 2, ("audio", "cache_read"): 1}
    usage = Usage(input=1, output=None, cache_read=4, cache_write=3, reasoning=2, modalities=modalities)
    Instruments(meter, True).record(Measurement(KEY, context, 9.0, 1.0, 4, "answered", usage, None))
    assert {id(recorded) for *_, recorded in meter.recorded} == {id(context)}
    counted = [
        (name.partition("usage.")[2], value, attributes["gen_ai.token.modality"])
        for name, value, attributes, _ in meter.recorded
        if "usage." in name
    ]
    assert counted == [
        ("input_tokens", 1, "text"),
        ("cache_read.input_tokens", 2, "text"),
        ("cache_read.input_tokens", 1, "audio"),
        ("cache_read.input_tokens", 1, "unknown"),
        ("cache_write.input_tokens", 3, "unknown"),
        ("reasoning.output_tokens", 2, "unknown"),
    ]
