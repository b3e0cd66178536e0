"""A recorded request of Groq's API, sent again through groq against a replaying server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import groq

from tests.support import recordings, stainless_replay
from tests.support.drive_openai import streams, truth
from tests.support.groq_surfaces import make_client

if TYPE_CHECKING:
    from tests.support.recordings import Recording

ERROR = groq.GroqError
PLAIN = ("create", "raw", "streaming-parse", "streaming-json", "streaming-bytes", "post")
STREAMS = ("create", "raw", "streaming-parse", "streaming-lines", "streaming-bytes")

__all__ = ["ERROR", "client_for", "lacks", "load", "play", "streams", "truth", "variants"]


def load() -> list[Recording]:
    """Those among the recordings of compatible servers that are of Groq: by their path, or by what only it sends."""
    found = recordings.load("openai_compat", "chat.completions")
    return [one for one in found if "groq" in one.path or '"x_groq"' in str(one.response).replace("'", '"')]


def client_for(url: str, recording: Recording, is_async: bool = False) -> Any:
    """A client that sends to `url`."""
    return make_client(url, is_async)


def variants(recording: Recording) -> tuple[str, ...]:
    """The ways that can carry it."""
    return STREAMS if streams(recording) else PLAIN


def lacks(client: Any, recording: Recording, variant: str) -> str:
    """What the installed version of the SDK lacks for a way: nothing."""
    return ""


async def play(client: Any, recording: Recording, variant: str) -> Any:
    """Make the request and read all of the answer. Errors come out as the SDK raises them."""
    body = dict(recording.body or {})
    passed = {"model": body.get("model"), "messages": body.get("messages"), "extra_body": body}
    path = "/openai/v1/chat/completions"
    call = stainless_replay.Replayed(client.chat.completions, "create", passed, streams(recording), (path, body))
    return await stainless_replay.play(client, call, variant)
