"""Prometheus 3 takes OTLP itself: gateway.yaml and to-grafana.yaml without a tier in between."""

from __future__ import annotations

import os

import pytest

from tests.support.absent import absent
from tests.support.collector import Collector, wait_until
from tests.support.otlp import model_call, request, send, span
from tests.support.prometheus import Prometheus

pytestmark = pytest.mark.heavy


@pytest.fixture
def prometheus(tmp_path):
    command = os.environ.get("PROMETHEUS3")
    if not command:
        absent("prometheus3", "takes six minutes of CPU to build: PROMETHEUS3=/path/to/prometheus")
    with Prometheus(tmp_path / "p", command=command, flags=("--web.enable-otlp-receiver",)) as running:
        yield running


def test_counts_of_every_start_of_a_gateway(tmp_path, sink, prometheus):
    variables = {
        "BACKEND_ENDPOINT": sink.url,
        "METRICS_ENDPOINT": f"{prometheus.url}/api/v1/otlp",
        "DECISION_WAIT": "1s",
    }
    total = 0
    with Collector("gateway.yaml", tmp_path / "g", **variables) as gateway:
        for _ in range(3):
            for tokens in range(1, 31):
                assert send(gateway.url, request([span(attributes=model_call(tokens, 3))])) == 200
                total += tokens
            gateway.stop()
            gateway.start()
        wait_until(lambda: prometheus.total("genai_span_input_tokens_total") == total, "every count")
    assert prometheus.total("genai_span_output_tokens_total") == 270


def test_an_applications_metrics_through_to_grafana(tmp_path, sink, prometheus, provider, example):
    places = {
        "TRACES_ENDPOINT": sink.url,
        "LOGS_ENDPOINT": sink.url,
        "METRICS_ENDPOINT": f"{prometheus.url}/api/v1/otlp",
    }
    with Collector("to-grafana.yaml", tmp_path / "g", **places) as collector:
        example("gemini_functions.py", collector.url)
        total = provider.ledger.total().total
        wait_until(lambda: prometheus.total("gen_ai_client_token_usage_sum") == total, "the provider's token counts")
