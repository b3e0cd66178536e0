"""Images, sound and its text, videos: https://platform.openai.com/docs/api-reference/images and ``/audio``.

No two of these answers mean different things by one field, so one reader reads them all. Uploads are not looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from genspan.dialects import openai_params
from genspan.dialects.errors import error_code, reported_error
from genspan.dialects.openai_parts import read_image, read_parts, said_by_user
from genspan.dialects.openai_usage import read_usage
from genspan_semconv.model import Prompt, Response, obj, seq, summed, text

if TYPE_CHECKING:
    from genspan_semconv.model import Message, Params, Wire


class Media:
    """An API of one kind of output: ``image``, ``speech``, ``text`` (of sound), ``json``; ``None`` for videos."""

    def __init__(self, output_type: str | None = None) -> None:
        self._output_type = output_type
        self.Fold = Fold

    def params(self, body: Wire) -> Params:
        """Parameters of the request, and what is made."""
        return {**openai_params.read(body), **({"output_type": self._output_type} if self._output_type else {})}

    def response(self, data: Wire) -> Response:
        """Usage and model; the id of a video, which is made later."""
        return Response(
            id=text(data.get("id")),
            model=text(data.get("model")),
            usage=read_usage(data),
            complete=data.get("complete") is not False,
            final=data.get("complete") is True,
            error=error_code(reported_error(data)),
            summary={"video": data["id"]} if data.get("object") == "video" and text(data.get("id")) else None,
        )

    def prompt(self, body: Wire) -> Prompt:
        """A prompt, or an input: texts or parts; with instructions where there are any."""
        given = text(body.get("prompt")) or body.get("input")
        return Prompt(read_parts(body.get("instructions")), said_by_user(given), [])

    def answer(self, data: Wire) -> list[Message]:
        """One message per image, or one for a text that was heard."""
        images = [[read_image(item)] for item in seq(data.get("data"))]
        answers = images or [read_parts(data.get("text"))]
        return [{"role": "assistant", "parts": parts, "finish_reason": "stop"} for parts in answers if parts]


class Fold:
    """What a stream of partial images or of pieces of text adds up to."""

    def __init__(self) -> None:
        self._fields: dict[str, object] = {"complete": False}
        self._images: list[object] = []
        self._text: list[str] = []

    def metadata(self, chunk: Wire) -> None:
        """Usage comes with each image that is complete, or with the end of the text."""
        kind = text(chunk.get("type")) or ""
        error = reported_error(chunk)
        if error:
            self._fields["error"] = error
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
