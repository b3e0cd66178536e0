"""Results of the checks of ``genspan doctor``, one line each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

_STYLES: Final = {"ok": "green", "note": "dim", "warn": "yellow", "FAIL": "bold red"}


class CheckResult(NamedTuple):
    """A level and a sentence. Only ``FAIL`` makes the command fail."""

    level: str
    text: str


def ok(text: str) -> CheckResult:
    """As it should be."""
    return CheckResult("ok", text)


def note(text: str) -> CheckResult:
    """Neither good nor bad."""
    return CheckResult("note", text)


def warn(text: str) -> CheckResult:
    """Works, but probably not as meant."""
    return CheckResult("warn", text)


def fail(text: str) -> CheckResult:
    """Spans are lost."""
    return CheckResult("FAIL", text)


def show(title: str, results: Iterable[CheckResult], console: Console) -> bool:
    """Prints a section while its checks run; False if one of them failed."""
    console.print(Text(title, "bold"))
    passed = True
    for level, text in results:
        passed = passed and level != "FAIL"
        console.print(Text(f"  {level:<5} ", _STYLES[level]).append(text, "default"))
    return passed
