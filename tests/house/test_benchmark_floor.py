"""The floor of the benchmarks gives the telemetry that genspan gives, or comparing the two would mean nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from benchmarks.providers import CASES, PROVIDERS, load
from benchmarks.setups import FLOOR, GENSPAN, SETTINGS, Calls, implementation
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

_BY_CLOCK = "gen_ai.response.time_to_first_chunk"
_OF_STREAMS = ("gen_ai.client.operation.time_to_first_chunk", "gen_ai.client.operation.time_per_output_chunk")
_BOTH = replace(SETTINGS["genai"], forms=frozenset({"genai", "mlflow"}))


@pytest.mark.parametrize("setting", [SETTINGS["off"], _BOTH], ids=["content_off", "content_on"])
@pytest.mark.parametrize("case", [*CASES, "stream"])
@pytest.mark.parametrize("name", PROVIDERS)
def test_floor_and_genspan_give_the_same(name: str, case: str, setting: Any) -> None:
    floor, genspan = (_telemetry(each, name, case, setting) for each in (FLOOR, GENSPAN))
    assert floor == genspan


def _telemetry(implementation_name: str, provider_name: str, case: str, setting: Any) -> tuple[Any, ...]:
    provider, exporter = load(provider_name), InMemorySpanExporter()
    with implementation(implementation_name, provider, setting, exporter) as calls:
        _make(calls, provider.client(3 if case == "stream" else 0), case)
        calls.flush()
        points = calls.metrics()
    (span,) = exporter.get_finished_spans()
    attributes = {name: value for name, value in span.attributes.items() if name != _BY_CLOCK}
    assert (_BY_CLOCK in span.attributes) == (case == "stream")
    return span.name, span.kind, span.status.status_code, attributes, _comparable(points)


def _make(calls: Calls, client: Any, case: str) -> None:
    if case == "stream":
        assert len(list(calls.stream(client))) >= 3
    else:
        calls.call(client, case)


def _comparable(data: Any) -> list[Any]:
    """Name, unit, attributes and number of exemplars of each point; of tokens, which no clock makes, the sum too."""
    scopes = [scope for resource in data.resource_metrics for scope in resource.scope_metrics]
    return sorted(
        (
            metric.name,
            metric.unit,
            sorted(point.attributes.items()),
            len(point.exemplars),
            list(point.explicit_bounds),
            point.sum if metric.unit == "{token}" else None,
        )
        for scope in scopes
        for metric in scope.metrics
        for point in metric.data.data_points
        if metric.name not in _OF_STREAMS
    )
