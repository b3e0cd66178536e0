"""What all formats of usage share: counts of a stream grow, chunk by chunk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genspan_semconv.model import obj

if TYPE_CHECKING:
    from genspan_semconv.model import Wire


def merged(known: Wire, newer: Wire) -> dict[str, object]:
    """A usage object with the counts of a newer one, which are cumulative; objects inside it, too.

    What is absent, ``null`` or empty erases nothing. Neither does a zero: counts grow, so that one after a number says
    that this chunk does not report it.
    """
    total = dict(known)
    for name, value in newer.items():
        before = total.get(name)
        if isinstance(value, dict) and isinstance(before, dict):
            total[name] = merged(obj(before), obj(value))
        elif value or before is None:
            total[name] = value
    return total
