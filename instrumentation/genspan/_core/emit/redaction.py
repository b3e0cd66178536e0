"""Removal of credentials from every text that is emitted: what may be cut out where (ADR 20)."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final, NamedTuple, cast
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from genspan_semconv.model import AttributeValue

REMOVED: Final = "[redacted]"
_SHORTEST: Final = 3
"""Shorter values are not looked for."""

_CASUAL: Final = frozenset(
    (
        *("a", "an", "any", "anything", "abc", "api", "be", "blank", "bar", "change", "changeme", "default", "demo"),
        *("doesnt", "dont", "dummy", "empty", "example", "fake", "false", "foo", "for", "free", "here", "ignore"),
        *("ignored", "insert", "is", "it", "key", "keys", "local", "localhost", "matter", "me", "mock", "my", "n"),
        *("na", "need", "needed", "no", "nokey", "none", "not", "null", "optional", "placeholder", "put", "random"),
        *(
            "redacted",
            "replace",
            "required",
            "sample",
            "set",
            "sk",
            "some",
            "something",
            "test",
            "testing",
            "tests",
            "the",
            "this",
        ),
        *("to", "todo", "token", "true", "undefined", "unused", "used", "value", "whatever", "with", "you", "your"),
        # What is run locally, and asks for a key that it does not look at.
        *("ai", "anthropic", "claude", "code", "cpp", "gateway", "gemini", "generation", "google", "gpt", "inference"),
        *("lite", "litellm", "llama", "llamacpp", "llamafile", "llm", "lm", "lmstudio", "localai", "mistral", "model"),
        *("ollama", "openai", "proxy", "python", "router", "server", "studio", "text", "tgi", "vllm", "webui"),
        *("0", "00", "000", "0000", "1", "4", "12", "123", "1234", "12345"),
    )
)
"""Words of which placeholder keys are made: ``ollama``, ``lm-studio``, ``sk-no-key-required``."""
_PIECE: Final = re.compile(r"[a-z]+|\d+")
_UNUSUAL: Final = re.compile(r"[^\w\s.\-/:,]")
_DIGIT: Final = re.compile(r"\d")
_UNRESERVED: Final = re.compile(r"[A-Za-z0-9_.\-~]*")

_NAMED: Final = re.compile(
    r"""(?: (?:\b|_)
            (?:authorization|auth|(?:api[ ])?key|token|secret|passw(?:or)?d|pwd|passphrase|credentials?|cookie|sig)
            ["'\\]* (?:\s (?:provided|given|header|value|is|was))? \s* [:=] \s* ["'\\]* (?:(?:bearer|basic|token)\s+)?
          | \b (?:bearer|basic|password|api[ ]key) \s+ ["'\\]*
          | ://[^\s/@]*: )\Z""",
    re.IGNORECASE | re.VERBOSE,
)
"""What stands before a credential wherever one is written down."""
_BEFORE: Final = 80
"""How far that goes back."""
_PARAMETER: Final = re.compile(r"(?<=[?&;])([\w.\-]{1,40})=([^&\s\"'<>\\)\]}#]+)")
_USER: Final = re.compile(r"(?<=://)([^\s/?#@\"'<>\\]+)@")
_IN_URLS: Final = frozenset(
    (
        *("key", "api_key", "apikey", "api-key", "access_key", "access_token", "auth_token", "auth", "token", "jwt"),
        *("id_token", "refresh_token", "session_token", "sig", "signature", "client_secret", "secret", "password"),
        *("pwd", "subscription-key", "x-amz-signature", "x-amz-security-token", "x-amz-credential"),
        *("x-goog-signature", "x-goog-credential", "x-api-key", "hmac"),
    )
)


class Secrets(NamedTuple):
    """Credentials, the longest first. ``anywhere``: cut out wherever they stand; ``named``: only where it says so."""

    anywhere: tuple[str, ...] = ()
    named: tuple[str, ...] = ()

    @classmethod
    def of(cls, values: Iterable[str]) -> Secrets:
        """Sort credentials by what they look like: an everyday word in ordinary text is no credential."""
        anywhere: dict[str, None] = {}
        named: dict[str, None] = {}
        for value in values:
            if len(value) < _SHORTEST or value in anywhere or value in named or is_placeholder(value):
                continue
            into = anywhere if is_unmistakable(value) else named
            for form in _forms(value):
                into[form] = None
        return cls(_longest_first(anywhere), _longest_first(named))

    def __or__(self, other: Secrets) -> Secrets:
        """Both sets of credentials."""
        if self == other:
            return self
        anywhere, named = dict.fromkeys(self.anywhere + other.anywhere), dict.fromkeys(self.named + other.named)
        return Secrets(_longest_first(anywhere), _longest_first(named))

    def scrub(self, text: str) -> str:
        """The text without the credentials; JSON stays JSON."""
        for secret in self.anywhere:
            if secret in text:
                text = text.replace(secret, "0" if secret.isdecimal() else REMOVED)
        for secret in self.named:
            if secret in text:
                text = _cut_named(text, secret)
        if ("=" in text or "@" in text) and "://" in text:
            text = _USER.sub(_without_password, _PARAMETER.sub(_without_value, text))
        return text

    def scrub_all(self, value: object) -> object:
        """A structure without the credentials in any text of it."""
        if isinstance(value, str):
            return self.scrub(value)
        if isinstance(value, dict):
            items = cast("dict[str, object]", value).items()
            return {self.scrub(key): self.scrub_all(item) for key, item in items}
        if isinstance(value, (list, tuple)):
            return [self.scrub_all(item) for item in cast("list[object]", value)]
        return value

    def scrub_attributes(self, attributes: dict[str, AttributeValue]) -> dict[str, AttributeValue]:
        """Attributes without the credentials: the same object where there are none."""
        values = attributes.values()
        together = "\n".join(
            [value if type(value) is str else str(value) for value in values if type(value) is not int]
        )
        if self.scrub(together) == together:
            return attributes
        return cast("dict[str, AttributeValue]", {name: self.scrub_all(value) for name, value in attributes.items()})


NO_SECRETS: Final = Secrets()


def is_placeholder(value: str) -> bool:
    """Whether a value is there because a client wants one: made of everyday words alone, or of the letter x."""
    return all(not (piece[0] not in _CASUAL and piece[0].strip("x")) for piece in _PIECE.finditer(value.lower()))


def is_unmistakable(value: str) -> bool:
    """Whether a value is so long, or so mixed, that it stands in no ordinary text by chance."""
    if len(value) < 8:
        return False
    letters = value.lower() != value.upper()
    if len(value) >= 16:
        cased = value[1:].lower() != value[1:]
        return (letters and (not value.isalpha() or cased or len(value) >= 24)) or value.isdecimal()
    digits = len(_DIGIT.findall(value))
    cased = value[1:].lower() != value[1:] and value.upper() != value
    return letters and (digits > 2 or _UNUSUAL.search(value) is not None or (digits > 0 and cased))


def _forms(value: str) -> Iterator[str]:
    """How a value is written: as it is, in JSON, in JSON inside JSON, and in URLs."""
    yield value
    if _UNRESERVED.fullmatch(value):
        return
    for ascii_only in (False, True):
        escaped = json.dumps(value, ensure_ascii=ascii_only)[1:-1]
        yield escaped
        yield json.dumps(escaped, ensure_ascii=ascii_only)[1:-1]
    yield quote(value, errors="replace")
    yield quote(value, safe="", errors="replace")
    yield quote_plus(value, errors="replace")


def _longest_first(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(values, key=len, reverse=True))


def _cut_named(text: str, secret: str) -> str:
    """Cut a credential out where what stands before it says that it is one."""
    pieces: list[str] = []
    done, found = 0, text.find(secret)
    while found >= 0:
        end = found + len(secret)
        if not text[end : end + 1].isalnum() and _NAMED.search(text[max(done, found - _BEFORE) : found]):
            pieces += (text[done:found], REMOVED)
            done = end
        found = text.find(secret, end)
    return "".join((*pieces, text[done:]))


def _without_value(match: re.Match[str]) -> str:
    name, value = match.groups()
    return match[0] if name.lower() not in _IN_URLS or is_placeholder(value) else f"{name}={REMOVED}"


def _without_password(match: re.Match[str]) -> str:
    user, _, password = match[1].partition(":")
    if is_unmistakable(user) and not is_placeholder(user):
        user = REMOVED
    if password and not is_placeholder(password):
        password = REMOVED
    return f"{user}:{password}@" if password else f"{user}@"
