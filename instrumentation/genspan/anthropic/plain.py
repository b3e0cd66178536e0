"""Requests beside messages: counting tokens, which costs nothing, and the older text completions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genspan.anthropic import messages
from genspan_semconv.model import NoContent, Prompt, Response, count, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from genspan_semconv.model import Message

    Wire = Mapping[str, object]


class Counting(NoContent):
    """``POST /v1/messages/count_tokens``: the count is shown, not billed."""

    def prompt(self, body: Wire) -> Prompt:
        """As it would be sent."""
        return messages.prompt(body)

    def response(self, data: Wire) -> Response:
        """The count, as something to show."""
        tokens = count(data.get("input_tokens"))
        return Response(summary=None if tokens is None else {"input_tokens": tokens})


class Completing:
    """``POST /v1/complete``, which the SDK has no method for any more. It reports no usage."""

    Fold, params, response = messages.Fold, staticmethod(messages.params), staticmethod(messages.response)

    def prompt(self, body: Wire) -> Prompt:
        """The one text."""
        return messages.prompt({"messages": [{"role": "user", "content": body.get("prompt")}]})

    def answer(self, data: Wire) -> list[Message]:
        """The one text."""
        return messages.answer({**data, "content": text(data.get("completion")) or data.get("content")})
