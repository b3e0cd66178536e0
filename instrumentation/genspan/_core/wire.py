"""JSON text of the wire, parsed where an SDK keeps only the text at our hook."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_parse: Callable[[str | bytes], object] = json.loads
try:
    import orjson
except ImportError:
    pass
else:
    _parse = orjson.loads


def parse(text: object) -> object:
    """The JSON value, or ``None`` where the text is none: what that means to the user is the SDK's to say."""
    if not isinstance(text, (str, bytes)) or not text:
        return None
    try:
        return _parse(text)
    except ValueError:
        return None
