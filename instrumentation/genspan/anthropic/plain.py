"""Requests beside messages: counting tokens, which costs nothing, and the older text completions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genspan.anthropic import messages
from genspan_semconv.model import Prompt, Response, count, text, whole

if TYPE_CHECKING:
    from collections.abc import Mapping

    from genspan_semconv.model import Message, Params

    Wire = Mapping[str, object]


class Counting:
    """``POST /v1/messages/count_tokens``: the count is shown, not billed."""

    Fold, prompt = messages.Fold, staticmethod(messages.prompt)

    def params(self, body: Wire) -> Params:
        """Nothing that the conventions name."""
        return {}

    def response(self, data: Wire) -> Response:
        """The count, as something to show."""
        tokens = count(data.get("input_tokens"))
        return Response(summary=None if tokens is None else {"input_tokens": tokens})

    def answer(self, data: Wire) -> list[Message]:
        """A count is not a message."""
        return []


class Completing:
    """``POST /v1/complete``, which the SDK has no method for any more. It reports no usage."""

    Fold, response = messages.Fold, staticmethod(messages.response)

    def params(self, body: Wire) -> Params:
        """Those of messages; one has another name."""
        limit = whole(body.get("max_tokens_to_sample"))
        return messages.params(body) if limit is None else {**messages.params(body), "max_tokens": limit}

    def prompt(self, body: Wire) -> Prompt:
        """The one text."""
        return messages.prompt({"messages": [{"role": "user", "content": body.get("prompt")}]})

    def answer(self, data: Wire) -> list[Message]:
        """The one text."""
        return messages.answer({**data, "content": text(data.get("completion")) or data.get("content")})
