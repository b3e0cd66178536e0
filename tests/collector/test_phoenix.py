"""to-phoenix.yaml into a real Arize Phoenix."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.support.absent import absent
from tests.support.collector import ROOT, Collector, free_port, get, wait_until

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(200)]


@pytest.fixture
def phoenix(tmp_path):
    program = Path(os.environ.get("GENSPAN_PHOENIX") or ROOT / ".venv-phoenix") / "bin" / "phoenix"
    if not program.exists():
        absent(
            "phoenix",
            f"no Phoenix at {program}: make test-collector, or GENSPAN_PHOENIX=<environment with arize-phoenix>",
        )
    port = free_port()
    settings = {"HOST": "127.0.0.1", "PORT": port, "GRPC_PORT": free_port(), "WORKING_DIR": tmp_path / "phoenix"}
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("OTEL_", "PYTHON", "PHOENIX_"))}
    environment |= {f"PHOENIX_{name}": str(value) for name, value in settings.items()}
    environment["PHOENIX_TELEMETRY_ENABLED"] = "false"
    with (tmp_path / "phoenix.log").open("wb") as log:
        process = subprocess.Popen([program, "serve"], env=environment, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: answers(url), "Phoenix is up", 120)
        yield url
    finally:
        process.terminate()
        process.wait(20)


def answers(url: str) -> bool:
    try:
        return bool(get(f"{url}/v1/projects"))
    except OSError:
        return False


def spans(url: str) -> list[dict]:
    try:
        return json.loads(get(f"{url}/v1/projects/from-the-agent/spans?limit=100"))["data"]
    except OSError:  # 404 until the first span makes the project
        return []


def test_an_example_in_phoenix(tmp_path, phoenix, provider, example):
    variables = {"PHOENIX_ENDPOINT": phoenix, "PHOENIX_PROJECT": "from-the-agent"}
    with Collector("to-phoenix.yaml", tmp_path / "collector", **variables) as collector:
        example("gemini_functions.py", collector.url, OTEL_METRICS_EXPORTER="none", OTEL_LOGS_EXPORTER="none")
        wait_until(lambda: len(spans(phoenix)) >= 4, "the spans in Phoenix", 60)
    stored = spans(phoenix)
    used = [one["attributes"].get("gen_ai.usage.input_tokens", 0) for one in stored]
    assert sum(used) == provider.ledger.total().input
    assert {"LLM", "TOOL", "AGENT"} <= {one["span_kind"] for one in stored}
