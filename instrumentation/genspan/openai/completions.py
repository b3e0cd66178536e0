"""Plain completions, the API before chat: https://platform.openai.com/docs/api-reference/completions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genspan.openai import chat
from genspan.openai.parts import read_parts
from genspan_semconv.model import Prompt, obj, seq

if TYPE_CHECKING:
    from collections.abc import Mapping

    from genspan_semconv.model import Message, Params

    Wire = Mapping[str, object]


response = chat.response


def params(body: Wire) -> Params:
    """Parameters of the request."""
    return chat.sampling(body)


def prompt(body: Wire) -> Prompt:
    """One message per prompt; prompts may be lists of token numbers, which say nothing."""
    prompts = body.get("prompt")
    texts = [prompts] if isinstance(prompts, str) else [item for item in seq(prompts) if isinstance(item, str)]
    return Prompt([], [{"role": "user", "parts": read_parts(item)} for item in texts], [])


def answer(data: Wire) -> list[Message]:
    """One message per choice."""
    choices = [obj(choice) for choice in seq(data.get("choices"))]
    messages = [{**choice, "message": {"content": choice.get("text")}} for choice in choices]
    return chat.answer({"choices": messages})


class Fold(chat.Fold):
    """The same as for chat, with pieces of text in place of messages."""

    def content(self, chunk: Wire) -> None:
        choices = [obj(choice) for choice in seq(chunk.get("choices"))]
        super().content({"choices": [{**choice, "delta": {"content": choice.get("text")}} for choice in choices]})

    def data(self) -> dict[str, object]:
        data = super().data()
        choices = [obj(choice) for choice in seq(data["choices"])]
        return {**data, "choices": [{**choice, "text": obj(choice["message"]).get("content")} for choice in choices]}
