"""Make the README's picture: an example, traced into a real MLflow server, as its page of the trace shows it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from demo.services import Services
from tests.support.browser import browser_page
from tests.support.mlflow_page import open_trace

from genspan.cli.mlflow_traces import TraceReader
from genspan.mlflow.destination import read_destination

PICTURE = ROOT / "docs/images/mlflow-trace.png"
EXPERIMENT = "Gemini"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        services = Services(Path(folder))
        try:
            provider, server = services.start_provider(), services.start_mlflow()
            env = {"MLFLOW_TRACKING_URI": server, "MLFLOW_EXPERIMENT_NAME": EXPERIMENT}
            env |= {"GEMINI_API_KEY": "no-key-is-needed", "GOOGLE_GEMINI_BASE_URL": provider}
            program = [str(Path(sys.executable).parent / "opentelemetry-instrument"), sys.executable]
            subprocess.run([*program, "examples/gemini_functions.py"], cwd=ROOT, env={**os.environ, **env}, check=True)
            reader = TraceReader(read_destination(server, experiment_name=EXPERIMENT))
            with browser_page(1600, 760) as page:
                drawer = open_trace(page, server, reader.experiment_id(), reader.newest(1)[0].id)
                page.wait_for_timeout(1000)  # the drawer slides in
                PICTURE.parent.mkdir(parents=True, exist_ok=True)
                drawer.screenshot(path=PICTURE)
        finally:
            services.stop()
    print(PICTURE.relative_to(ROOT))


main()
