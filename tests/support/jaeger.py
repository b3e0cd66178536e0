"""A real Jaeger (all-in-one, traces in memory) as a process: OTLP in, its API out."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.absent import absent
from tests.support.collector import ROOT, free_port, get, wait_until

if TYPE_CHECKING:
    from pathlib import Path

# Everything that it listens on, so that nothing of another on this machine is in the way.
ADDRESSES = (
    "admin.http.host-port",
    "collector.grpc-server.host-port",
    "collector.http-server.host-port",
    "collector.otlp.grpc.host-port",
    "http-server.host-port",
    "processor.jaeger-binary.server-host-port",
    "processor.jaeger-compact.server-host-port",
    "processor.zipkin-compact.server-host-port",
    "query.grpc-server.host-port",
)


def program() -> str:
    ran = subprocess.run([ROOT / "scripts" / "jaeger.sh", "--find"], capture_output=True, text=True, check=False)
    if ran.returncode:
        absent("jaeger", ran.stderr.strip())
    return ran.stdout.strip()


class Jaeger:
    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        self.otlp, self.api = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
        places = dict.fromkeys(ADDRESSES, "") | {
            "collector.otlp.http.host-port": self.otlp[7:],
            "query.http-server.host-port": self.api[7:],
        }
        arguments = [f"--{name}={place or f'127.0.0.1:{free_port()}'}" for name, place in places.items()]
        self.command = [program(), *arguments]

    def __enter__(self) -> Jaeger:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("OTEL_")}
        environment |= {"COLLECTOR_OTLP_ENABLED": "true", "SPAN_STORAGE_TYPE": "memory"}
        with (self.folder / "log").open("wb") as log:
            self.process = subprocess.Popen(self.command, env=environment, stdout=log, stderr=log)
        wait_until(self._up, "Jaeger is up", 60)
        return self

    def _up(self) -> bool:
        if self.process.poll() is not None:
            pytest.fail((self.folder / "log").read_text("utf-8")[-2000:])
        try:
            return bool(get(f"{self.api}/api/services"))
        except OSError:
            return False

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(5)

    def spans(self, service: str) -> list[dict]:
        """The spans of a service, each with its attributes under `tags`."""
        found = json.loads(get(f"{self.api}/api/traces?service={service}&limit=100"))["data"]
        spans = [one for trace in found for one in trace["spans"]]
        return [{**one, "tags": {tag["key"]: tag["value"] for tag in one["tags"]}} for one in spans]
