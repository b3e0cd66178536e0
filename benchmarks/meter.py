"""Counting what work costs: CPU instructions under callgrind, CPU time where there is no valgrind.

Callgrind can act on entry to a C function, so two of the C library that nothing else calls serve as switches: no
native code of ours, and one process counts as many windows as it likes.
"""

from __future__ import annotations

import gc
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from time import process_time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

HAS_VALGRIND = shutil.which("valgrind") is not None
UNIT = "thousand instructions" if HAS_VALGRIND else "microseconds of CPU time (there is no valgrind here)"
_COUNTING = "GENSPAN_BENCHMARK_COUNTING"
_PARTS = 5
"""Without valgrind a window is measured in this many parts, of which the fastest counts."""


def count(work: Callable[[int], object], times: int) -> float | None:
    """Do ``work(times)``, counted. The figure is returned, or left for callgrind's files where it counts."""
    gc.collect()
    gc.freeze()  # the garbage collector's passes over what imports made are not the call's
    if _COUNTING in os.environ:
        os.getppid()
        work(times)
        os.getpgid(0)
        return None
    seconds: list[float] = []
    for _ in range(_PARTS):
        started = process_time()
        work(max(times // _PARTS, 1))
        seconds.append(process_time() - started)
    return min(seconds) * _PARTS * 1e6


def run_counted(module: str, *arguments: str) -> tuple[list[str], dict[int, list[float]]]:
    """Run a module: the lines it printed, and the thousand instructions of each window of each of its processes."""
    command = [sys.executable, "-m", module, *arguments]
    if not HAS_VALGRIND:
        return run(command, {}), {}
    with tempfile.TemporaryDirectory() as folder:
        switches = ["--zero-before=getppid", "--dump-before=getpgid", f"--callgrind-out-file={folder}/out.%p"]
        lines = run(["valgrind", "-q", "--tool=callgrind", *switches, *command], {_COUNTING: "1"})
        windows: dict[int, list[float]] = defaultdict(list)
        for path in sorted(Path(folder).glob("out.*.*"), key=lambda path: int(path.suffix[1:])):
            windows[int(path.suffixes[0][1:])].append(instructions(path) / 1000)
        return lines, windows


def instructions(path: Path) -> int:
    """The instructions in one of callgrind's files."""
    found = re.search(r"^summary: (\d+)", path.read_text("utf-8", "replace"), re.MULTILINE)
    if found is None:
        raise ValueError(f"{path} has no summary")
    return int(found[1])


def run(command: list[str], variables: Mapping[str, str]) -> list[str]:
    environment = {**os.environ, "PYTHONHASHSEED": "0", **variables}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, timeout=3600, check=True)
    return done.stdout.splitlines()
