"""Spans in a database without a server, written by the mlflow package that the program has installed."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.support.mlflow_server import environment

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

ROOT = Path(__file__).resolve().parents[2]
SETUP = f"""
import logging, sys
logging.basicConfig(level=logging.WARNING, format="%(name)s: %(message)s")
sys.path[:0] = [{str(ROOT / "instrumentation")!r}, {str(ROOT / "semconv")!r}]
sys.path.append({sysconfig.get_paths()["purelib"]!r})
"""
PROGRAM = """
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from genspan.mlflow import MlflowSpanExporter
provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(MlflowSpanExporter()))
# The provider's own end waits 30 seconds, in which a machine in use does not import mlflow.
import atexit
atexit.register(provider.force_flush, 600_000)
tracer = provider.get_tracer("tests")
usage = '{"input_tokens":3,"output_tokens":4}'
inputs = '{"messages":[{"role":"user","content":"why?"}]}'
with tracer.start_as_current_span("root", attributes={"mlflow.spanInputs": inputs, "mlflow.spanType": "CHAIN"}):
    with tracer.start_as_current_span("tool", attributes={"mlflow.spanType": "TOOL", "a": "9" * 5000}):
        pass
    attributes = {"mlflow.spanType": "CHAT_MODEL", "mlflow.chat.tokenUsage": usage}
    with tracer.start_as_current_span("chat", attributes=attributes):
        pass
import os
os.chdir("/")
"""
READ = """
import mlflow
mlflow.set_tracking_uri("sqlite:///mlflow.db")
number = mlflow.get_experiment_by_name("mine").experiment_id
(trace,) = mlflow.search_traces(locations=[number], return_type="list")
print(trace.info.token_usage["total_tokens"], trace.info.request_preview, trace.info.tags["mlflow.traceName"])
print(sorted((span.name, span.span_type, span.status.status_code.name) for span in trace.data.spans))
"""


def run(folder: Path, code: str, python: str | None = None, **settings: str) -> subprocess.CompletedProcess[str]:
    python = python or str(environment() / "bin" / "python")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW", "OTEL", "PYTHON"))}
    variables = kept | {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_MODEL_CATALOG_URI": ""} | settings
    command = [python, "-c", code]
    return subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, timeout=500, check=False)


def test_a_short_program_leaves_its_trace_at_exit(tmp_path):
    done = run(tmp_path, SETUP + PROGRAM, MLFLOW_EXPERIMENT_NAME="mine")  # into MLflow's own default
    assert done.returncode == 0, done.stderr
    assert "genspan" not in done.stderr
    read = run(tmp_path, READ)
    assert read.stdout.splitlines() == [
        "7 why? root",
        "[('chat', 'CHAT_MODEL', 'UNSET'), ('root', 'CHAIN', 'UNSET'), ('tool', 'TOOL', 'OK')]",
    ], read.stderr


def test_without_the_mlflow_package(tmp_path):
    settings = {"MLFLOW_TRACKING_URI": "postgresql://me:secret@host/db"}
    block = "\nsys.modules['mlflow'] = None\n"
    done = run(tmp_path, SETUP + block + PROGRAM, sys.executable, **settings)
    assert done.returncode == 0, done.stderr
    assert "postgresql://host/db is written by the mlflow package: pip install" in done.stderr
    assert "secret" not in done.stderr
