"""What is no chat: code to be filled in, documents that are read or judged, and sound."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genspan.dialects import openai_chat
from genspan.dialects.openai_media import Media
from genspan.dialects.openai_parts import read_parts, said_by_user
from genspan_semconv.model import NoContent, Prompt, Response, obj, seq, text
from genspan_semconv.parts import by_url, text_part, tool_call

if TYPE_CHECKING:
    from genspan_semconv.model import Message, Part, Wire


class FillIn:
    """``fim/completions``: what stands between a prompt and a suffix. https://docs.mistral.ai/api/#tag/fim."""

    def __init__(self) -> None:
        self.Fold, self.params = openai_chat.Fold, openai_chat.params
        self.response, self.answer = openai_chat.response, openai_chat.answer

    def prompt(self, body: Wire) -> Prompt:
        """The prompt, and the suffix as a second part."""
        texts = [text_part(body[name]) for name in ("prompt", "suffix") if text(body.get(name))]
        return Prompt([], [{"role": "user", "parts": texts}] if texts else [], [])


class Document(NoContent):
    """``ocr``, which is billed by the page and reports no tokens."""

    def response(self, data: Wire) -> Response:
        """The model."""
        return Response(model=text(data.get("model")))

    def prompt(self, body: Wire) -> Prompt:
        """The document, or image, by its URL."""
        document = obj(body.get("document"))
        image = text(document.get("image_url")) or text(obj(document.get("image_url")).get("url"))
        url = image or text(document.get("document_url"))
        parts = [by_url(url, "image" if image else "document")] if url else []
        return Prompt([], [{"role": "user", "parts": parts}] if parts else [], [])

    def answer(self, data: Wire) -> list[Message]:
        """The text of all pages."""
        pages = [text_part(obj(page).get("markdown")) for page in seq(data.get("pages"))]
        return [{"role": "assistant", "parts": pages, "finish_reason": "stop"}] if pages else []


class Judged(NoContent):
    """``moderations`` and ``classifications``, which report no tokens."""

    def response(self, data: Wire) -> Response:
        """The model, and what it found."""
        results = data.get("results")
        return Response(model=text(data.get("model")), summary={"results": results} if results else None)

    def prompt(self, body: Wire) -> Prompt:
        """The texts that are judged, or the messages."""
        given = seq(body.get("input"))
        if any(obj(message).get("role") for message in given):
            return openai_chat.prompt({"messages": given})
        return Prompt([], said_by_user(body.get("input")), [])


class Responses(Media):
    """``responses``, OpenAI's API as Mistral has it: no streams, nothing stored."""

    def answer(self, data: Wire) -> list[Message]:
        """One message of all output items: texts and calls of functions."""
        parts: list[Part] = []
        for item in map(obj, seq(data.get("output"))):
            if item.get("type") == "function_call":
                parts.append(tool_call(item.get("name"), item.get("arguments"), item.get("call_id")))
            else:
                parts.extend(read_parts([{**obj(one), "type": "text"} for one in seq(item.get("content"))]))
        return [{"role": "assistant", "parts": parts}] if parts else []


class Sound(Media):
    """``audio/transcriptions``, whose usage has seconds of sound too, and ``audio/speech``."""

    def __init__(self) -> None:
        super().__init__(None)
        self.Fold = _Fold

    def response(self, data: Wire) -> Response:
        """Usage and model."""
        found = super().response(data)
        seconds = obj(data.get("usage")).get("prompt_audio_seconds")
        if found.usage is not None and isinstance(seconds, int):
            found.usage.seconds = float(seconds)
        return found


class _Fold:
    """The last event of a stream has all of the transcription."""

    def __init__(self) -> None:
        self._done: dict[str, object] = {"complete": False}
        self._pieces: list[str] = []

    def metadata(self, chunk: Wire) -> None:
        """The end, and usage."""
        if str(chunk.get("type")).endswith(".done"):
            self._done = {**chunk, "complete": True}

    def content(self, chunk: Wire) -> None:
        """Text."""
        piece = text(chunk.get("text"))
        if piece and chunk.get("type") == "transcription.text.delta":
            self._pieces.append(piece)

    def data(self) -> dict[str, object]:
        """The response JSON."""
        return {"text": "".join(self._pieces), **self._done}
