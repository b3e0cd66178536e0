"""Answers about an input that are no text: moderation, decisions, and how many tokens it has.

https://platform.openai.com/docs/api-reference/moderations, ``/decisions`` and ``/responses/input-tokens``
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from genspan.dialects.errors import error_code, reported_error
from genspan.dialects.openai_media import Media
from genspan.dialects.openai_parts import other, said_by_user
from genspan.openai import responses
from genspan_semconv import attributes as names
from genspan_semconv.model import NoContent, Prompt, Response, count, obj, seq, text

if TYPE_CHECKING:
    from genspan_semconv.model import Message, Params, Wire


class Moderation(NoContent):
    """Whether texts or images are flagged. Free of charge."""

    def response(self, data: Wire) -> Response:
        """The model, and whether anything was flagged."""
        results = seq(data.get("results"))
        return Response(
            model=text(data.get("model")),
            error=error_code(reported_error(data)),
            summary={"flagged": any(obj(one).get("flagged") is True for one in results)} if results else None,
        )

    def prompt(self, body: Wire) -> Prompt:
        """One message per text, or one of all parts."""
        return Prompt([], said_by_user(body.get("input")), [])


class TokenCount(NoContent):
    """The tokens of an input of the Responses API: a count, and not a bill."""

    def params(self, body: Wire) -> Params:
        """As of the request that is counted."""
        return {name: value for name, value in responses.params(body).items() if name != names.OPENAI_API_TYPE}

    def response(self, data: Wire) -> Response:
        """The count, as something to show."""
        tokens = count(data.get("input_tokens"))
        summary: dict[str, object] | None = None if tokens is None else {"input_tokens": tokens}
        return Response(model=text(data.get("model")), error=error_code(reported_error(data)), summary=summary)

    def prompt(self, body: Wire) -> Prompt:
        """As it would be sent."""
        return responses.prompt(body)


class Decisions(Media):
    """Answers to questions about an input, as JSON."""

    def __init__(self) -> None:
        super().__init__("json")

    def prompt(self, body: Wire) -> Prompt:
        """Instructions and the input, of which the questions are asked: a text, parts, or items of a conversation."""
        items = seq(body.get("input"))
        if any("role" in obj(item) or str(obj(item).get("type")).endswith("_output") for item in items):
            return responses.prompt(body)
        return super().prompt(body)

    def answer(self, data: Wire) -> list[Message]:
        """One message of all answers."""
        parts = [other(obj(item)) for item in seq(data.get("answers"))]
        return [{"role": "assistant", "parts": parts, "finish_reason": "stop"}] if parts else []
