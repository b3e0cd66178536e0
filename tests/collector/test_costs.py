"""CPU per span and memory of each tier, next to a Collector with otlp -> batch -> otlp_http alone, in one run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.collector import Collector, wait_until
from tests.support.otlp import model_call, request, send, span
from tests.support.otlp_sink import OtlpSink

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(400)]

REQUESTS, SPANS = 200, 50
WORDS = "The quick brown fox jumps over the lazy dog, and the dog does not mind at all. " * 10
TIERS = {
    "quickstart.yaml": {"MLFLOW_TRACKING_URI"},
    "agent.yaml": {"BACKEND_ENDPOINT"},
    "balancer.yaml": {"GATEWAY_1", "GATEWAY_2"},
    "gateway.yaml": {"BACKEND_ENDPOINT", "BACKEND2_ENDPOINT", "METRICS_ENDPOINT"},
    "to-mlflow.yaml": {"MLFLOW_TRACKING_URI"},
    "to-jaeger.yaml": {"JAEGER_ENDPOINT"},
}
QUICK = {"KEEP_PERCENT": 100, "DECISION_WAIT": "1s", "DECISION_WAIT_ROOT": "500ms"}
CEILING = 30  # far above what was measured: a change of an order of magnitude is a mistake


def measure(config: str | Path, folder: Path, places: set[str], content: bool) -> tuple[float, float]:
    """CPU seconds and MiB at the end, once everything has come out; the idle start is taken off."""
    words = {"gen_ai.input.messages": WORDS, "gen_ai.output.messages": WORDS} if content else {}
    with OtlpSink() as sink, Collector(config, folder, **dict.fromkeys(places, sink.url), **QUICK) as collector:
        idle = collector.metrics()["otelcol_process_cpu_seconds"]
        for _ in range(REQUESTS):
            assert (
                send(collector.url, request([span(attributes=model_call(10, 5, **words)) for _ in range(SPANS)])) == 200
            )
        wait_until(lambda: len(sink.seen) == REQUESTS * SPANS, f"all spans out of {config}", 60)
        own = collector.metrics()
        return own["otelcol_process_cpu_seconds"] - idle, own["otelcol_process_memory_rss"] / 2**20


@pytest.mark.parametrize("content", [False, True], ids=["bare spans", "with 1.6 kB of content"])
def test_costs(tmp_path, content):
    base, memory = measure(Path(__file__).with_name("baseline.yaml"), tmp_path / "base", {"BACKEND_ENDPOINT"}, content)
    count = REQUESTS * SPANS
    print(f"\n{'baseline':16} {1e6 * base / count:6.0f} us a span   1.0   {memory:4.0f} MiB")
    for config, places in TIERS.items():
        cpu, memory = measure(config, tmp_path / config, places, content)
        print(f"{config:16} {1e6 * cpu / count:6.0f} us a span  {cpu / base:4.1f}   {memory:4.0f} MiB")
        assert cpu / base < CEILING, config
