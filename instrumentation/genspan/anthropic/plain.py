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

    Fold = messages.Fold
    prompt = staticmethod(messages.prompt)

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

    def __init__(self) -> None:
        self.Fold = Pieces

    def params(self, body: Wire) -> Params:
        """Those of messages; one has another name."""
        limit = whole(body.get("max_tokens_to_sample"))
        return messages.params(body) if limit is None else {**messages.params(body), "max_tokens": limit}

    def response(self, data: Wire) -> Response:
        """As of a message."""
        return messages.response({**data, "usage": None})

    def prompt(self, body: Wire) -> Prompt:
        """The one text."""
        given = text(body.get("prompt"))
        return Prompt([], [{"role": "user", "parts": [{"type": "text", "content": given}]}] if given else [], [])

    def answer(self, data: Wire) -> list[Message]:
        """The one text."""
        return messages.answer({**data, "content": data.get("completion")})


class Pieces:
    """What a stream of pieces of text adds up to."""

    def __init__(self) -> None:
        self._fields: dict[str, object] = {}
        self._text: list[str] = []

    def figures(self, chunk: Wire) -> None:
        """Id, model and stop reason; an error."""
        self._fields.update({name: value for name, value in chunk.items() if value is not None})

    def content(self, chunk: Wire) -> None:
        """The text."""
        self._text.append(text(chunk.get("completion")) or "")

    def data(self) -> dict[str, object]:
        """The response JSON."""
        return {**self._fields, "completion": "".join(self._text)}
