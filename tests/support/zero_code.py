"""Programs run as a user runs them, in a process of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
_SETTINGS = ("OTEL_", "MLFLOW_", "GENSPAN_", "GEMINI_", "GOOGLE_", "OPENAI_", "ANTHROPIC_")

Done = subprocess.CompletedProcess[str]


def run(program: Path | str, env: dict[str, str], provider: str, timeout: float = 180) -> Done:
    """``opentelemetry-instrument python program``, against a provider's URL."""
    return _run([str(BIN / "opentelemetry-instrument"), sys.executable, str(program)], env, provider, timeout)


def run_plainly(program: Path | str, env: dict[str, str], provider: str, timeout: float = 180) -> Done:
    """``python program``, for one that switches tracing on by itself."""
    return _run([sys.executable, str(program)], env, provider, timeout)


def _run(command: list[str], env: dict[str, str], provider: str, timeout: float) -> Done:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_SETTINGS)}
    given = {"GEMINI_API_KEY": "key-of-the-test", "GOOGLE_GEMINI_BASE_URL": provider, **env}
    return subprocess.run(
        command, env=kept | given, cwd=ROOT, capture_output=True, text=True, timeout=timeout, check=False
    )
