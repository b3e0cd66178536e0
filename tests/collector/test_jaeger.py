"""to-jaeger.yaml into a real Jaeger."""

from __future__ import annotations

import pytest

from tests.support.collector import Collector, wait_until
from tests.support.jaeger import Jaeger

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(200)]


def test_an_example_in_jaeger(tmp_path, provider, example):
    with (
        Jaeger(tmp_path / "jaeger") as jaeger,
        Collector("to-jaeger.yaml", tmp_path / "collector", JAEGER_ENDPOINT=jaeger.otlp) as collector,
    ):
        example("gemini_functions.py", collector.url, OTEL_METRICS_EXPORTER="none", OTEL_LOGS_EXPORTER="none")
        wait_until(lambda: len(jaeger.spans("gemini_functions.py")) >= 4, "the spans in Jaeger", 60)
        stored = jaeger.spans("gemini_functions.py")
    bill = provider.ledger.total()
    assert sum(one["tags"].get("gen_ai.usage.input_tokens", 0) for one in stored) == bill.input
    assert sum(one["tags"].get("gen_ai.usage.output_tokens", 0) for one in stored) == bill.output
    assert {"invoke_agent", "generate_content", "execute_tool"} == {one["operationName"].split()[0] for one in stored}
    assert len({one["traceID"] for one in stored}) == 1
