"""What ``opentelemetry-instrument python -c pass`` costs with genspan installed, and without it.

Two throw-away environments: one has OpenTelemetry's own distribution and the SDK of a provider, the other has genspan
in place of that distribution. Every Python process under ``opentelemetry-instrument`` pays this, also one that makes
no model call.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from benchmarks.meter import HAS_VALGRIND, instructions

_REPOSITORY = Path(__file__).resolve().parents[1]
_SDK = "google-genai>=3,<4"
_WITHOUT = ("opentelemetry-distro", "opentelemetry-exporter-otlp-proto-http", _SDK)
_WITH = (str(_REPOSITORY), _SDK)
_RUNS = 5
_SIGNALS = ("TRACES", "METRICS", "LOGS")
VARIANTS = {
    "no exporter": {f"OTEL_{signal}_EXPORTER": "none" for signal in _SIGNALS},
    "OTLP over http": {f"OTEL_{signal}_EXPORTER": "otlp" for signal in _SIGNALS},
}

# opentelemetry-instrument replaces itself by the program, which callgrind does not follow: each is run by itself.
_LAUNCH = """
import sys
from opentelemetry.instrumentation import auto_instrumentation
auto_instrumentation.execl = lambda *_: None
sys.argv = ["opentelemetry-instrument", "python", "-c", "pass"]
auto_instrumentation.run()
"""
_SHOW = "import resource, sys; print(len(sys.modules), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"


class Startup(NamedTuple):
    """Thousand instructions (or microseconds of CPU time), imported modules, and memory in MB."""

    cost: float
    modules: int
    memory: float


def measure() -> dict[str, tuple[Startup, Startup]]:
    """For each variant, without genspan and with it."""
    with tempfile.TemporaryDirectory() as folder:
        environments = [_environment(Path(folder, name), packages) for name, packages in _both()]
        found = {name: [_startup(each, variables) for each in environments] for name, variables in VARIANTS.items()}
    return {name: (without, with_genspan) for name, (without, with_genspan) in found.items()}


def _both() -> tuple[tuple[str, tuple[str, ...]], ...]:
    return ("without", _WITHOUT), ("with", _WITH)


def _environment(folder: Path, packages: tuple[str, ...]) -> Path:
    """Make an environment; its folder of programs."""
    programs = folder / "bin"
    python = str(programs / "python")
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    uv = shutil.which("uv")
    installer = [uv, "pip", "install", "-q", "--python", python] if uv else [python, "-m", "pip", "install", "-q"]
    subprocess.run([*installer, *packages], check=True, timeout=900)
    return programs


def _startup(programs: Path, variant: dict[str, str]) -> Startup:
    variables = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "PYTHON", "GENSPAN_"))},
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "PYTHONHASHSEED": "0",
        **variant,
    }
    instrument, python = str(programs / "opentelemetry-instrument"), str(programs / "python")
    shown = subprocess.run(
        [instrument, python, "-c", _SHOW], env=variables, stdout=subprocess.PIPE, text=True, timeout=300, check=True
    )
    modules, kilobytes = map(int, shown.stdout.split())
    if HAS_VALGRIND:
        hook = next(programs.parent.glob("lib/*/site-packages/opentelemetry/instrumentation/auto_instrumentation"))
        cost = _counted([python, "-c", _LAUNCH], variables)
        cost += _counted([python, "-c", "pass"], {**variables, "PYTHONPATH": str(hook)})
    else:
        cost = min(_timed([instrument, python, "-c", "pass"], variables) for _ in range(_RUNS))
    return Startup(cost, modules, kilobytes / 1024)


def _counted(command: list[str], variables: dict[str, str]) -> float:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "out")
        valgrind = ["valgrind", "-q", "--tool=callgrind", f"--callgrind-out-file={out}"]
        subprocess.run([*valgrind, *command], env=variables, timeout=600, check=True)
        return instructions(out) / 1000


def _timed(command: list[str], variables: dict[str, str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, env=variables, timeout=300, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime) * 1e6
