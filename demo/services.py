"""The programs that the demo starts, and their end: nothing that it started outlives it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).resolve().parent.parent
MLFLOW = Path(os.environ.get("GENSPAN_MLFLOW", ROOT / ".venv-mlflow"))


class Services:
    """Child processes, each the leader of a process group of its own, so that a group ends as one."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._running: list[subprocess.Popen[str]] = []

    def start(self, name: str, command: Sequence[str], env: Mapping[str, str]) -> subprocess.Popen[str]:
        """Start a program in the background; what it says on standard error goes to a log file."""
        with (self._logs / f"{name}.log").open("w") as log:
            process = subprocess.Popen(
                command,
                env={**os.environ, **env},
                cwd=ROOT,
                stdout=subprocess.PIPE if name == "provider" else log,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        self._running.append(process)
        return process

    def stop(self) -> None:
        """End all of them, by force if they do not end within a few seconds."""
        for process in self._running:
            _signal(process, signal.SIGTERM)
        deadline = time.monotonic() + 5
        for process in self._running:
            while process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.05)
            _signal(process, signal.SIGKILL)
            process.wait()
        self._running.clear()

    def start_provider(self) -> str:
        """A fake Gemini service on loopback; returns its URL."""
        command = [sys.executable, "-m", "tests.support.provider", "--port", "0"]
        process = self.start("provider", command, {"FAKE_PROVIDER_SNAPSHOTS": "false"})  # models that have a price
        line = process.stdout.readline().strip() if process.stdout else ""
        if not line:
            raise RuntimeError(f"the fake provider did not start; see {self._logs / 'provider.log'}")
        return line

    def start_mlflow(self) -> str:
        """A real MLflow server on SQLite; returns its URL when it is ready."""
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        store = f"sqlite:///{self._logs / 'mlflow.db'}"
        command = [str(MLFLOW / "bin" / "mlflow"), "server", "--host", "127.0.0.1", "--port", str(port)]
        command += ["--workers", "1", "--backend-store-uri", store, "--artifacts-destination", str(self._logs / "art")]
        # Prices come from the catalogue that MLflow ships with: fetching a newer one blocks the first span.
        quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        env = {"MLFLOW_MODEL_CATALOG_URI": "", **quiet, "PATH": _path(MLFLOW)}
        process = self.start("mlflow", command, env)
        deadline = time.monotonic() + 180
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise RuntimeError(f"the MLflow server ended while it started; see {self._logs / 'mlflow.log'}")
            if _answers(f"{url}/health"):
                return url
            time.sleep(0.25)
        raise RuntimeError(f"the MLflow server did not answer within 180 s; see {self._logs / 'mlflow.log'}")


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return response.status == 200
    except (urllib.error.URLError, OSError):
        return False


def _path(environment: Path) -> str:
    return f"{environment / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"


def _signal(process: subprocess.Popen[str], number: signal.Signals) -> None:
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return
