"""Credentials that a request carries, and their removal from every text that we emit."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import compress
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import parse_qsl, unquote, urlsplit

from genspan_semconv.encode import dumps

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_SENSITIVE: Final = re.compile(r"auth|key|token|secret|cookie|password|credential|signature|^sig$", re.IGNORECASE)
_SHORTEST: Final = 6
"""Shorter values are not secrets, and taking them out would destroy the text around them."""
_REMOVED: Final = "[redacted]"


def credentials(headers: Mapping[str, object], url: str) -> tuple[str, ...]:
    """Every value of a request that authenticates it: headers, query parameters, the user part of the URL."""
    raw: Iterable[tuple[str | bytes, object]] = getattr(headers, "raw", None) or headers.items()  # httpx decodes items
    names, given = zip(*raw, strict=True) if raw else ((), ())
    values: list[object] = list(compress(given, _sensitive(names)))
    if "?" in url or "@" in url:
        parts = urlsplit(url)
        values += [value for name, value in parse_qsl(parts.query) if _SENSITIVE.search(name)]
        values += [unquote(value) for value in (parts.username, parts.password) if value]
    return _distinct(values)


@lru_cache(maxsize=1000)
def _sensitive(names: tuple[str | bytes, ...]) -> list[bool]:
    """Of headers, which are the same ones in call after call."""
    strings = (name if isinstance(name, str) else name.decode("latin-1") for name in names)
    return [_SENSITIVE.search(name) is not None for name in strings]


def scrub(text: str, secrets: Iterable[str]) -> str:
    """The text without the secrets."""
    for secret in secrets:
        if secret in text:
            text = text.replace(secret, _REMOVED)
    return text


def scrub_all(value: object, secrets: tuple[str, ...]) -> object:
    """A structure without the secrets in any text of it."""
    if isinstance(value, str):
        return scrub(value, secrets)
    if isinstance(value, dict):
        items = cast("dict[str, object]", value).items()
        return {scrub(key, secrets): scrub_all(item, secrets) for key, item in items}
    if isinstance(value, (list, tuple)):
        return [scrub_all(item, secrets) for item in cast("list[object]", value)]
    return value


def _decoded(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _distinct(values: Iterable[object]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for value in values:
        string = _decoded(value) if isinstance(value, bytes) else str(value)
        scheme, _, rest = string.partition(" ")
        for candidate in (string, rest if scheme.lower() in ("bearer", "basic") else ""):
            if len(candidate) >= _SHORTEST:
                found[candidate] = None
                if not candidate.isprintable() or '"' in candidate or "\\" in candidate:
                    found[dumps(candidate)[1:-1]] = None  # as it is written inside JSON text
    return tuple(sorted(found, key=len, reverse=True))
