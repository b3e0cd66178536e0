"""``make demo``: ordinary programs, traced with zero code into a real MLflow server, and their traces as trees.

An SDK whose API key is in the environment talks to the real service (``GEMINI_API_KEY``, ``OPENAI_API_KEY``,
``ANTHROPIC_API_KEY``), the others to a fake one on loopback. Where all do, what it billed is compared at the end.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from rich.console import Console
from rich.text import Text

from demo.services import ROOT, Services
from genspan.cli.mlflow_traces import TraceReader
from genspan.cli.trace_tree import render, tokens
from genspan.mlflow.destination import read_destination
from genspan.mlflow.errors import ExportError

if TYPE_CHECKING:
    from genspan.cli.mlflow_traces import Trace

EXPERIMENT = "genspan demo"
PROGRAMS = {
    "gemini": ("generate", "stream", "chat", "functions", "image", "error"),
    "openai": ("chat", "stream", "responses", "functions"),
    "anthropic": ("message", "stream", "tools"),
}
_NO_KEY = "no-key-is-needed"

console = Console(highlight=False, width=None if sys.stdout.isatty() else 160)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave the MLflow server up until Ctrl-C")
    arguments = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    with tempfile.TemporaryDirectory(prefix="genspan-demo-") as folder:
        services = Services(Path(folder))
        try:
            return _run(services, arguments.keep)
        except KeyboardInterrupt:
            console.print("\nStopped.", style="dim")
            return 130
        except (ExportError, RuntimeError) as problem:
            console.print(f"The demo could not go on: {problem}", style="red")
            _show_logs(Path(folder))
            return 1
        finally:
            # A second Ctrl-C must not leave anything behind.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            services.stop()


def _run(services: Services, keep: bool) -> int:
    provider = services.start_provider()
    addresses = {
        "gemini": {"GEMINI_API_KEY": _NO_KEY, "GOOGLE_GEMINI_BASE_URL": provider},
        "openai": {"OPENAI_API_KEY": _NO_KEY, "OPENAI_BASE_URL": f"{provider}/v1"},
        "anthropic": {"ANTHROPIC_API_KEY": _NO_KEY, "ANTHROPIC_BASE_URL": provider},
    }
    real = [sdk for sdk in PROGRAMS if os.environ.get(f"{sdk.upper()}_API_KEY")]
    for sdk in real:
        console.print(f"Programs of {sdk} talk to the real service, with your key.")
    if len(real) < len(PROGRAMS):
        console.print(f"A fake provider stands at {provider} (with e.g. GEMINI_API_KEY set, the real one is used).")
    console.print("Starting an MLflow server on SQLite; this takes half a minute ...")
    with console.status("waiting for MLflow"):
        server = services.start_mlflow()
    console.print(f"MLflow is up at {server}\n")
    env = {**os.environ, "MLFLOW_TRACKING_URI": server, "MLFLOW_EXPERIMENT_NAME": EXPERIMENT}
    for sdk in PROGRAMS.keys() - set(real):
        env |= addresses[sdk]
    reader = TraceReader(read_destination(server, experiment_name=EXPERIMENT))
    seen: set[str] = set()
    programs = [f"examples/{sdk}_{name}.py" for sdk, names in PROGRAMS.items() for name in names]
    failed = [program for program in programs if not _show(program, env, reader, server, seen)]
    agrees = bool(real) or _compare(provider, reader)
    console.print(f"\nAll traces: {server}/#/experiments/{reader.experiment_id()}/traces")
    if keep:
        console.print("The server stays up until you press Ctrl-C.")
        signal.pause()
    for program in failed:
        console.print(f"{program} did not end as it should", style="red")
    return 0 if agrees and not failed else 1


def _show(program: str, env: dict[str, str], reader: TraceReader, server: str, seen: set[str]) -> bool:
    """Run one program and draw the traces that it left; whether it ended well and left any."""
    console.print(Text(f"$ opentelemetry-instrument python {program}", "bold"))
    command = [str(Path(sys.executable).parent / "opentelemetry-instrument"), sys.executable, program]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=300, check=False)
    for line in (done.stdout + done.stderr).splitlines():
        console.print(Text(f"  {line}", "dim"))
    new = [trace for trace in reader.newest(20)[::-1] if trace.id not in seen]
    for trace in new:
        seen.add(trace.id)
        console.print(render(trace.spans, _title(trace) if len(trace.spans) > 1 else None))
        console.print(f"  {server}/#/experiments/{reader.experiment_id()}/traces?selectedEvaluationId={trace.id}\n")
    return done.returncode == 0 and bool(new)


def _title(trace: Trace) -> Text:
    title = Text(f"{trace.name}  {trace.state}", "bold")
    if trace.usage:
        title.append(f"  {tokens(trace.usage)}", "bold green")
    return title


def _compare(provider: str, reader: TraceReader) -> bool:
    """Whether MLflow counted what the fake provider billed."""
    with urllib.request.urlopen(f"{provider}/_ledger", timeout=10) as answer:
        billed = json.load(answer)["total"]
    traces = reader.newest(100)
    counted = {side: sum(trace.usage.get(side, 0) for trace in traces) for side in ("input", "output")}
    agrees = counted == {side: billed[side] for side in counted}
    console.print(
        f"The provider billed {billed['input']:,} + {billed['output']:,} tokens; "
        f"MLflow counted {counted['input']:,} + {counted['output']:,}.",
        style="bold green" if agrees else "bold red",
    )
    return agrees


def _show_logs(folder: Path) -> None:
    for log in sorted(folder.glob("*.log")):
        lines = log.read_text(errors="replace").splitlines()[-15:]
        console.print(Text("\n".join([f"-- {log.name}", *lines]), "dim"))


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
