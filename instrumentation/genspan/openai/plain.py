"""What is answered in one piece: vectors, images, sound and its text, videos, decisions, moderation, jobs.

https://platform.openai.com/docs/api-reference: no two of these answers mean different things by one field, so one
reader reads them all. Uploads are not looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from genspan.openai import params, responses
from genspan.openai.chat import error_code
from genspan.openai.parts import other, read_parts, said_by_user
from genspan.openai.usage import read_usage
from genspan_semconv.model import NoContent, Prompt, Response, Usage, count, obj, seq, summed, text
from genspan_semconv.parts import by_url

if TYPE_CHECKING:
    from genspan_semconv.model import Message, Params, Part, Wire

_OPERATIONS: Final = {
    "embeddings": "embeddings",
    "completions": "text_completion",
    "images": "generate_content",
    "moderations": "moderation",
}
_OVER: Final = ("completed", "failed", "cancelled")
_STATES: Final = {
    **{state: state for state in ("queued", "in_progress", *_OVER)},
    "validating": "queued",
    "finalizing": "in_progress",
    "cancelling": "in_progress",
    "canceled": "cancelled",
    "expired": "failed",
}


class Plain:
    """An API of one kind of output; ``free`` where the tokens that it tells are a count and not a bill."""

    def __init__(self, output_type: str | None = None, free: bool = False) -> None:
        self._output_type, self._free = output_type, free
        self.Fold = Fold

    def params(self, body: Wire) -> Params:
        """Parameters of the request, and what is made."""
        return {**params.read(body), **({"output_type": self._output_type} if self._output_type else {})}

    def response(self, data: Wire) -> Response:
        """Usage and model. Of vectors the conventions have the input alone, and some servers only a total."""
        usage, vectors = None if self._free else read_usage(data), _vectors(data)
        if usage is not None and vectors:
            usage = Usage(input=usage.total if usage.input is None else usage.input, total=usage.total)
        return Response(
            id=None if self._free or vectors else text(data.get("id")),
            model=text(data.get("model")),
            usage=usage,
            complete=data.get("complete") is not False,
            final=data.get("complete") is True,
            error=error_code(data.get("error")),
            summary=_summary(data, vectors, self._free),
        )

    def prompt(self, body: Wire) -> Prompt:
        """A prompt, or an input: texts, parts, or items of a conversation; with instructions where there are any."""
        given = text(body.get("prompt")) or body.get("input")
        if any("role" in obj(item) or str(obj(item).get("type")).endswith("_output") for item in seq(given)):
            return responses.prompt(body)
        return Prompt(read_parts(body.get("instructions")), said_by_user(given), [])

    def answer(self, data: Wire) -> list[Message]:
        """One message per image, one for a text that was heard, one for the answers to questions."""
        images = [_image(obj(item)) for item in seq(data.get("data"))] if not _vectors(data) else []
        answers = [other(obj(item)) for item in seq(data.get("answers"))]
        said = [[image] for image in images] or [answers or read_parts(data.get("text"))]
        return [{"role": "assistant", "parts": parts, "finish_reason": "stop"} for parts in said if parts]


class Job(NoContent):
    """A job of many requests: its state, and once it is over what they cost together. The answers are in files."""

    def response(self, data: Wire) -> Response:
        """State and usage; the model where there is only one."""
        status = _STATES.get(text(data.get("status")) or "")
        apart = [obj(item) for item in seq(data.get("per_model_usage"))]
        models = [text(item.get("model_name")) for item in apart] or [text(data.get("model"))]
        usage = obj(data.get("usage"))
        for item in apart:
            usage = summed(usage, item)
        return Response(
            id=text(data.get("id")),
            model=models[0] if len(models) == 1 else None,
            status=status,
            usage=read_usage({"usage": usage}) if status in _OVER else None,
            operation=_OPERATIONS.get(str(data.get("endpoint")).removeprefix("/v1/").partition("/")[0], "chat"),
            error=error_code(data.get("error")),
        )


def _vectors(data: Wire) -> list[object]:
    return [vector for item in seq(data.get("data")) if (vector := obj(item).get("embedding")) is not None]


def _summary(data: Wire, vectors: list[object], free: bool) -> dict[str, object] | None:
    """What is worth showing of an answer that is no message; never the vectors."""
    results, tokens = seq(data.get("results")), count(data.get("input_tokens"))
    found: dict[str, object] = {
        "embeddings": len(vectors) or None,
        "dimension": len(seq(vectors[0])) or None if vectors else None,
        "video": data.get("id") if data.get("object") == "video" else None,
        "input_tokens": tokens if free else None,
        "flagged": any(obj(result).get("flagged") is True for result in results) if results else None,
    }
    return {name: value for name, value in found.items() if value is not None} or None


def _image(image: Wire) -> Part:
    data = text(image.get("b64_json"))
    return by_url(f"data:image/png;base64,{data}" if data else text(image.get("url")) or "", "image")


class Fold:
    """What a stream of partial images or of pieces of text adds up to."""

    def __init__(self) -> None:
        self._fields: dict[str, object] = {"complete": False}
        self._images: list[object] = []
        self._text: list[str] = []

    def figures(self, chunk: Wire) -> None:
        """Usage comes with each image that is complete, or with the end of the text."""
        kind = text(chunk.get("type")) or ""
        if chunk.get("error"):
            self._fields["error"] = chunk["error"]
        if kind.endswith((".completed", ".done")):
            self._fields["complete"] = True
            if isinstance(chunk.get("usage"), dict):
                self._fields["usage"] = summed(obj(self._fields.get("usage")), obj(chunk["usage"]))

    def content(self, chunk: Wire) -> None:
        """Images that are complete; text."""
        kind, piece = text(chunk.get("type")) or "", text(chunk.get("delta"))
        if chunk.get("b64_json") and kind.endswith(".completed"):
            self._images.append(chunk)
        elif piece and kind == "transcript.text.delta":
            self._text.append(piece)

    def data(self) -> dict[str, object]:
        """The response JSON."""
        return {**self._fields, "data": self._images, "text": "".join(self._text)}
