"""What the provider saw and what it billed: the truth that exported spans are compared with."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Bill:
    """Tokens billed. `input` includes everything billed as input, `output` includes reasoning."""

    input: int = 0
    output: int = 0
    cached: int = 0

    @property
    def total(self) -> int:
        return self.input + self.output

    def __add__(self, other: Bill) -> Bill:
        return Bill(self.input + other.input, self.output + other.output, self.cached + other.cached)


@dataclass(slots=True)
class Entry:
    """One HTTP request. `usage` is the last usage object that went out on the wire, None if none did."""

    provider: str
    api: str
    method: str
    path: str
    query: dict[str, str]
    model: str | None
    stream: bool
    headers: dict[str, str]
    raw: bytes
    body: Any
    status: int = 0
    usage: Any = None
    bill: Bill | None = None
    sent: int = 0
    """Frames of a stream that went out whole."""
    complete: bool = False
    """The whole answer went out."""

    @property
    def billed(self) -> bool:
        return self.bill is not None

    def as_json(self) -> dict[str, Any]:
        bill = self.bill
        fields = {name: getattr(self, name) for name in self.__slots__ if name not in {"raw", "bill"}}
        fields["raw"] = self.raw.decode("utf-8", "replace")
        fields["billed"] = self.billed
        counts = (
            {**asdict(bill), "total": bill.total} if bill else dict.fromkeys(("input", "output", "cached", "total"))
        )
        return {**fields, **counts}


@dataclass(slots=True)
class Ledger:
    """Every request since the last reset, in order of arrival."""

    entries: list[Entry] = field(default_factory=list)

    def __iter__(self) -> Iterator[Entry]:
        return iter(list(self.entries))

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, index: int) -> Entry:
        return self.entries[index]

    @property
    def billed(self) -> list[Entry]:
        return [entry for entry in self.entries if entry.billed]

    def total(self) -> Bill:
        """The sum over all billed requests."""
        total = Bill()
        for entry in self.billed:
            total += entry.bill
        return total

    def clear(self) -> None:
        self.entries.clear()

    def as_json(self) -> dict[str, Any]:
        total = self.total()
        return {
            "total": {**asdict(total), "total": total.total},
            "entries": [entry.as_json() for entry in self],
        }
