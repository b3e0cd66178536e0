"""How one request is answered: set by a test, by `[[name=value]]` in the prompt, or by an `x-fake-name` header."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

UNSET: Final[Any] = type("Unset", (), {"__repr__": lambda self: "UNSET", "__bool__": lambda self: False})()

_DIRECTIVE = re.compile(r"\[\[([a-z][a-z-]*)(?:=(.*?))?\]\](?!\])", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer. Whatever is not set stays as the provider would do it by itself."""

    # The answer itself
    status: int = 200
    """An HTTP status; from 400 on with the provider's error body."""
    message: str = "scripted failure"
    """The error's message."""
    echo: str = ""
    """"key" or "prompt": the error's message repeats the caller's API key or prompt, as real ones do."""
    retry_after: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = UNSET
    """JSON value, or bytes that are sent as they are."""
    chunks: Sequence[Any] | None = None
    """A stream's chunks as JSON, framed by the provider."""
    frames: Sequence[bytes] | None = None
    """A stream's frames as they are, one network write each."""
    # Wishes that the provider's module fulfils
    text: str | None = None
    """The text of the final answer."""
    usage: Any = UNSET
    """Replaces the usage object; None leaves it out."""
    rounds: int = 1
    """How many rounds of function calls it asks for before the final text."""
    parallel: int = 1
    """How many function calls it asks for at once."""
    hops: int = 0
    """How many times the answer stops with a continuation token."""
    # Faults
    delay: float = 0
    """Seconds before the first byte."""
    slow: float = 0
    """Seconds between the chunks of a stream."""
    cut: int | None = None
    """The connection breaks off after this many chunks of a stream; of a plain answer, half-way."""
    cut_mid: int | None = None
    """The same, and half of the next frame has gone out."""
    error_in_stream: int | None = None
    """An error object after this many chunks."""
    error_status: int = 503
    """The code of that error."""
    hold: int | None = None
    """After this many chunks nothing more comes until the client hangs up (at most 30 s)."""
    endless: bool = False
    """The stream goes on until the client hangs up."""
    hang: float = 0
    """Seconds without any answer, then the connection breaks off."""

    @property
    def scripted_body(self) -> bool:
        return self.body is not UNSET or self.chunks is not None or self.frames is not None


_TYPES: Final[dict[str, str]] = {f.name: str(f.type) for f in fields(Reply)}


def with_directives(reply: Reply, prompt: str, headers: Mapping[str, str]) -> Reply:
    """The reply as changed by what the request itself asks for. Unknown names are plain text."""
    changes = {}
    for name, value in (*_from_headers(headers), *_from_prompt(prompt)):
        key = name.replace("-", "_")
        if key in _TYPES:
            changes[key] = _parse(_TYPES[key], value)
    return replace(reply, **changes) if changes else reply


def without_directives(text: str) -> str:
    return _DIRECTIVE.sub("", text).strip()


def _from_prompt(prompt: str) -> Iterator[tuple[str, str]]:
    for match in _DIRECTIVE.finditer(prompt):
        yield match[1], match[2] or ""


def _from_headers(headers: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, value in headers.items():
        if name.lower().startswith("x-fake-"):
            yield name.lower().removeprefix("x-fake-"), value


def _parse(kind: str, value: str) -> Any:
    if kind.startswith("bool"):
        return value.lower() not in {"0", "false", "no"}
    if kind.startswith("int"):
        return int(value or 1)
    if kind.startswith("float"):
        return float(value or 1)
    if kind.startswith("str"):
        return value
    return _json_or_bytes(value)


def _json_or_bytes(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value.encode()
