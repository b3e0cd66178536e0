"""Credentials that a request carries, known by where they stand: a header, the URL, a field of the body (ADR 20)."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from binascii import Error
from functools import lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import parse_qsl, unquote

from genspan._core.emit.redaction import NO_SECRETS, Secrets
from genspan_semconv.model import seq

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
"""Words of a name: ``x-api-key``, ``api_key`` and ``apiKey`` have the same."""
_LAST: Final = frozenset(
    (
        *("authorization", "auth", "token", "secret", "password", "passwd", "pwd", "passphrase", "credential"),
        *("credentials", "cookie", "signature", "sig", "jwt", "bearer", "apikey", "authtoken", "accesstoken", "pat"),
    )
)
"""Last words of names of credentials."""
_KEYS: Final = frozenset(
    (
        *("access", "account", "admin", "api", "app", "application", "apim", "auth", "client", "function", "functions"),
        *("license", "master", "private", "secret", "security", "service", "shared", "subscription", "virtual"),
    )
)
"""Words before ``key`` that make it a credential: not so ``Idempotency-Key`` or ``prompt_cache_key``."""
_NO_TOKENS: Final = frozenset(
    (
        *("page", "next", "previous", "continuation", "resume", "sync", "cursor", "context", "widget"),
        *("stop", "start", "end", "pad", "bos", "eos", "sep", "mask", "unk", "special", "image"),
    )
)
"""Words before ``token`` that make it a place in a listing, or a word of a model's."""
_MORE: Final = frozenset(("string", "value", "header"))
"""Last words that say nothing: ``apiKeyString``."""
_OTHER_NAMES: Final = frozenset(("x-honeycomb-team", "x-vercel-protection-bypass"))
_CONTENT: Final = frozenset(
    (
        *("messages", "input", "contents", "content", "system", "instructions", "prompt", "parts", "systemInstruction"),
        *("system_instruction", "parameters", "input_schema", "function", "functionDeclarations"),
        *("function_declarations", "json_schema", "schema", "response_format", "functions"),
    )
)
"""Fields of bodies that hold content or JSON schemas, in which nothing is a credential."""
_URL: Final = re.compile(r"(?:[^:/?#]+://(?:(?P<user>[^/?#]*)@)?[^/?#]*)?(?P<path>[^?#]*)(?:\?(?P<query>[^#]*))?")
_MAX_DEPTH: Final = 12


def find(headers: Mapping[str, object], url: object, body: object) -> Secrets:
    """Every value of a request that authenticates it, or that it gives a provider to authenticate with elsewhere.

    Cheap enough to be looked for in every call, so that no cache keeps a credential alive.
    """
    values = [*_of_headers(headers), *_of_url(url)]
    if isinstance(body, dict):
        values += _of_object("", cast("dict[str, object]", body), _MAX_DEPTH)
    return Secrets.of(values) if values else NO_SECRETS


def _of_headers(headers: Mapping[str, object]) -> Iterator[str]:
    raw: Any = getattr(headers, "raw", None)  # of httpx, whose items are decoded one by one
    names = tuple(map(_name, raw)) if raw else tuple(headers)
    for index in _positions(names):
        name = names[index]
        value = raw[index][1] if raw else headers[cast("str", name)]
        yield from _of_value(_decoded(name), _decoded(value))


_name: Final = itemgetter(0)


@lru_cache(maxsize=256)
def _positions(names: tuple[str | bytes, ...]) -> tuple[int, ...]:
    """Which of a request's headers are credentials. The names are the same in call after call."""
    return tuple(index for index, name in enumerate(names) if is_credential(_decoded(name)))


@lru_cache(maxsize=1000)
def is_credential(name: str) -> bool:
    """Whether what a header, a query parameter or a field of this name holds is a credential."""
    words = [word.lower() for word in _WORD.findall(name)]
    while len(words) > 1 and words[-1] in _MORE:
        words.pop()
    if not words:
        return False
    before = words[-2] if len(words) > 1 else ""
    if words[-1] == "key":
        return before in _KEYS or words[:-1] in ([], ["x"])
    return (words[-1] in _LAST and before not in _NO_TOKENS) or name.lower() in _OTHER_NAMES


