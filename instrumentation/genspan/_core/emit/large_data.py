"""Large inline data (images, sound, files) in content: named with its size in place of being kept.

What it looks like is known here alone: a part of kind ``blob``, a ``data:`` URL, base64 by itself or in a text, bytes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from genspan_semconv.model import Message, Part

_LINE: Final = re.compile(r"(?<![A-Za-z0-9+/_\-])[A-Za-z0-9+/_\-]{40,}={0,2}")
"""A line of base64. It begins where a word does, or each place of a shorter word would be tried."""
_LINE_ENDS: Final = ("\n", "\r\n", "\\", "\\\\", "\\r\\")
"""Also those of JSON, whose letter n goes with the line after it."""
_NAMED: Final = re.compile(r"\[data: (\d+) bytes, not kept\]")
_NUMBERS: Final = frozenset((int, float, bool, type(None)))
_MAX_DEPTH: Final = 100
_LONGEST_HEADER: Final = 200
"""Of a ``data:`` URL."""


def name_in_messages(messages: Iterable[Message], max_bytes: int) -> None:
    """Name what is too large in each part of the messages."""
    for message in messages:
        name_in_parts(message.get("parts", []), max_bytes)


def name_in_parts(parts: list[Part], max_bytes: int) -> None:
    """Name what is too large in each part. The list is changed, what it holds is not: it is the program's."""
    for index, part in enumerate(parts):
        content = part.get("content")
        if len(part) == 2 and type(content) is str and len(content) <= max_bytes:
            continue  # nearly all: a short text
        parts[index] = cast("Part", _named_in_object(part, max_bytes, _MAX_DEPTH))


def name_in_json(text: bytes, max_bytes: int) -> bytes:
    """JSON text with each long base64 in it named, so that to parse it takes no memory for that.

    It must stand in one line, as SDKs write it; what follows a backslash may be the rest of an escape.
    """
    least = max_bytes * 4 // 3 + 1
    return re.sub(
        rb"(?<![A-Za-z0-9+/_\-\\])[A-Za-z0-9+/_\-]{%d,}={0,2}" % least,
        lambda found: _name(None, len(found[0]) * 3 // 4).encode(),
        text,
    )


def named(value: object, max_bytes: int, depth: int = _MAX_DEPTH) -> Any:
    """The value with what is too large named; the same object where nothing is."""
    if isinstance(value, str):
        return value if len(value) <= max_bytes else _named_in_text(value, max_bytes)
    if isinstance(value, dict):
        fields = cast("dict[str, object]", value)
        return _named_in_object(fields, max_bytes, depth) if depth else fields
    if isinstance(value, (list, tuple)):
        items = cast("list[object]", value)
        return _named_in_list(items, max_bytes, depth) if depth else items
    if isinstance(value, (bytes, bytearray)):
        return value if len(value) <= max_bytes else _name(None, len(value))
    return value


def _named_in_object(fields: Mapping[str, Any], max_bytes: int, depth: int) -> Mapping[str, object]:
    if fields.get("type") == "blob" and (size := _size(fields.get("content"))) is not None:
        if size <= max_bytes:
            return fields
        kept = {name: fields[name] for name in ("modality", "mime_type") if name in fields}
        return {"type": "blob_omitted", **kept, "size": size}
    changed: dict[str, object] | None = None
    for name, value in fields.items():
        if len(value) <= max_bytes if isinstance(value, str) else type(value) in _NUMBERS:
            continue  # without a call: there are many of these
        small = named(value, max_bytes, depth - 1)
        if small is not value:
            changed = dict(fields) if changed is None else changed
            changed[name] = small
    return fields if changed is None else changed


def _named_in_list(items: list[object], max_bytes: int, depth: int) -> list[object]:
    if len(items) > max_bytes and all(isinstance(item, int) and 0 <= item < 256 for item in items):
        return [_name(None, len(items))]  # bytes, as JSON has them without base64
    small = [named(item, max_bytes, depth - 1) for item in items]
    return small if any(new is not old for new, old in zip(small, items, strict=True)) else items


def _size(content: object) -> int | None:
    """The size of what a string of base64, or bytes, hold."""
    if isinstance(content, str):
        found = _NAMED.fullmatch(content)
        return int(found[1]) if found else len(content) * 3 // 4
    return len(content) if isinstance(content, (bytes, bytearray)) else None


def _named_in_text(text: str, max_bytes: int) -> str:
    """The text with all long base64 in it named. Takes time in proportion to the text's length."""
    pieces: list[str] = []
    done = 0
    for first, end, length in _base64_in(text):
        size = length * 3 // 4
        if size > max_bytes:
            start, mime = _header(text, done, first)
            pieces += (text[done:start], _name(mime, size))
            done = end
    return "".join((*pieces, text[done:])) if pieces else text


def _base64_in(text: str) -> list[tuple[int, int, int]]:
    """Start, end and length of each base64 in a text, which may be cut into lines."""
    found: list[tuple[int, int, int]] = []
    for line in _LINE.finditer(text):
        start, end = line.span()
        first, last, length = found[-1] if found else (0, -1, 0)
        if text[last:start] in _LINE_ENDS:
            found[-1] = (first, end, length + end - start)
        else:
            found.append((start, end, end - start))
    return found


def _header(text: str, begin: int, start: int) -> tuple[int, str | None]:
    """Where the ``data:`` URL of a run of base64 begins, and its MIME type."""
    found = text.rfind("data:", max(begin, start - _LONGEST_HEADER), start)
    header = text[found:start]
    if found < 0 or not header.endswith(","):
        return start, None
    return found, header[5:-1].partition(";")[0] or None


def _name(mime: str | None, size: int) -> str:
    return f"[{mime or 'data'}: {size} bytes, not kept]"
