"""Images, sound and videos: https://platform.openai.com/docs/api-reference/images. Uploads are not looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genspan.openai.chat import error_code
from genspan.openai.parts import by_url, read_parts
from genspan.openai.usage import read_usage
from genspan_semconv.model import Prompt, Response, Usage, obj, seq, summed, text, whole

if TYPE_CHECKING:
    from collections.abc import Mapping

    from genspan_semconv.model import Message, Params, Part

    Wire = Mapping[str, object]


class Media:
    """An API of one kind of output: ``image``, ``speech``, ``text`` (of sound), ``video``."""

    def __init__(self, output_type: str | None) -> None:
        self._output_type = output_type
        self.Fold = Fold

    def params(self, body: Wire) -> Params:
        """What is made, and how many of it."""
        found: Params = {"output_type": self._output_type} if self._output_type else {}
        choices = whole(body.get("n"))
        return {**found, "choice_count": choices} if choices is not None and choices != 1 else found

    def response(self, data: Wire) -> Response:
        """Usage and model; of a video the state of the job."""
        return Response(
            id=text(data.get("id")),
            model=text(data.get("model")),
            usage=read_usage(data),
            complete=data.get("complete") is not False,
            final=data.get("complete") is True,
            error=error_code(data.get("error")),
            summary={"video": data["id"]} if data.get("object") == "video" else None,
        )

    def prompt(self, body: Wire) -> Prompt:
        """The prompt, or the text that is to be spoken, with instructions where there are any."""
        parts = read_parts(body.get("prompt") or body.get("input"))
        return Prompt(read_parts(body.get("instructions")), [{"role": "user", "parts": parts}] if parts else [], [])

    def answer(self, data: Wire) -> list[Message]:
        """One message per image, or the text that was heard."""
        parts = [_image(obj(item)) for item in seq(data.get("data"))] or read_parts(data.get("text"))
        return [{"role": "assistant", "parts": [part], "finish_reason": "stop"} for part in parts]


def _image(image: Wire) -> Part:
    data = text(image.get("b64_json"))
    return by_url(f"data:image/png;base64,{data}" if data else text(image.get("url")) or "", "image")


class Fold:
    """What a stream of partial images or of pieces of text adds up to."""

    def __init__(self) -> None:
        self._fields: dict[str, object] = {"complete": False}
        self._usage: Usage | None = None
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
        kind = text(chunk.get("type")) or ""
        if chunk.get("b64_json") and kind.endswith(".completed"):
            self._images.append(chunk)
        self._text += [piece for piece in (text(chunk.get("delta")),) if piece and kind == "transcript.text.delta"]

    def data(self) -> dict[str, object]:
        """The response JSON."""
        return {**self._fields, "data": self._images, "text": "".join(self._text)}
