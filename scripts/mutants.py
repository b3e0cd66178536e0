"""Small deliberate faults, one at a time, and whether the unit tests notice: mutmut, over a copy of the sources.

``mutants.py [--minutes N] [--show] [MODULE...]``: modules by a prefix, ``genspan.gemini genspan._core.emit``; all
otherwise. What was killed once is not tried again until its function changes. ``--show`` prints each survivor as a
change of a line. Survivors that change nothing are listed in ``tests/mutants.txt`` with a reason each; exit status 1
where a module falls below the rate in the same file.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
BOX = ROOT / ".cache" / "mutants"
ACCEPTED = ROOT / "tests" / "mutants.txt"
PACKAGES = {"genspan": ROOT / "instrumentation/genspan", "genspan_semconv": ROOT / "semconv/genspan_semconv"}
KILLED, SURVIVED, UNREACHED = (1, 3, 24, 36, 37, -24, -9, -11), (0,), (5, 33)
"""Exit status of a worker: failed, or in an endless loop; passed; no test runs the function."""


class Rule(NamedTuple):
    """An accepted kind of survivor: where, what is changed (a regular expression over ``old -> new``), and why."""

    module: re.Pattern[str]
    change: re.Pattern[str]
    reason: str


def prepare(modules: list[str]) -> None:
    """Copy what is mutated and what tests it, as mutmut expects it: packages below ``src``."""
    BOX.mkdir(parents=True, exist_ok=True)
    copies = {
        **{f"src/{name}": source for name, source in PACKAGES.items()},
        **{name: ROOT / name for name in ("tests", "scripts", "semconv/registry", "semconv/templates")},
    }
    for name, source in copies.items():
        shutil.rmtree(BOX / name, ignore_errors=True)
        if not name.startswith("src"):  # mutmut has a copy of its own, in which it keeps what it knows of the sources
            shutil.rmtree(BOX / "mutants" / name, ignore_errors=True)
        # With new times of change, so that mutmut mutates again what it may have left out in a run before.
        shutil.copytree(source, BOX / name, copy_function=shutil.copy, ignore=shutil.ignore_patterns("__pycache__"))
    settings = (ROOT / "pyproject.toml").read_text()
    mutated = sorted(
        str(path.relative_to(BOX)) for path in (BOX / "src").rglob("*.py") if module_of(path).startswith(tuple(modules))
    )
    (BOX / "pyproject.toml").write_text(
        settings.replace('source_paths = ["src"]', f'source_paths = ["src"]\nonly_mutate = {json.dumps(mutated)}')
    )


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(BOX / "src").with_suffix("").parts)


def forget_survivors() -> None:
    """The tests may have changed since: what survived or was not reached is tried again."""
    for path in (BOX / "mutants").rglob("*.meta"):
        data = json.loads(path.read_text())
        data["exit_code_by_key"] = {
            key: status if status in KILLED else None for key, status in data["exit_code_by_key"].items()
        }
        path.write_text(json.dumps(data))
    (BOX / "mutants" / "mutmut-stats.json").unlink(missing_ok=True)


def run(minutes: float) -> None:
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    with subprocess.Popen(
        [Path(sys.executable).with_name("mutmut"), "run", "--max-children", "1"], cwd=BOX, env=environment
    ) as mutmut:
        try:
            mutmut.wait(minutes * 60)
        except subprocess.TimeoutExpired:
            mutmut.terminate()
            mutmut.wait(30)
            print("\nThe time is over: what was not tried is not in the rates.")


def accepted() -> tuple[list[Rule], dict[str, float]]:
    """The rules, and the least rate of each module: lines ``module | change | reason`` and ``module >= percent``."""
    rules: list[Rule] = []
    least: dict[str, float] = {}
    for line in ACCEPTED.read_text().splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        if " | " in line:
            module, change, reason = line.split(" | ", 2)
            rules.append(Rule(re.compile(module), re.compile(change), reason))
        else:
            module, _, percent = line.partition(" >= ")
            least[module.strip()] = float(percent)
    return rules, least


def changes(path: Path, keys: list[str]) -> dict[str, str]:
    """What each mutant changes, as ``old -> new``."""
    source = path.read_text()
    lines = source.splitlines()
    functions = {
        node.name: lines[node.lineno : node.end_lineno]
        for node in ast.walk(ast.parse(source))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    }
    found: dict[str, str] = {}
    for key in keys:
        name = key.rpartition(".")[2]
        stem = name.rpartition("__mutmut_")[0]
        old, new = (functions.get(one, []) for one in (f"{stem}__mutmut_orig", name))
        diff = [line for line in difflib.ndiff(old, new) if line[:2] in ("- ", "+ ")]
        before = " ".join(line[2:].strip() for line in diff if line[0] == "-")
        after = " ".join(line[2:].strip() for line in diff if line[0] == "+")
        found[key] = f"{stem[1:].strip('_ǁ').replace('ǁ', '.')}: {before} -> {after}"
    return found


def report(modules: list[str], show: bool) -> bool:
    """Print the rate of each module; whether all are as high as they must be."""
    rules, least = accepted()
    fine = True
    everything: Counter[str] = Counter()
    for path in sorted((BOX / "mutants" / "src").rglob("*.meta")):
        module = ".".join(path.relative_to(BOX / "mutants" / "src").with_suffix("").with_suffix("").parts)
        if not module.startswith(tuple(modules)):
            continue
        statuses: dict[str, int | None] = json.loads(path.read_text())["exit_code_by_key"]
        alive = [key for key, status in statuses.items() if status in SURVIVED + UNREACHED]
        texts = changes(path.with_suffix(""), alive)
        excused = {
            key for key in alive if any(one.module.search(module) and one.change.search(texts[key]) for one in rules)
        }
        killed = sum(status in KILLED for status in statuses.values())
        left = [key for key in alive if key not in excused]
        tried = killed + len(left)
        if not tried:
            continue
        everything.update(killed=killed, tried=tried, excused=len(excused))
        rate = 100 * killed / tried
        untried = sum(status is None for status in statuses.values())
        short = rate < least.get(module, least.get("*", 0))
        fine = fine and not short
        print(f"{module:<48} {killed:>4}/{tried:<4} {rate:5.1f} %  accepted {len(excused)}", end="")
        print(f", not tried {untried}{'  TOO FEW' if short else ''}")
        for key in left if show else ():
            print(f"    {'no test  ' if statuses[key] in UNREACHED else ''}{texts[key]}")
    if everything:
        print(f"{'all':<48} {everything['killed']}/{everything['tried']}", end="")
        print(f" {100 * everything['killed'] / everything['tried']:.1f} %  accepted {everything['excused']}")
    return fine


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--show", action="store_true", help="each survivor")
    parser.add_argument("--only-report", action="store_true", help="of the last run, without another one")
    parser.add_argument("modules", nargs="*", default=["genspan"])
    options = parser.parse_args()
    if not options.only_report:
        prepare(options.modules)
        forget_survivors()
        run(options.minutes)
    return 0 if report(options.modules, options.show) else 1


if __name__ == "__main__":
    sys.exit(main())
