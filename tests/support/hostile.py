"""Answers that no provider should send: wire JSON with random faults, the same for the same seed."""

from __future__ import annotations

import json
import random
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import httpx

from tests.support import verdict
from tests.support.endings import exhausted
from tests.support.provider import Reply
from tests.support.registry import violations
from tests.support.stainless_surfaces import run

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

_ODD = (
    None,
    True,
    -1,
    0,
    2**70,
    1.5,
    "",
    "x",
    "ü\u2028",
    "\ud800",
    "{",
    [],
    {},
    [None],
    [[]],
    {"type": None},
    {"": {}},
)

# Figures that contradict each other, or stand alone.
_THE_PROVIDERS = ("more than the whole", "sum", "without mlflow.chat.tokenUsage")


def answer(seed: int, whole: Any) -> Reply:
    """A plain answer, malformed in one to three places."""
    return Reply(body=json.dumps(_odd(random.Random(seed), whole)).encode())


def stream(seed: int, events: Sequence[Any]) -> Reply:
    """The events, some of them malformed, lost, repeated, out of order, or no JSON."""
    source = random.Random(seed)
    found = [_odd(source, event) if source.random() < 0.3 else event for event in events]
    for _ in range(source.randrange(3)):
        place = source.randrange(len(found) or 1)
        change = source.randrange(4)
        if change == 0:
            del found[place : place + 1]
        elif change == 1:
            found[place:place] = found[place : place + 1]
        elif change == 2:
            source.shuffle(found)
        else:
            found.insert(place, source.choice(_ODD))
    frames = [_frame(event) for event in found]
    if source.random() < 0.2:
        frames.insert(
            source.randrange(len(frames) + 1),
            source.choice((b"data: {\n\n", b"\x00\xff\n\n", b"event: \n\n", b":\n\n")),
        )
    return Reply(frames=frames)


def wire_of(provider: Any, surfaces: ModuleType, surface: Any) -> Any:
    """What the provider answers by itself on a surface: the JSON of an answer, or a list of that of its events."""
    with surfaces.make_client(provider.url, False) as client:
        run(provider, (), False, surfaces.program(surface, False, exhausted), client)
    asked = provider.ledger[0]
    answered = httpx.request(asked.method, provider.url + asked.path, content=asked.raw)
    if "event-stream" not in answered.headers["content-type"]:
        return answered.json()
    data = [line.removeprefix("data: ") for line in answered.text.splitlines() if line.startswith("data: ")]
    return [json.loads(one) if one != "[DONE]" else one for one in data]


def _frame(event: Any) -> bytes:
    if event == "[DONE]":
        return b"data: [DONE]\n\n"
    kind = event.get("type") if isinstance(event, dict) else None
    head = f"event: {kind}\n" if isinstance(kind, str) and kind.isascii() and kind else ""
    return f"{head}data: {json.dumps(event)}\n\n".encode()


def _odd(source: random.Random, value: Any) -> Any:
    value = deepcopy(value)
    for _ in range(source.randrange(1, 4)):
        places = list(_places(value))
        if places:
            holder, key = source.choice(places)
            if isinstance(holder, dict) and source.random() < 0.3:
                del holder[key]
            else:
                holder[key] = deepcopy(source.choice(_ODD))
    return value


def _places(value: Any) -> Any:
    """Every (container, key) of a JSON value."""
    if isinstance(value, (dict, list)):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from _places(value[key])


def check(
    provider: Any, install: Callable[..., Any], surfaces: ModuleType, surface: Any, mode: str, replies: Any
) -> None:
    """The program gets of each reply what it gets without us; each call ends as a span that the registry allows."""
    is_async = mode == "async"

    def play() -> list[Any]:
        client = surfaces.make_client(provider.url, is_async)
        found = []
        for reply in replies:
            work = surfaces.program(surface, is_async, exhausted)
            if is_async:
                client = surfaces.make_client(provider.url, True)
            found.append(run(provider, (reply,), is_async, work, client).notes)
        if not is_async:
            client.close()
        return found

    bare = play()
    telemetry = install(CAPTURE="true", GENSPAN_DIALECTS="genai,mlflow")
    assert play() == bare
    assert telemetry.unbalanced() == {}
    assert len(telemetry.spans) == len(replies)
    for span in telemetry.spans:
        assert [one for one in violations(span) if not any(words in one for words in _THE_PROVIDERS)] == []
        verdict.failed(span)
