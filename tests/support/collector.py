"""A real OpenTelemetry Collector as a process, with a configuration of `collector-config/` and ports of its own."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import random
import re
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.absent import absent

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ROOT = Path(__file__).resolve().parents[2]
CONFIGS = ROOT / "collector-config"

_ADDRESSES = re.compile(r"\$\{env:([A-Z_]+):-[0-9.]+:\d+\}")
_SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$")


def binary() -> str:
    """The Collector to run; skips the test, with the reason, where there is none."""
    spec = importlib.util.spec_from_file_location("collector_script", ROOT / "scripts" / "collector.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    try:
        return str(script.find())
    except script.NoCollector as reason:
        absent("collector", str(reason))


def free_port() -> int:
    """A port that nobody has, below those that the kernel gives to clients: it stays free until it is used."""
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def wait_until(true: Callable[[], object], what: str, seconds: float = 30.0) -> None:
    """Wait until a condition holds; fails with its description."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            pytest.fail(f"after {seconds:g} s still not: {what}")
        time.sleep(0.05)


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return answer.read().decode()


class Collector:
    """`with Collector("agent.yaml", folder, BACKEND_ENDPOINT=url):` runs it, every address with a free port."""

    def __init__(self, config: str | Path, folder: Path, **variables: object) -> None:
        self.config = CONFIGS / config
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        names = set(_ADDRESSES.findall(self.config.read_text("utf-8")))
        self.variables = {name: f"127.0.0.1:{free_port()}" for name in names}
        self.variables["TELEMETRY_PORT"] = str(free_port())
        self.variables.update({name: str(value) for name, value in variables.items()})
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where applications send to."""
        return f"http://{self.variables['OTLP_HTTP_ENDPOINT']}"

    @property
    def log(self) -> str:
        return (self.folder / "collector.log").read_text("utf-8", "replace")

    def environment(self) -> Mapping[str, str]:
        ours = ("OTEL_", "GENSPAN_", "MLFLOW_", "HOSTNAME", "K8S_")
        return {**{k: v for k, v in os.environ.items() if not k.startswith(ours)}, **self.variables}

    def start(self) -> Collector:
        with (self.folder / "collector.log").open("ab") as log:
            self.process = subprocess.Popen(
                [binary(), "--config", str(self.config)],
                cwd=self.folder,
                env=self.environment(),
                stdout=log,
                stderr=log,
            )
        try:
            wait_until(self._up, f"{self.config.name} is up", 30)
        except BaseException:
            self.kill()
            print(self.log[-3000:])
            raise
        return self

    def _up(self) -> bool:
        if self.process.poll() is not None:
            pytest.fail(f"{self.config.name} ended by itself:\n{self.log[-3000:]}")
        try:
            get(f"http://{self.variables['HEALTH_ENDPOINT']}/")
        except OSError:
            return False
        return True

    def stop(self) -> None:
        """End it as an orchestrator does: it hands on what it holds first."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as the kernel does when memory runs out."""
        self._end(signal.SIGKILL)

    def _end(self, number: signal.Signals) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(5)

    def __enter__(self) -> Collector:
        return self.start()

    def __exit__(self, kind: object, *_: object) -> None:
        self.stop()
        if kind is not None:
            print(f"--- {self.config.name}\n{self.log[-3000:]}")

    def metrics(self) -> dict[str, float]:
        """The Collector's own metrics: `name{labels}` and the sum over all labels under `name`."""
        return samples(get(f"http://127.0.0.1:{self.variables['TELEMETRY_PORT']}/metrics"))


def samples(text: str) -> dict[str, float]:
    """What a Prometheus endpoint says: each sample, and for each name the sum of its samples."""
    found: dict[str, float] = {}
    for line in text.splitlines():
        if match := _SAMPLE.match(line):
            name, labels, value = match.groups()
            found[f"{name}{{{labels or ''}}}"] = float(value)
            found[name] = found.get(name, 0.0) + float(value)
    return found
