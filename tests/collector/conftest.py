"""Everything here runs a real Collector; what takes minutes or needs more servers: `make test-collector`.

$GENSPAN_HEAVY says which of that runs: "1" for all, else the names of files, as "load,prometheus".
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.collector import ROOT
from tests.support.mlflow_server import mlflow_server
from tests.support.otlp_sink import OtlpSink
from tests.support.postgres import postgres

__all__ = ["mlflow_server", "postgres"]

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.collector)
            chosen = os.environ.get("GENSPAN_HEAVY", "").split(",")
            if item.get_closest_marker("heavy") and not {"1", item.path.stem.removeprefix("test_")} & {*chosen}:
                item.add_marker(pytest.mark.skip(reason="takes minutes: make test-collector"))


@pytest.fixture
def sink():
    with OtlpSink() as running:
        yield running


@pytest.fixture
def example(provider):
    """Runs an example under opentelemetry-instrument, sending to a Collector."""

    def run(name: str, url: str, **variables: str) -> str:
        ours = ("GEMINI_", "GOOGLE_", "GENSPAN_", "OTEL_", "MLFLOW_")
        environment = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
        environment |= {"GOOGLE_GEMINI_BASE_URL": provider.url, "GEMINI_API_KEY": "none"}
        environment |= {"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_SERVICE_NAME": name, **variables}
        ran = subprocess.run(
            [Path(sys.executable).with_name("opentelemetry-instrument"), sys.executable, ROOT / "examples" / name],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout + ran.stderr

    return run
