"""JSON text from whatever content holds: total, in one pass, with orjson where it can be imported."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Callable

try:
    import orjson

    _fast: Callable[[object], bytes] | None = orjson.dumps
except ImportError:
    _fast = None

_MAX_DEPTH = 100
_LONG_NUMBER = b"0" * 19
_DIGITS = bytes(ord("0" if 48 <= byte < 58 else " ") for byte in range(256))
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False, check_circular=False).encode


def dumps(value: object) -> str:
    """The JSON text of a value. Never raises.

    What JSON cannot hold becomes its nearest kin: bytes base64, another object its text, half an emoji "?".
    """
    try:
        written = _encode(value).encode() if _fast is None else _fast(value)
        if not _has_long_number(written):
            return written.decode()
    except (TypeError, ValueError, RecursionError):
        pass  # lone surrogates, foreign types, cycles: the slow way knows them, and integers above 64 bits
    return clean(_encode(_plain(value, _MAX_DEPTH)))


def _has_long_number(written: bytes) -> bool:
    """Whether 19 digits stand in a row; of every sixth byte, three would be digits then, which are few to look at.

    A regular expression takes thirty times as long.
    """
    return b"000" in written[::6].translate(_DIGITS) and _LONG_NUMBER in written.translate(_DIGITS)


def clean(string: str) -> str:
    """The string without lone surrogates, which no exporter can encode."""
    return string if string.isascii() else string.encode("utf-8", "replace").decode()


def _plain(value: object, depth: int) -> object:
    """The value with nothing in it that JSON does not know, cut at a depth so that cycles end."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, (int, float)):
        return value if abs(value) < 2**63 else _string(value)  # nor NaN
    if depth == 0:
        return "..."
    if isinstance(value, dict):
        items = cast("dict[object, object]", value).items()
        return {_string(key): _plain(item, depth - 1) for key, item in items}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item, depth - 1) for item in cast("list[object]", value)]
    return _plain(_fields(value), depth - 1)


def _fields(value: object) -> object:
    """What an object says of itself: a pydantic model its fields (a tool of the user's may return one), others text.

    Bytes as pydantic writes them, too.
    """
    if isinstance(value, (bytes, bytearray)):
        return b64encode(value).decode()
    dump = getattr(value, "model_dump", None)
    if not callable(dump) or isinstance(value, type):
        return _string(value)
    try:
        return dump()
    except Exception:
        return _string(value)


def _string(value: object) -> str:
    try:
        return value if isinstance(value, str) else str(value)
    except Exception:
        return f"<{type(value).__name__}>"
