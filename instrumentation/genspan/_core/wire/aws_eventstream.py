"""Amazon's event streams, in which Bedrock sends what others send as server-sent events.

https://docs.aws.amazon.com/AmazonS3/latest/API/RESTSelectObjectAppendix.html: total length, length of headers, checksum
(four bytes each), headers, payload, checksum. A payload is JSON with the event's own JSON in base64.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Final

from genspan._core.wire.json_text import parse
from genspan_semconv.model import obj, text

if TYPE_CHECKING:
    from collections.abc import Iterator

_PRELUDE: Final = 12
_CHECKSUM: Final = 4


def decode(raw: bytes) -> Iterator[bytes]:
    """The JSON of each event that is there whole; frames that hold something else are passed over."""
    start = 0
    while start + _PRELUDE <= len(raw):
        total, headers = (int.from_bytes(raw[start + offset : start + offset + 4], "big") for offset in (0, 4))
        end = start + total
        if total < _PRELUDE or end > len(raw):
            return
        event = _event(raw[start + _PRELUDE + headers : end - _CHECKSUM])
        if event:
            yield event
        start = end


def _event(payload: bytes) -> bytes:
    try:
        return base64.b64decode(text(obj(parse(payload)).get("bytes")) or "")
    except ValueError:
        return b""
