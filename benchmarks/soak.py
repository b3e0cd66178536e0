"""Whether memory stays where it is: many calls, many chunks, and one endless stream, traced with content."""

from __future__ import annotations

import gc
import json
import sys
from collections import deque
from typing import NamedTuple

from benchmarks.meter import run
from benchmarks.providers import load
from benchmarks.setups import BARE, GENSPAN, SETTINGS, Calls, implementation

_CALLS, _STREAMS, _CHUNKS, _LONG = 20_000, 100, 1_000, 100_000
_ROUNDS = 10
KINDS = {
    "calls": f"{_CALLS:,} calls",
    "streams": f"{_STREAMS} streams of {_CHUNKS:,} chunks",
    "long": f"one stream of {_LONG:,} chunks",
}


class Soak(NamedTuple):
    """Memory in MB when the first tenth of the work was done, and at its end."""

    early: float
    late: float


def measure(provider: str) -> dict[str, tuple[Soak, Soak]]:
    """For each kind of work, the bare SDK and genspan, each in a process of its own."""
    return {kind: (_one(provider, BARE, kind), _one(provider, GENSPAN, kind)) for kind in KINDS}


def _one(provider: str, name: str, kind: str) -> Soak:
    return Soak(*json.loads(run([sys.executable, "-m", "benchmarks.soak", provider, name, kind], {})[0]))


def main(provider: str, name: str, kind: str) -> None:
    sdk = load(provider)
    client = sdk.client({"calls": 0, "streams": _CHUNKS, "long": _LONG}[kind])
    with implementation(name, sdk, SETTINGS["genai"]) as calls:
        readings: list[float] = []
        for _ in range(_ROUNDS if kind != "long" else 1):
            readings += _work(calls, client, kind)
            calls.flush()
    sys.stdout.write(json.dumps([readings[0], readings[-1]]))


def _work(calls: Calls, client: object, kind: str) -> list[float]:
    if kind == "long":
        readings = [_memory() for number, _ in enumerate(calls.stream(client)) if number % (_LONG // _ROUNDS) == 1]
        return readings[1:]
    for _ in range((_CALLS if kind == "calls" else _STREAMS) // _ROUNDS):
        if kind == "calls":
            calls.call(client, "short")
        else:
            deque(calls.stream(client), maxlen=0)
    return [_memory()]


def _memory() -> float:
    gc.collect()
    with open("/proc/self/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * 4096 / 1e6


if __name__ == "__main__":
    main(*sys.argv[1:])
