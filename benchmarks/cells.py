"""What is measured: one figure for each implementation, setting and case.

Run as a process, under callgrind where there is one, this measures a list of cells. Every implementation in every
setting has a process of its own, forked after the imports, since patching leaves marks in the interpreter's caches.
"""

from __future__ import annotations

import json
import os
import sys
from collections import deque
from itertools import groupby, product
from typing import NamedTuple

from benchmarks.meter import count, run_counted
from benchmarks.providers import load
from benchmarks.setups import BARE, FLOOR, GENSPAN, SETTINGS, implementation

_CALLS, _WARM_UP = 20, 12
_STREAMS = 2
SHORT_STREAM, LONG_STREAM = 20, 120
"""Chunks of two streams; what one costs more than the other is what its additional chunks cost."""


class Cell(NamedTuple):
    """One window. ``chunks`` is 0 for a plain call."""

    implementation: str
    setting: str
    case: str
    chunks: int = 0


def cells(cases: list[str], settings: list[str]) -> list[Cell]:
    """All cells of these cases and settings, and the bare SDK's."""
    rows = [(BARE, ""), *product((FLOOR, GENSPAN), settings)]
    found: list[Cell] = []
    for (name, setting), case in product(rows, cases):
        lengths = (SHORT_STREAM, LONG_STREAM) if case == "stream" else (0,)
        found += [Cell(name, setting, case, chunks) for chunks in lengths]
    return found


def measure(provider: str, wanted: list[Cell]) -> dict[Cell, float]:
    """The figure of each cell: of one call, or of one stream as a whole."""
    lines, windows = run_counted("benchmarks.cells", provider, json.dumps(wanted))
    costs: dict[Cell, float] = {}
    for line in lines:
        process, measured, totals = json.loads(line)
        for cell, total in zip(map(Cell._make, measured), windows.get(process, totals), strict=True):
            costs[cell] = total / (_STREAMS if cell.chunks else _CALLS)
    return costs


def _measure_one(provider: str, cell: Cell) -> float | None:
    sdk = load(provider)
    client = sdk.client(cell.chunks)
    with implementation(cell.implementation, sdk, SETTINGS.get(cell.setting, SETTINGS["off"])) as calls:

        def work(times: int) -> None:
            for _ in range(times):
                if cell.chunks:
                    deque(calls.stream(client), maxlen=0)
                else:
                    calls.call(client, cell.case)
            calls.flush()

        work(1 if cell.chunks else _WARM_UP)
        return count(work, _STREAMS if cell.chunks else _CALLS)


def main(provider: str, wanted: list[Cell]) -> None:
    """Print a line for each process: its id, its cells, and its costs where nobody else counts."""
    running = 0
    for _, group in groupby(wanted, key=lambda cell: (cell.implementation, cell.setting)):
        if running == os.cpu_count():
            _wait()
            running -= 1
        measured = list(group)
        if os.fork() == 0:
            costs = [_measure_one(provider, cell) for cell in measured]
            os.write(1, f"{json.dumps([os.getpid(), measured, costs])}\n".encode())
            os._exit(0)
        running += 1
    for _ in range(running):
        _wait()


def _wait() -> None:
    if os.wait()[1] != 0:
        raise SystemExit(1)


if __name__ == "__main__":
    load(sys.argv[1])
    main(sys.argv[1], [Cell._make(each) for each in json.loads(sys.argv[2])])
