"""Make the pictures of the documentation: examples, traced into a real MLflow server, as its page shows a trace."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from demo.services import Services
from tests.support.browser import browser_page
from tests.support.mlflow_page import open_trace

from genspan.cli.mlflow_traces import TraceReader
from genspan.mlflow.destination import read_destination

PICTURES = {"gemini_functions": "mlflow-trace", "langchain_agent": "mlflow-langchain"}
"""Of the last trace of an example."""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        services = Services(Path(folder))
        try:
            provider, server = services.start_provider(), services.start_mlflow()
            env = {"GEMINI_API_KEY": "no-key-is-needed", "GOOGLE_GEMINI_BASE_URL": provider}
            env |= {"OPENAI_API_KEY": "no-key-is-needed", "OPENAI_BASE_URL": f"{provider}/v1"}
            with browser_page(1600, 760) as page:
                for example, picture in PICTURES.items():
                    _take(page, server, example, env, ROOT / f"docs/images/{picture}.png")
        finally:
            services.stop()


def _take(page: Page, server: str, example: str, env: dict[str, str], picture: Path) -> None:
    env = {**env, "MLFLOW_TRACKING_URI": server, "MLFLOW_EXPERIMENT_NAME": example}
    program = [str(Path(sys.executable).parent / "opentelemetry-instrument"), sys.executable]
    subprocess.run([*program, f"examples/{example}.py"], cwd=ROOT, env={**os.environ, **env}, check=True)
    reader = TraceReader(read_destination(server, experiment_name=example))
    drawer = open_trace(page, server, reader.experiment_id(), reader.newest(1)[0].id)
    page.wait_for_timeout(1000)  # the drawer slides in
    picture.parent.mkdir(parents=True, exist_ok=True)
    drawer.screenshot(path=picture)
    print(picture.relative_to(ROOT))


main()
