"""JSON text of the wire, parsed where an SDK keeps only the text at our hook."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_SMALL: Final = 1 << 20
"""Characters or bytes up to which orjson parses: it sets aside a dozen times a text's length while it reads."""

_parsers: tuple[Callable[[str | bytes], object], ...] = (json.loads,)
try:
    import orjson
except ImportError:
    pass
else:
    _parsers = (orjson.loads, json.loads)  # the second takes NaN and half an emoji too, and so do the SDKs


def parse(text: object) -> object:
    """The JSON value, or ``None`` where the text is none: what that means to the user is the SDK's to say."""
    if not isinstance(text, (str, bytes)) or not text:
        return None
    for read in _parsers if len(text) <= _SMALL else (json.loads,):
        try:
            return read(text)
        except ValueError:
            continue
    return None
