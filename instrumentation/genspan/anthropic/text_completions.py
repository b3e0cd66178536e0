"""Text completions, the API before messages: https://platform.claude.com/docs/en/api/completions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genspan.anthropic import messages
from genspan_semconv.model import Prompt, text

if TYPE_CHECKING:
    from genspan_semconv.model import Message, Wire


class TextCompletions:
    """``POST /v1/complete``, which the SDK has no method for any more. It reports no usage."""

    Fold, params, response = messages.Fold, staticmethod(messages.params), staticmethod(messages.response)

    def prompt(self, body: Wire) -> Prompt:
        """The prompt, as one message of the user."""
        return messages.prompt({"messages": [{"role": "user", "content": body.get("prompt")}]})

    def answer(self, data: Wire) -> list[Message]:
        """The completion, as one message."""
        return messages.answer({**data, "content": text(data.get("completion")) or data.get("content")})
