"""Vertex AI's ``predict`` of an Imagen model and ``predictLongRunning`` of Veo. Neither reports tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genspan.gemini.generate_content import Fold
from genspan.gemini.parts import modality
from genspan_semconv.model import Prompt, Response, obj, seq, text, whole

__all__ = ["Fold", "answer", "params", "prompt", "response"]

if TYPE_CHECKING:
    from collections.abc import Mapping

    from genspan_semconv.model import Message, Params, Part

    Wire = Mapping[str, object]


def params(body: Wire) -> Params:
    """Number and seed of what is made."""
    parameters = obj(body.get("parameters"))
    found: Params = {}
    choices, seed = whole(parameters.get("sampleCount")), whole(parameters.get("seed"))
    if choices is not None and choices != 1:
        found["choice_count"] = choices
    if seed is not None:
        found["seed"] = seed
    return found


def response(data: Wire) -> Response:
    """What was made, or the name of the operation that makes it."""
    name = text(data.get("name"))
    return Response(id=name, summary={"operation": name} if name else None)


def prompt(body: Wire) -> Prompt:
    """The prompts, and the images that they refer to."""
    messages: list[Message] = []
    for item in seq(body.get("instances")):
        instance = obj(item)
        parts: list[Part] = []
        prompt = text(instance.get("prompt"))
        if prompt:
            parts.append({"type": "text", "content": prompt})
        parts.extend(_media(obj(instance.get("image"))))
        messages.append({"role": "user", "parts": parts})
    return Prompt([], messages, [])


def answer(data: Wire) -> list[Message]:
    """One message per image."""
    made = [_media(obj(item)) for item in seq(data.get("predictions"))]
    return [{"role": "assistant", "parts": parts, "finish_reason": "stop"} for parts in made if parts]


def _media(media: Wire) -> list[Part]:
    mime = text(media.get("mimeType")) or "image/png"
    data, uri = text(media.get("bytesBase64Encoded")), text(media.get("gcsUri"))
    if data:
        return [{"type": "blob", "modality": modality(mime), "mime_type": mime, "content": data}]
    return [{"type": "uri", "modality": modality(mime), "mime_type": mime, "uri": uri}] if uri else []
