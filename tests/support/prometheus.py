"""A real Prometheus as a process, scraping its targets every second."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from tests.support.absent import absent
from tests.support.collector import CONFIGS, free_port, get, wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.collector import Collector

RULES = CONFIGS / "prometheus-rules.yaml"

SCRAPE = """
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: ["{rules}"]
scrape_configs:
  - job_name: collectors
    static_configs: [{{targets: {own}}}]
  - job_name: applications
    honor_labels: true
    static_configs: [{{targets: {metrics}}}]
"""


def program(name: str) -> str:
    found = shutil.which(name)
    if not found:
        absent("prometheus", f"no {name} here: apt-get install prometheus, or make test-collector")
    return found


class Prometheus:
    """Scrapes Collectors: their own metrics, and the page of each that has one for Prometheus."""

    def __init__(self, folder: Path, *collectors: Collector, command: str = "", flags: tuple[str, ...] = ()) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        folder.mkdir()
        own = json.dumps([f"127.0.0.1:{one.variables['TELEMETRY_PORT']}" for one in collectors])
        pages = (one.variables.get("PROMETHEUS_ENDPOINT") for one in collectors)
        metrics = json.dumps([page for page in pages if page])
        (folder / "prometheus.yml").write_text(SCRAPE.format(rules=RULES, own=own, metrics=metrics))
        arguments = ["--config.file=prometheus.yml", "--storage.tsdb.path=data", f"--web.listen-address={self.url[7:]}"]
        self.command, self.folder = [command or program("prometheus"), *arguments, *flags], folder

    def __enter__(self) -> Prometheus:
        with (self.folder / "log").open("wb") as log:
            self.process = subprocess.Popen(self.command, cwd=self.folder, stdout=log, stderr=log)
        wait_until(self._ready, "Prometheus is ready", 60)
        return self

    def _ready(self) -> bool:
        try:
            return bool(get(self.url + "/-/ready"))
        except OSError:
            return False

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(20)

    def query(self, expression: str) -> list[dict]:
        answer = json.loads(get(f"{self.url}/api/v1/query?{urlencode({'query': expression})}"))
        assert answer["status"] == "success", answer
        return answer["data"]["result"]

    def value(self, expression: str) -> float:
        """The sum over what an expression finds."""
        return sum(float(one["value"][1]) for one in self.query(expression))

    def broken(self) -> list[str]:
        """Rules that failed when they were last evaluated, with the reason."""
        groups = json.loads(get(f"{self.url}/api/v1/rules"))["data"]["groups"]
        return [
            f"{rule['name']}: {rule['lastError']}"
            for group in groups
            for rule in group["rules"]
            if rule.get("lastError")
        ]

    def total(self, name: str) -> float:
        """What a counter has come to in all: each start of a gateway has series of its own, which only grow."""
        return self.value(f"max_over_time({name}[1h])")
