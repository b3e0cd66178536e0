"""The content codings of HTTP that the standard library decodes: https://www.rfc-editor.org/rfc/rfc9110#field.content-encoding."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    Decode = Callable[[bytes], bytes]

_GZIP_OR_ZLIB: Final = 47


def decoder(encoding: str) -> Decode | None:
    """A decoder of one body, piece by piece, for its ``content-encoding``; ``None`` for others, such as br and zstd."""
    if encoding in ("gzip", "deflate"):
        return zlib.decompressobj(_GZIP_OR_ZLIB).decompress
    return bytes if encoding in ("", "identity") else None
