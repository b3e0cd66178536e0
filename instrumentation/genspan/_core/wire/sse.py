"""Server-sent events. https://html.spec.whatwg.org/multipage/server-sent-events.html"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_EVENTS: Final = re.compile(rb"\r\n\r\n|\n\n|\r\r")


def events(raw: bytes) -> Iterator[bytes]:
    """The data of each server-sent event."""
    for event in _EVENTS.split(raw):
        lines = [line[5:].strip() for line in event.splitlines() if line.startswith(b"data:")]
        if lines:
            yield b"\n".join(lines)
