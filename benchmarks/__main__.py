"""``python -m benchmarks``: measure all, or what is asked for, and show it as ratios."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks import agent, cells, soak, startup, tables
from benchmarks.providers import CASES, PROVIDERS
from benchmarks.setups import SETTINGS


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--provider", action="append", choices=PROVIDERS, help="(several may be given; default: all)")
    parser.add_argument("--case", action="append", choices=[*CASES, "stream"], help="(default: all)")
    parser.add_argument("--setting", action="append", choices=SETTINGS, help="(default: all)")
    parser.add_argument("--only", choices=["calls", "startup", "soak", "agent"], help="one of the parts")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the measurements there too")
    asked = parser.parse_args()

    console = Console(width=None if sys.stdout.isatty() else 120)
    measured: dict[str, Any] = {}
    cases, settings = asked.case or [*CASES, "stream"], asked.setting or list(SETTINGS)
    for provider in asked.provider or PROVIDERS:
        if asked.only in (None, "calls"):
            with console.status(f"counting calls of {provider} (some minutes)"):
                found = cells.measure(provider, cells.cells(cases, settings))
            rows = tables.rows(found, cases, settings)
            console.print(tables.calls(provider, rows), tables.stream(provider, rows))
            measured[provider] = [row._asdict() for row in rows]
        if asked.only in (None, "soak"):
            with console.status(f"watching the memory of {provider} (some minutes)"):
                memory = soak.measure(provider)
            console.print(tables.memory(provider, memory))
            measured[f"{provider} memory"] = memory
    if asked.only in (None, "agent"):
        with console.status("counting runs of an agent of LangChain (some minutes)"):
            runs = agent.measure()
        console.print(tables.agent(runs))
        measured["agent"] = runs
    if asked.only in (None, "startup"):
        with console.status("making two environments and starting Python in them"):
            started = startup.measure()
        console.print(tables.startup(started))
        measured["startup"] = started
    if asked.json:
        asked.json.write_text(json.dumps(measured, indent=1), "utf-8")


if __name__ == "__main__":
    main()
