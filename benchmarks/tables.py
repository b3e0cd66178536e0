"""The measurements as tables of ratios."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rich.table import Table

from benchmarks.cells import LONG_STREAM, SHORT_STREAM, Cell
from benchmarks.meter import UNIT
from benchmarks.setups import BARE, FLOOR, GENSPAN, SETTINGS
from benchmarks.soak import KINDS, Soak

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.startup import Startup


class Row(NamedTuple):
    """What one case costs in one setting: of a call, or of a chunk of a stream."""

    setting: str
    case: str
    bare: float
    floor: float
    """What the floor adds to the bare SDK."""
    genspan: float
    """What genspan adds to the bare SDK."""


def rows(found: Mapping[Cell, float], cases: list[str], settings: list[str]) -> list[Row]:
    """The measurements by setting and case."""
    made: list[Row] = []
    for case in cases:
        for setting in settings:
            bare = _figure(found, BARE, "", case)
            floor, genspan = (_figure(found, name, setting, case) - bare for name in (FLOOR, GENSPAN))
            made.append(Row(setting, case, bare, floor, genspan))
    return made


def _figure(found: Mapping[Cell, float], implementation: str, setting: str, case: str) -> float:
    if case != "stream":
        return found[Cell(implementation, setting, case)]
    long, short = (found[Cell(implementation, setting, case, chunks)] for chunks in (LONG_STREAM, SHORT_STREAM))
    return (long - short) / (LONG_STREAM - SHORT_STREAM)


def calls(provider: str, found: list[Row]) -> Table:
    """What a plain call costs."""
    table = _table(f"{provider}: one call, {UNIT}", "setting", "case", "SDK", "floor adds", "genspan adds", "ratio")
    for row in found:
        if row.case != "stream":
            recorded = SETTINGS[row.setting].provider and SETTINGS[row.setting].sampled
            ratio = f"{row.genspan / row.floor:.2f}" if recorded else ""
            table.add_row(SETTINGS[row.setting].title, row.case, *_numbers(row.bare, row.floor, row.genspan), ratio)
    return table


def stream(provider: str, found: list[Row]) -> Table:
    """What a chunk costs."""
    table = _table(f"{provider}: one chunk of a stream, {UNIT}", "setting", "SDK", "floor adds", "genspan adds")
    for row in found:
        if row.case == "stream":
            table.add_row(SETTINGS[row.setting].title, *(f"{cost:,.1f}" for cost in (row.bare, row.floor, row.genspan)))
    return table


def memory(provider: str, found: Mapping[str, tuple[Soak, Soak]]) -> Table:
    """How memory grows."""
    table = _table(f"{provider}: memory, MB", "work", "SDK: early", "SDK: end", "traced: early", "traced: end")
    for kind, (bare, traced) in found.items():
        table.add_row(KINDS[kind], *(f"{number:.1f}" for number in (*bare, *traced)))
    return table


def agent(found: Mapping[str, float]) -> Table:
    """What a run of LangChain's agent costs."""
    table = _table(f"LangChain: an agent of ten calls of tools, {UNIT}", "setting", "bare", "genspan adds", "ratio")
    bare = found[""]
    for setting, cost in found.items():
        if setting:
            table.add_row(SETTINGS[setting].title, *_numbers(bare, cost - bare), f"{cost / bare:.3f}")
    return table


def startup(found: Mapping[str, tuple[Startup, Startup]]) -> Table:
    """What starting costs."""
    titles = ("exporters", "without genspan", "with genspan", "ratio", "modules", "memory, MB")
    table = _table(f"opentelemetry-instrument python -c pass, {UNIT}", *titles)
    for variant, (without, with_genspan) in found.items():
        table.add_row(
            variant,
            *_numbers(without.cost, with_genspan.cost),
            f"{with_genspan.cost / without.cost:.3f}",
            f"{without.modules} / {with_genspan.modules}",
            f"{without.memory:.1f} / {with_genspan.memory:.1f}",
        )
    return table


def _numbers(*measured: float) -> list[str]:
    return [f"{number:,.0f}" for number in measured]


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, justify="left" if column in ("setting", "case", "work", "exporters") else "right")
    return table
