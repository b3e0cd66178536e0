"""Chat completions answered by Gemini: its thoughts are billed as output and counted in the total alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genspan.openai import chat

if TYPE_CHECKING:
    from collections.abc import Mapping

    from genspan_semconv.model import Response


Fold, params, prompt, answer = chat.Fold, chat.params, chat.prompt, chat.answer


def response(data: Mapping[str, object]) -> Response:
    """The response, with all that is not input as output."""
    found = chat.response(data)
    usage = found.usage
    if usage is not None and usage.input is not None and usage.total is not None and usage.total >= usage.input:
        thoughts = usage.total - usage.input - (usage.output or 0)
        if thoughts > 0 and usage.reasoning is None:
            usage.reasoning = thoughts
        usage.output = usage.total - usage.input
    return found
