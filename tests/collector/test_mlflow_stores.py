"""How many spans a second an MLflow server takes, on SQLite and PostgreSQL: numbers for docs/collector.md."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.support.absent import absent
from tests.support.collector import ROOT, free_port, wait_until
from tests.support.otlp import model_call, request, span

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(400)]

REQUESTS, SPANS, SENDERS = 12, 200, 2  # as many at once as a route of to-mlflow.yaml sends


@pytest.mark.parametrize(("store", "workers"), [("sqlite", 1), ("postgresql", 1), ("postgresql", 2)])
def test_spans_a_second(store, workers, tmp_path, request):
    home = Path(os.environ.get("GENSPAN_MLFLOW") or ROOT / ".venv-mlflow")
    if not (home / "bin" / "mlflow").exists():
        absent("mlflow", f"no MLflow in {home}")
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    if store == "postgresql":
        if not list(home.glob("lib/python*/site-packages/psycopg2")):
            absent("postgresql", f"no psycopg2 in {home}: install psycopg2-binary there")
        uri = request.getfixturevalue("postgres")
    with Server(home, uri, workers, tmp_path) as server:
        post(server.url, [span(attributes=model_call(1, 1))])  # the first is slow
        began, before = time.monotonic(), server.cpu()
        sent = flood(server.url)
        seconds, cpu = time.monotonic() - began, server.cpu() - before
    print(f"\n{store}, {workers} workers: {1e3 * cpu / sent:.2f} ms CPU a span, {sent / seconds:.0f} spans a second")
    assert sent == REQUESTS * SPANS


class Server:
    def __init__(self, home: Path, uri: str, workers: int, folder: Path) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        port, self.log = self.url.rsplit(":", 1)[1], folder / "log"
        arguments = ["server", "--host", "127.0.0.1", "--port", port, "--workers", str(workers)]
        self.command = [home / "bin" / "mlflow", *arguments, "--backend-store-uri", uri]
        self.folder = folder

    def __enter__(self) -> Server:
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW", "OTEL", "PYTHON"))}
        environment |= {"MLFLOW_MODEL_CATALOG_URI": "", "MLFLOW_DISABLE_TELEMETRY": "true"}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                self.command, cwd=self.folder, env=environment, stdout=log, stderr=log, start_new_session=True
            )
        wait_until(self._healthy, "MLflow is up", 120)
        return self

    def cpu(self) -> float:
        """CPU seconds of its web workers so far: not of the database, nor of the jobs that it starts beside them."""
        ticks = 0
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):  # a process that has ended meanwhile
                fields = stat.read_text().rsplit(")", 1)[1].split()
                command = stat.with_name("cmdline").read_bytes()
                if int(fields[2]) == self.process.pid and b"huey" not in command and b"_job_runner" not in command:
                    ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def _healthy(self) -> bool:
        if self.process.poll() is not None:
            pytest.fail(self.log.read_text()[-2000:])
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=2):
                return True
        except OSError:
            return False

    def __exit__(self, *_: object) -> None:
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(5)


def post(url: str, spans: list) -> None:
    """Send as the Collector does, again after 503 (SQLite: "database is locked") and lost connections."""
    headers = {"content-type": "application/x-protobuf", "x-mlflow-experiment-id": "0"}
    body = urllib.request.Request(f"{url}/v1/traces", request(spans).SerializeToString(), headers, method="POST")
    for _ in range(20):
        try:
            with urllib.request.urlopen(body, timeout=120):
                return
        except urllib.error.HTTPError as error:
            with error:
                if error.code != 503:
                    raise
        except OSError as error:  # uvicorn ends a worker that is too busy to answer it for five seconds
            print(f"connection lost: {error}")
        time.sleep(1)
    pytest.fail("MLflow takes nothing")


def flood(url: str) -> int:
    """Send the requests from a few threads, as to-mlflow.yaml's queues do; the number of spans that were taken."""
    taken: list[int] = []

    def sender() -> None:
        for _ in range(REQUESTS // SENDERS):
            post(url, [span(attributes=model_call(10, 5)) for _ in range(SPANS)])
            taken.append(SPANS)

    threads = [threading.Thread(target=sender) for _ in range(SENDERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(taken)
