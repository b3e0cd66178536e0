"""Plain completions, the API before chat: https://platform.openai.com/docs/api-reference/completions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genspan.openai import chat
from genspan.openai.params import read as params
from genspan.openai.parts import said_by_user
from genspan_semconv.model import Prompt, obj, seq, texts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from genspan_semconv.model import Message

    Wire = Mapping[str, object]

__all__ = ["Fold", "answer", "params", "prompt", "response"]

response = chat.response


def prompt(body: Wire) -> Prompt:
    """One message per prompt; prompts may be lists of token numbers, which say nothing."""
    return Prompt([], [message for item in texts(body.get("prompt")) for message in said_by_user(item)], [])


def answer(data: Wire) -> list[Message]:
    """One message per choice."""
    return chat.answer(_as_chat(data, "message"))


class Fold(chat.Fold):
    """The same as for chat, with pieces of text in place of messages."""

    def content(self, chunk: Wire) -> None:
        super().content(_as_chat(chunk, "delta"))

    def data(self) -> dict[str, object]:
        data = super().data()
        choices = [obj(choice) for choice in seq(data["choices"])]
        return {**data, "choices": [{**choice, "text": obj(choice["message"]).get("content")} for choice in choices]}


def _as_chat(data: Wire, field: str) -> dict[str, object]:
    choices = [obj(choice) for choice in seq(data.get("choices"))]
    return {"choices": [{**choice, field: {"content": choice.get("text")}} for choice in choices]}
