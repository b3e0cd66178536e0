"""What ``genspan doctor`` finds out, one line each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

_STYLES: Final = {"ok": "green", "note": "dim", "warn": "yellow", "FAIL": "bold red"}


class Finding(NamedTuple):
    """A level and a sentence. Only ``FAIL`` makes the command fail."""

    level: str
    text: str


def ok(text: str) -> Finding:
    """As it should be."""
    return Finding("ok", text)


def note(text: str) -> Finding:
    """Neither good nor bad."""
    return Finding("note", text)


def warn(text: str) -> Finding:
    """Works, but probably not as meant."""
    return Finding("warn", text)


def fail(text: str) -> Finding:
    """Spans are lost."""
    return Finding("FAIL", text)


def show(title: str, findings: Iterable[Finding], console: Console) -> bool:
    """Prints a section as it is found out; False if something in it failed."""
    console.print(Text(title, "bold"))
    well = True
    for level, text in findings:
        well = well and level != "FAIL"
        console.print(Text(f"  {level:<5} ", _STYLES[level]).append(text, "default"))
    return well
