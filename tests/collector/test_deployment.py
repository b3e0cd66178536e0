"""The parts of deploy/compose.yaml without containers: its commands and variables, with other addresses.

PostgreSQL and the Collector are the real ones, S3 is moto's. The example asks a model by MLflow's gateway.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
import yaml

from tests.support.absent import absent
from tests.support.collector import ROOT, Collector, free_port, wait_until
from tests.support.mlflow_gateway import Endpoints
from tests.support.mlflow_server import MlflowServer, environment
from tests.support.provider import FakeProvider
from tests.support.stored import Stored

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(900)]

SERVICES = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text("utf-8"))["services"]
SECRETS = {"S3_ACCESS_KEY": "an-access-key", "S3_SECRET_KEY": "a-secret-key", "POSTGRES_PASSWORD": "a-password"}
FOR_TESTS = {
    "MLFLOW_GATEWAY_API_BASE_ALLOWED_SCHEMES": "http,https",
    "MLFLOW_GATEWAY_API_BASE_ALLOW_PRIVATE_IPS": "true",
    "MLFLOW_MODEL_CATALOG_URI": "",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
}


class Deployment:
    """Runs services as the file says, where ``addresses`` says that they are."""

    def __init__(self, home: Path, folder: Path, addresses: dict[str, str], variables: dict[str, str]) -> None:
        self._home, self._folder = home, folder
        self._addresses, self._variables = addresses, variables
        self.running: list[subprocess.Popen[bytes]] = []

    def _placed(self, text: str) -> str:
        text = re.sub(r"\$\{(\w+):[-?]([^}]*)\}", lambda found: self._variables.get(found[1], found[2]), text)
        for ours, theirs in self._addresses.items():
            text = text.replace(ours, theirs)
        return text

    def environment(self, service: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW", "OTEL", "PYTHON"))}
        given = {name: self._placed(str(value)) for name, value in SERVICES[service]["environment"].items()}
        return {**kept, **given}

    def start(self, service: str, **more: str) -> subprocess.Popen[bytes]:
        program, *arguments = map(self._placed, SERVICES[service]["command"])
        with (self._folder / f"{service}.log").open("wb") as log:
            path = f"{self._home / 'bin'}{os.pathsep}{os.environ['PATH']}"
            process = subprocess.Popen(
                [self._home / "bin" / program, *arguments],
                env={**self.environment(service), **more, "PATH": path},
                cwd=self._folder,
                stdout=log,
                stderr=log,
            )
        self.running.append(process)
        return process


def answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=5):
            return True
    except OSError:
        return False


def test_what_a_program_asks_by_the_gateway_is_in_mlflow_once(postgres, tmp_path):
    home = environment()
    for package in ("psycopg2", "boto3", "moto", "genspan-*.dist-info"):
        if not list(home.glob(f"lib/python*/site-packages/{package}")):
            absent("deployment", f"no {package} in {home}: make test-collector installs it")
    port, s3, collector = free_port(), f"127.0.0.1:{free_port()}", Collector("to-mlflow.yaml", tmp_path / "collector")
    addresses = {
        "postgresql+psycopg2://mlflow@postgres:5432/mlflow": postgres,
        "http://s3:7070": f"http://{s3}",
        "http://collector:4318": collector.url,
        "--port=5000": f"--port={port}",
        "--host=0.0.0.0": "--host=127.0.0.1",
        "http://mlflow:5000": f"http://127.0.0.1:{port}",
    }
    deployment = Deployment(home, tmp_path, addresses, SECRETS | {"MLFLOW_CRYPTO_KEK_PASSPHRASE": "a-passphrase"})
    server = MlflowServer(f"http://127.0.0.1:{port}", tmp_path)
    moto = subprocess.Popen([home / "bin" / "moto_server", "-H", "127.0.0.1", "-p", s3.rpartition(":")[2]])
    deployment.running.append(moto)
    try:
        wait_until(lambda: answers(f"http://{s3}/moto-api/data.json"), "S3 is up", 120)
        assert deployment.start("bucket").wait(120) == 0
        deployment.start("mlflow", **FOR_TESTS)
        wait_until(lambda: answers(f"{server.uri}/health"), "MLflow is up", 400)
        collector.variables |= {
            name: value
            for name, value in deployment.environment("collector").items()
            if name in ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_ID")
        }
        with FakeProvider() as provider, collector:
            endpoints = Endpoints(server)
            endpoints.add("models", endpoints.model("models", provider.url))
            asked = {"OPENAI_BASE_URL": f"{server.uri}/gateway/openai/v1", "OPENAI_MODEL": "models"}
            program = [Path(sys.executable).with_name("opentelemetry-instrument"), sys.executable]
            environ = {**deployment.environment("example"), **asked, "OPENAI_API_KEY": "none"}
            environ["GENSPAN_PROPAGATE_HOSTS"] = "127.0.0.1"
            subprocess.run([*program, ROOT / "examples" / "openai_chat.py"], env=environ, check=True, timeout=120)
            wait_until(lambda: len(_spans(server)) == 9, "three spans of each call are in MLflow", 120)
            billed = provider.ledger.total()
        traces = [Stored(server.trace(info["trace_id"])) for info in server.trace_infos("Default")]
        assert len(traces) == 3
        assert sum(trace.usage["input_tokens"] for trace in traces) == billed.input
        assert sum(trace.usage["output_tokens"] for trace in traces) == billed.output
        assert all(trace.info["response_preview"] for trace in traces)
        _store_and_find(server, deployment, home)
    finally:
        for process in reversed(deployment.running):
            process.terminate()
        for process in deployment.running:
            process.wait(30)


def _spans(server: MlflowServer) -> list[object]:
    return [span for info in server.trace_infos("Default") for span in Stored(server.trace(info["trace_id"])).spans]


def _store_and_find(server: MlflowServer, deployment: Deployment, home: Path) -> None:
    """An artifact that is given to MLflow is in the bucket."""
    url = f"{server.uri}/api/2.0/mlflow-artifacts/artifacts/note.txt"
    with urlopen(Request(url, b"kept", method="PUT"), timeout=60):
        pass
    listing = "import boto3, os; s3 = boto3.client('s3', endpoint_url=os.environ['MLFLOW_S3_ENDPOINT_URL'])"
    reading = f"{listing}; print(s3.get_object(Bucket='mlflow', Key='artifacts/note.txt')['Body'].read().decode())"
    program = [home / "bin" / "python", "-c", reading]
    found = subprocess.run(program, env=deployment.environment("mlflow"), capture_output=True, text=True, check=True)
    assert found.stdout == "kept\n"
