"""JSON lines, parsed as their bytes arrive: files of them may be too large to keep."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final

from genspan._core.wire.json_text import parse

if TYPE_CHECKING:
    from collections.abc import Iterator

_GZIP_OR_ZLIB: Final = 47


class Lines:
    """The lines of one body. ``encoding`` is its ``content-encoding``."""

    __slots__ = ("_inflate", "_rest")

    def __init__(self, encoding: str) -> None:
        self._inflate = zlib.decompressobj(_GZIP_OR_ZLIB) if encoding in ("gzip", "deflate") else None
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[object]:
        """The values of the lines that are whole now."""
        plain = data if self._inflate is None else self._inflate.decompress(data)
        *lines, self._rest = (self._rest + plain).split(b"\n")
        return map(parse, filter(bytes.strip, lines))

    def end(self) -> Iterator[object]:
        """The value of the last line, which may have no end of line."""
        return self.feed(b"\n")
