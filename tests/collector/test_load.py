"""Two applications, two agents, a balancer, two gateways, the last tiers, MLflow and Prometheus, under faults."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.support import mlflow_server as mlflow
from tests.support.absent import absent
from tests.support.collector import ROOT, Collector, free_port, wait_until
from tests.support.otlp_sink import OtlpSink, attributes
from tests.support.prometheus import Prometheus

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(480)]

CALLS, SECONDS = 900, 60.0
APP = Path(mlflow.__file__).with_name("load_app.py")


class Mlflow(mlflow.MlflowServer):
    """A server that can be stopped and started again with what it has stored."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.port = free_port()
        self.home = Path(os.environ.get("GENSPAN_MLFLOW") or ROOT / ".venv-mlflow")
        if not (self.home / "bin" / "mlflow").exists():
            absent("mlflow", f"no MLflow in {self.home}")
        super().__init__(f"http://127.0.0.1:{self.port}", folder)

    def start(self) -> Mlflow:
        self.process = mlflow._start(self.home, self.folder, self.port, {}, [])
        mlflow._wait_until_ready(self, self.process)
        return self

    def stop(self, *_: object) -> None:
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(5)

    __enter__, __exit__ = start, stop

    def usage(self, experiment: str) -> list[dict[str, int]]:
        """The token usage of every trace of an experiment."""
        found, token = [], ""
        place = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": experiment}}
        while True:
            body = {"locations": [place], "max_results": 500} | ({"page_token": token} if token else {})
            page = self.call("/api/3.0/mlflow/traces/search", body)
            found += [json.loads(one["trace_metadata"]["mlflow.trace.tokenUsage"]) for one in page.get("traces", [])]
            token = page.get("next_page_token", "")
            if not token:
                return found


def application(name: str, agent: Collector, provider_url: str) -> subprocess.Popen[bytes]:
    ours = ("GEMINI_", "GOOGLE_", "GENSPAN_", "OTEL_", "MLFLOW_")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    environment |= {
        "GOOGLE_GEMINI_BASE_URL": provider_url,
        "GEMINI_API_KEY": "none",
        "OTEL_EXPORTER_OTLP_ENDPOINT": agent.url,
        "OTEL_SERVICE_NAME": name,
        "OTEL_BSP_SCHEDULE_DELAY": "500",
        "OTEL_METRIC_EXPORT_INTERVAL": "2000",
        "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "true",
        "CALLS": str(CALLS),
        "SECONDS": str(SECONDS),
    }
    command = [Path(sys.executable).with_name("opentelemetry-instrument"), sys.executable, APP]
    return subprocess.Popen(command, env=environment)


def to(last: Collector, counts: Collector, sink: OtlpSink) -> dict[str, str]:
    return {"BACKEND_ENDPOINT": last.url, "BACKEND2_ENDPOINT": sink.url, "METRICS_ENDPOINT": counts.url}


def test_no_span_is_lost_or_doubled_and_all_token_counts_agree(tmp_path, sink, provider):
    quick = {"KEEP_PERCENT": 100, "DECISION_WAIT": "3s", "DECISION_WAIT_ROOT": "1s"}
    with (
        Mlflow(tmp_path / "mlflow") as server,
        Collector("to-mlflow.yaml", tmp_path / "to", MLFLOW_TRACKING_URI=server.uri, MLFLOW_EXPERIMENT_ID=0) as last,
        Collector("to-prometheus.yaml", tmp_path / "counts") as counts,
        Collector("gateway.yaml", tmp_path / "g1", **quick, **to(last, counts, sink)) as one,
        Collector("gateway.yaml", tmp_path / "g2", **quick, **to(last, counts, sink)) as two,
        Prometheus(tmp_path / "prometheus", counts, one, two) as prometheus,
        Collector("balancer.yaml", tmp_path / "b", GATEWAY_1=one.url, GATEWAY_2=two.url) as balancer,
        Collector("agent.yaml", tmp_path / "a1", BACKEND_ENDPOINT=balancer.url) as first,
        Collector("agent.yaml", tmp_path / "a2", BACKEND_ENDPOINT=balancer.url) as second,
    ):
        tiers = {"agent": second, "balancer": balancer, "gateway": one, "to-mlflow": last, "to-prometheus": counts}
        applications = [application(f"app-{n}", agent, provider.url) for n, agent in enumerate((first, second))]
        began = time.monotonic()

        def more(calls: int) -> None:
            so_far = len(provider.ledger)
            wait_until(lambda: len(provider.ledger) >= so_far + calls, f"{calls} calls more", 60)

        try:
            more(200)
            first.kill()
            more(50)
            first.start()
            more(200)
            two.stop()
            more(150)
            two.start()
            server.stop()
            more(200)
            server.start()
            for app in applications:
                assert app.wait(120) == 0
        finally:
            for app in applications:
                app.kill()
        seconds = time.monotonic() - began
        calls, bill = 2 * CALLS, provider.ledger.total()
        assert len(provider.ledger) == calls
        wait_until(lambda: len(sink.seen) == calls, "every span at the second backend", 60)
        wait_until(lambda: len(server.usage("0")) == calls, "every trace in MLflow", 90)
        usage = server.usage("0")
        wait_until(lambda: prometheus.total("gen_ai_client_token_usage_sum") == bill.total, "the applications' counts")
        # What the killed agent had sent, but not taken off its queue, arrives twice and is counted twice from spans.
        again = repeats(sink)
        for kind in ("input", "output"):
            name, expected = f"genai_span_{kind}_tokens_total", getattr(bill, kind) + again[kind]
            wait_until(lambda n=name, e=expected: prometheus.total(n) == e, f"{expected} in {name}")
        report(calls, seconds, again, tiers)
    assert sum(trace["input_tokens"] for trace in usage) == bill.input
    assert sum(trace["output_tokens"] for trace in usage) == bill.output


def repeats(sink: OtlpSink) -> Counter[str]:
    """Spans that arrived again at the second backend, and the tokens on them."""
    again, seen = Counter(spans=0, input=0, output=0), set()
    for one in sink.spans:
        if one.span_id in seen:
            on_it = attributes(one)
            again["spans"] += 1
            again["input"] += on_it.get("gen_ai.usage.input_tokens", 0)
            again["output"] += on_it.get("gen_ai.usage.output_tokens", 0)
        seen.add(one.span_id)
    return again


def report(calls, seconds, again, tiers):
    """What the run has measured, for docs/collector.md; seen with `pytest -s`."""
    print(f"\n{calls} calls in {seconds:.0f} s; arrived twice: {again['spans']}")
    for name, tier in tiers.items():
        own = tier.metrics()
        taken = own.get("otelcol_receiver_accepted_spans", 0) or own["otelcol_receiver_accepted_metric_points"]
        cpu, memory = own["otelcol_process_cpu_seconds"], own["otelcol_process_memory_rss"] / 2**20
        print(f"{name:10} {cpu:6.2f} s CPU, {1e6 * cpu / max(taken, 1):7.0f} us a span or point, {memory:4.0f} MiB")
