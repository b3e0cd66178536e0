"""JSON lines, parsed as their bytes arrive: files of them may be too large to keep."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genspan._core.wire.content_encoding import decoder
from genspan._core.wire.json_text import parse

if TYPE_CHECKING:
    from collections.abc import Iterator


class Lines:
    """The lines of one body. ``encoding`` is its ``content-encoding``."""

    __slots__ = ("_decode", "_rest")

    def __init__(self, encoding: str) -> None:
        self._decode = decoder(encoding) or bytes
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[object]:
        """The values of the lines that are whole now."""
        *lines, self._rest = (self._rest + self._decode(data)).split(b"\n")
        return map(parse, filter(bytes.strip, lines))

    def end(self) -> Iterator[object]:
        """The value of the last line, which may have no end of line."""
        return map(parse, filter(bytes.strip, [self._rest]))
