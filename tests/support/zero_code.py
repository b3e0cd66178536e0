"""Programs run as a user runs them: ``opentelemetry-instrument python program``, in a process of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent


def run(
    program: Path | str, env: dict[str, str], provider: str, timeout: float = 180
) -> subprocess.CompletedProcess[str]:
    """Run a program against a provider's URL; settings of the machine that tracing would read are left out."""
    kept = {
        k: v for k, v in os.environ.items() if not k.startswith(("OTEL_", "MLFLOW_", "GENSPAN_", "GEMINI_", "GOOGLE_"))
    }
    command = [str(BIN / "opentelemetry-instrument"), sys.executable, str(program)]
    given = {"GEMINI_API_KEY": "key-of-the-test", "GOOGLE_GEMINI_BASE_URL": provider, **env}
    return subprocess.run(
        command, env=kept | given, cwd=ROOT, capture_output=True, text=True, timeout=timeout, check=False
    )