def _of_value(name: str, value: str) -> Iterator[str]:
    """The credentials in the value of a header or a field: without their scheme, and each by itself."""
    scheme, _, rest = value.partition(" ")
    if rest and scheme.isalpha():
        if scheme.lower() == "basic":
            yield from _of_basic(rest)
        value = rest.strip()
    yield value
    if "=" in value and ("; " in value or ", " in value or name.lower().endswith("cookie")):
        for pair in re.split(r"[;,]\s*", value):  # cookies, or AWS's signature and what it is of
            yield pair.partition("=")[2].strip('"')


def _of_basic(encoded: str) -> Iterator[str]:
    try:
        pair = b64decode(encoded, validate=True).decode()
    except (Error, ValueError):
        return
    yield from _of_pair(*pair.partition(":")[::2])


def _of_pair(user: str, password: str) -> Iterator[str]:
    if user and password:
        yield f"{user}:{password}"
        yield b64encode(f"{user}:{password}".encode("utf-8", "replace")).decode()
    yield from (value for value in (user, password) if value)


def _of_url(url: object, with_path: bool = False) -> Iterator[str]:
    """The user part of a URL and its parameters, as they are written and as they mean.

    Servers of tools often have their token in the path.
    """
    if not isinstance(url, str):
        if not getattr(url, "query", url) and not getattr(url, "userinfo", url):  # of httpx, whose text is made anew
            return
        url = str(url)
    found = _URL.match(url)  # not urlsplit, which keeps what it has split in a cache
    if found is None or not (with_path or found["user"] or found["query"]):
        return
    user, _, password = (found["user"] or "").partition(":")
    yield from _of_pair(unquote(user), unquote(password))
    yield from _of_pair(user, password)
    for name, value in parse_qsl(found["query"] or ""):
        if is_credential(name):
            yield value
    if with_path:
        yield from filter(is_random, found["path"].split("/"))


def _of_body(name: str, value: object, depth: int) -> Iterator[str]:
    """A field of a body, at any depth but inside content: by its name, or as a URL with credentials."""
    if isinstance(value, str):
        if name != "key" and is_credential(name):
            yield from _of_value(name, value)
        elif "://" in value:
            yield from _of_url(value, with_path=True)
    elif isinstance(value, dict) and depth:
        yield from _of_object(name, cast("dict[str, object]", value), depth - 1)
    elif isinstance(value, (list, tuple)) and depth:
        for item in cast("list[object]", value):
            yield from _of_body(name, item, depth - 1)


def _of_object(name: str, fields: Mapping[str, object], depth: int) -> Iterator[str]:
    value = fields.get("value")
    if name.lower().endswith("headers"):
        yield from _of_sent_headers(fields)
    elif isinstance(value, str) and (name.endswith("secrets") or is_credential(str(fields.get("name")))):
        yield from _of_value("", value)  # a secret of a container, a header, or a variable of an environment
    for inner, value in fields.items():
        if inner in _CONTENT:
            yield from _of_items(value, depth)
        elif value and not isinstance(value, (int, float)):
            yield from _of_body(str(inner), value, depth)


def _of_items(items: object, depth: int) -> Iterator[str]:
    """Of content, only the tools that it brings along, which OpenAI's tool search finds."""
    for item in seq(items):
        if isinstance(item, dict) and "tools" in item:
            yield from _of_body("tools", cast("dict[str, object]", item)["tools"], depth)


def _of_sent_headers(headers: Mapping[str, object]) -> Iterator[str]:
    """Headers for a server behind the provider are there to authenticate, whatever they are called."""
    for name, value in headers.items():
        if isinstance(value, str) and not name.lower().endswith(("-id", "version", "agent")):
            yield from filter(is_random, _of_value(name, value))


def is_random(value: str) -> bool:
    """Whether a value that stands where a credential may be looks like one."""
    digits = sum(map(str.isdigit, value))
    return len(value) >= 20 and 2 < digits < len(value) and " " not in value


def _decoded(value: object) -> str:
    if not isinstance(value, bytes):
        return value if isinstance(value, str) else str(value)
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")
