"""Counting the tokens of a request, which costs nothing: https://platform.claude.com/docs/en/api/messages-count-tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genspan.anthropic import messages
from genspan_semconv.model import NoContent, Prompt, Response, count

if TYPE_CHECKING:
    from genspan_semconv.model import Wire


class TokenCount(NoContent):
    """``POST /v1/messages/count_tokens``: the count is shown, not billed."""

    def prompt(self, body: Wire) -> Prompt:
        """As it would be sent."""
        return messages.prompt(body)

    def response(self, data: Wire) -> Response:
        """The count, as something to show: ``{"input_tokens": 12}``."""
        tokens = count(data.get("input_tokens"))
        return Response(summary=None if tokens is None else {"input_tokens": tokens})
