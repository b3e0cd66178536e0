"""Amazon's event streams, in which Bedrock sends what others send as server-sent events.

https://docs.aws.amazon.com/AmazonS3/latest/API/RESTSelectObjectAppendix.html: total length, length of headers, checksum
(four bytes each), headers, payload, checksum. A payload is JSON with the event's own JSON in base64. An exception is a
frame of its own, named in its headers.
"""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Final

from genspan._core.wire.json_text import parse
from genspan_semconv.model import obj, text

if TYPE_CHECKING:
    from collections.abc import Iterator

_PRELUDE: Final = 12
_CHECKSUM: Final = 4
_ERROR: Final = re.compile(rb":(?:exception-type|error-code)\x07\x00.([\w.\-]+)", re.DOTALL)
"""A header, whose value is a string (type 7) of up to 255 bytes."""


def decode(raw: bytes) -> Iterator[bytes]:
    """The JSON of each event that is there whole, an exception as ``{"type": "error", "error": {"type": ...}}``.

    Frames that hold something else are passed over.
    """
    start = 0
    while start + _PRELUDE <= len(raw):
        total, headers = (int.from_bytes(raw[start + offset : start + offset + 4], "big") for offset in (0, 4))
        end = start + total
        if total < _PRELUDE or end > len(raw):
            return
        payload = start + _PRELUDE + headers
        error = _ERROR.search(raw, start + _PRELUDE, payload)
        event = _event(raw[payload : end - _CHECKSUM]) if error is None else _exception(error[1])
        if event:
            yield event
        start = end


def _event(payload: bytes) -> bytes:
    try:
        return base64.b64decode(text(obj(parse(payload)).get("bytes")) or "")
    except ValueError:
        return b""


def _exception(kind: bytes) -> bytes:
    return json.dumps({"type": "error", "error": {"type": kind.decode()}}).encode()
