"""The seam: what a provider's module supplies, and what the server hands to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from os import environ
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Mapping, Sequence

    from tests.support.provider.ledger import Bill
    from tests.support.provider.script import Reply

Json = Any
SNAPSHOTS = environ.get("FAKE_PROVIDER_SNAPSHOTS") != "false"


def snapshot(model: str, date: str) -> str:
    """The model that answers: a snapshot of the one that was asked for, which no price list has, unless told not to."""
    return f"{model}-{date}" if SNAPSHOTS else model


@dataclass(slots=True)
class Request:
    """One HTTP request as it arrived; `match` holds the named groups of its route."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    raw: bytes
    body: Json
    match: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Answer:
    """What a handler wants to send: one JSON body, or the chunks of a stream with their framing."""

    body: Json = None
    chunks: Sequence[Json] | None = None
    frame: Callable[[Json], bytes] | None = None
    last_frame: bytes = b""
    filler: Callable[[int], Json] | None = None
    """The n-th chunk of a stream without end."""
    content_type: str = "application/json; charset=UTF-8"
    status: int = 200


@dataclass(frozen=True, slots=True)
class Route:
    method: str
    path: re.Pattern[str]
    api: str
    handler: Callable[[Request, Reply], Answer]
    socket: Callable[[Any, Request, Callable[[Json, Json], None]], Any] | None = None
    """For a websocket: `socket(ws, request, enter)`; `enter(body, usage)` makes an entry of the ledger per answer."""
    bills: bool = True
    """False: tokens in its answers are not those of a model call (stored, or only counted)."""
    header: str = ""
    """A header that tells whose client asks, where another provider has the same path."""


@dataclass(frozen=True, slots=True)
class Wire:
    """A provider's wire format. To add a provider, write a module with one of these and list it in `server.WIRES`."""

    name: str
    routes: Sequence[Route]
    prompt: Callable[[Json], str]
    """The newest text of the user in a request body: where `[[name=value]]` directives are looked for."""
    model: Callable[[Request], str | None]
    streams: Callable[[Request], bool]
    error: Callable[[int, str], Json]
    """The provider's error body for a status and a message."""
    usage: Callable[[Json], Json | None]
    """The usage object in a response body or chunk, as it is on the wire."""
    bill: Callable[[Json], Bill]
    """Usage object -> counted tokens."""
    merge: Callable[[Json, Json], Json] = lambda before, now: now
    """What two usage objects of one answer, one after the other, add up to; by itself the last one holds."""


def usage_in(*holders: Json) -> Json | None:
    """The first usage object among the members `usage` of these."""
    found = (holder.get("usage") for holder in holders if isinstance(holder, dict))
    return next((usage for usage in found if isinstance(usage, dict)), None)
