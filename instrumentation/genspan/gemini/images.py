"""Vertex AI's ``predict`` of an Imagen model and ``predictLongRunning`` of Veo. Neither reports tokens.

https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/imagen-api
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from genspan.gemini import params as parameters
from genspan.gemini.generate_content import BLOCKED
from genspan.gemini.parts import finished, media
from genspan.gemini.resources import error_status
from genspan_semconv.model import Last as Fold
from genspan_semconv.model import Prompt, Response, integer, obj, seq, text, texts
from genspan_semconv.parts import text_part

__all__ = ["Fold", "answer", "params", "prompt", "read_media", "response"]

if TYPE_CHECKING:
    from collections.abc import Iterator

    from genspan_semconv.model import Message, Params, Part, Wire

_DATA: Final = ("bytesBase64Encoded", "encodedVideo", "data")
_URI: Final = ("gcsUri", "uri", "fileUri")
_MAX_DEPTH: Final = 8
_MAX_FILTERED: Final = 100


def params(body: Wire) -> Params:
    """Number and seed of what is made, and labels."""
    return parameters.read(body, body.get("parameters"))


def response(data: Wire) -> Response:
    """The name of the operation that makes a video, a failure of it, and what was filtered."""
    name, error = text(data.get("name")), obj(data.get("error"))
    reasons = [BLOCKED if filtered is not None else "stop" for _, filtered in _made(data)]
    return Response(
        id=name,
        finish_reasons=reasons if BLOCKED in reasons else [],
        summary={"operation": name} if name else None,
        error=error_status(error),
    )


def prompt(body: Wire) -> Prompt:
    """The prompts, and the images and videos that they refer to, whatever they are for."""
    messages: list[Message] = []
    for item in seq(body.get("instances")):
        instance = obj(item)
        string = text(instance.get("prompt"))
        parts = [*([text_part(string)] if string else []), *read_media(instance)]
        messages.append({"role": "user", "parts": parts})
    return Prompt([], messages, [])


def answer(data: Wire) -> list[Message]:
    """One message per image or video, or for why it was filtered."""
    messages: list[Message] = []
    for parts, filtered in _made(data):
        message: Message = {"role": "assistant", "parts": parts}
        messages.append(finished(message, "stop" if filtered is None else BLOCKED, filtered))
    return messages


def _made(data: Wire) -> Iterator[tuple[list[Part], str | None]]:
    """What was made, and why it was filtered where it was; an empty text where that is all that is known."""
    done = obj(data.get("response"))
    videos = obj(done.get("generateVideoResponse")) or done
    for item in (*seq(data.get("predictions")), *seq(videos.get("videos")), *seq(videos.get("generatedSamples"))):
        parts, filtered = list(read_media(item, "video" if videos else "image")), obj(item).get("raiFilteredReason")
        if parts or filtered:
            yield parts, str(filtered) if filtered else None
    reasons = texts(videos.get("raiMediaFilteredReasons"))
    filtered_count = min(integer(videos.get("raiMediaFilteredCount")) or 0, _MAX_FILTERED)
    for reason in reasons + [""] * (filtered_count - len(reasons)):
        yield [], reason


def read_media(value: object, kind: str = "image", depth: int = _MAX_DEPTH) -> Iterator[Part]:
    """The images and videos in a JSON value, wherever they stand: to be edited, worn, masked, shown last, ..."""
    if depth == 0:
        return
    for item in seq(value):
        yield from read_media(item, kind, depth - 1)
    wire = obj(value)
    data, uri = (
        next((text(wire.get(name)) for name in names if text(wire.get(name))), None) for names in (_DATA, _URI)
    )
    if data or uri:
        mime = text(wire.get("mimeType") or wire.get("encoding"))
        yield media(mime, data, uri, None if mime else kind)
        return
    for name, inner in wire.items():
        yield from read_media(inner, "video" if "video" in name else kind, depth - 1)
