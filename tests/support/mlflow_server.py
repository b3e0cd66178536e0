"""A real MLflow server on sqlite in a temporary folder, one per test session.

Its environment is ``$GENSPAN_MLFLOW``, by default ``.venv-mlflow`` in the repository (``make .venv-mlflow/.ready``).
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans

from tests.support.absent import absent
from tests.support.spans import ended_span

if TYPE_CHECKING:
    from collections.abc import Iterator

START_SECONDS = 400  # a machine in use takes minutes to import it
_ROOT = Path(__file__).resolve().parents[2]


class MlflowServer:
    """Its address, and its REST API for assertions."""

    def __init__(self, uri: str, folder: Path) -> None:
        self.uri = uri
        self.folder = folder

    def call(self, path: str, body: dict[str, Any] | None = None, **query: str) -> Any:
        """GET without a body, POST with one; the answer's JSON. Raises ``urllib.error.HTTPError``."""
        url = f"{self.uri}{path}?{urlencode(query)}"
        data = None if body is None else json.dumps(body).encode()
        with urlopen(Request(url, data, {"content-type": "application/json"}), timeout=60) as answer:
            return json.loads(answer.read())

    def experiment_id(self, name: str) -> str:
        found = self.call("/api/2.0/mlflow/experiments/get-by-name", experiment_name=name)
        return found["experiment"]["experiment_id"]

    def trace_infos(self, experiment: str) -> list[dict[str, Any]]:
        """What is stored about the traces of an experiment (by name), newest first."""
        place = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": self.experiment_id(experiment)}}
        body = {"locations": [place], "max_results": 500, "order_by": ["timestamp_ms DESC"]}
        return self.call("/api/3.0/mlflow/traces/search", body).get("traces", [])

    def trace(self, trace_id: str) -> dict[str, Any]:
        """``trace_info`` and ``spans`` of a trace by its id, ``tr-`` and 32 hex digits."""
        return self.call("/api/3.0/mlflow/traces/get", trace_id=trace_id)["trace"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW", "OTEL", "PYTHON"))}
    # Without a price catalog address the server would wait for the internet at each new provider's first span.
    # Its workers for jobs of its own (seven processes that import all of it) have no part in what is tested.
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    return kept | {"MLFLOW_MODEL_CATALOG_URI": "", **quiet}


def _start(home: Path, folder: Path, port: int, env: dict[str, str], options: list[str]) -> subprocess.Popen[bytes]:
    program = [str(home / "bin" / name) for name in ("opentelemetry-instrument", "mlflow")]
    command = [
        *program[env.get("OTEL_TRACES_EXPORTER") is None :],
        "server",
        *options,
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--workers",
        "1",
    ]
    command += [
        "--backend-store-uri",
        f"sqlite:///{folder}/mlflow.db",
        "--default-artifact-root",
        str(folder / "files"),
    ]
    with (folder / "server.log").open("wb") as log:
        return subprocess.Popen(
            command, cwd=folder, env=_environment() | env, stdout=log, stderr=log, start_new_session=True
        )


def _wait_until_ready(server: MlflowServer, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if _is_healthy(server):
            return
        time.sleep(0.25)
    pytest.fail(f"MLflow did not start:\n{(server.folder / 'server.log').read_text()[-3000:]}")


def _is_healthy(server: MlflowServer) -> bool:
    try:
        with urlopen(server.uri + "/health", timeout=5):
            return True
    except (URLError, OSError):
        return False


def warm_up(server: MlflowServer) -> None:
    """The first span makes the server load what it needs, which takes seconds."""
    headers = {"content-type": "application/x-protobuf", "x-mlflow-experiment-id": "0"}
    body = encode_spans([ended_span("warm-up", {"gen_ai.operation.name": "chat"})]).SerializeToString()
    with urlopen(Request(server.uri + "/v1/traces", body, headers), timeout=60):
        pass


@contextmanager
def running(home: Path, folder: Path, *options: str, port: int | None = None, **env: str) -> Iterator[MlflowServer]:
    """A server of the MLflow in the environment ``home`` that keeps all it has in ``folder``.

    In ``env``, ``{uri}`` is the server's own address; where it names an exporter, the server is instrumented.
    """
    port = port or free_port()
    server = MlflowServer(f"http://127.0.0.1:{port}", folder)
    own = {name: value.replace("{uri}", server.uri) for name, value in env.items()}
    process = _start(home, folder, port, own, list(options))
    try:
        _wait_until_ready(server, process)
        yield server
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)


def environment(name: str = ".venv-mlflow") -> Path:
    """The environment in which an MLflow is installed; skips where there is none."""
    variable = "GENSPAN_" + name.removeprefix(".venv-").upper().replace("-", "_")
    home = Path(os.environ.get(variable) or _ROOT / name)
    if not (home / "bin" / "mlflow").exists():
        absent("mlflow", f"no MLflow in {home}: `make {name}/.ready`, or {variable}=<environment>")
    return home


@pytest.fixture(scope="session")
def mlflow_server(tmp_path_factory: pytest.TempPathFactory):
    """A running server; skips where MLflow is not installed. The first test to ask for it waits for the start."""
    with running(environment(), tmp_path_factory.mktemp("mlflow")) as server:
        warm_up(server)
        yield server
