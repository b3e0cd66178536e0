"""Requests of one answer that is no conversation: decisions, moderation, and counting tokens, which costs nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genspan.openai import responses
from genspan.openai.parts import other, read_parts
from genspan.openai.usage import read_usage
from genspan_semconv.model import Prompt, Response, count, obj, seq, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from genspan_semconv.model import Message, Params

    Wire = Mapping[str, object]


class Decisions:
    """Answers to questions about an input: https://platform.openai.com/docs/api-reference/decisions."""

    Fold = responses.Fold
    prompt = staticmethod(responses.prompt)

    def params(self, body: Wire) -> Params:
        """Answers are JSON."""
        return {"output_type": "json"}

    def response(self, data: Wire) -> Response:
        """Model and usage."""
        return Response(id=text(data.get("id")), model=text(data.get("model")), usage=read_usage(data))

    def answer(self, data: Wire) -> list[Message]:
        """One message with a part for each question."""
        parts = [other(obj(item)) for item in seq(data.get("answers"))]
        return [{"role": "assistant", "parts": parts, "finish_reason": "stop"}] if parts else []


class Free:
    """Moderation and token counts: what was found is shown, nothing is billed."""

    Fold = responses.Fold

    def params(self, body: Wire) -> Params:
        """Nothing that the conventions name."""
        return {}

    def response(self, data: Wire) -> Response:
        """Whether something was flagged, or how many tokens it is."""
        tokens, results = count(data.get("input_tokens")), seq(data.get("results"))
        summary: dict[str, object] = {} if tokens is None else {"input_tokens": tokens}
        if results:
            summary["flagged"] = any(obj(result).get("flagged") is True for result in results)
        return Response(model=text(data.get("model")), summary=summary or None)

    def prompt(self, body: Wire) -> Prompt:
        """The input: a text, texts, parts, or items of a conversation."""
        given = body.get("input")
        if any("role" in obj(item) or str(obj(item).get("type")).endswith("_output") for item in seq(given)):
            return responses.prompt(body)
        parts = read_parts(given)
        return Prompt(read_parts(body.get("instructions")), [{"role": "user", "parts": parts}] if parts else [], [])

    def answer(self, data: Wire) -> list[Message]:
        """No message."""
        return []
