"""``countTokens``, which counts what a prompt would cost and costs nothing itself: no usage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genspan.gemini import generate_content
from genspan.gemini.generate_content import Fold
from genspan_semconv.model import Response, count, obj

__all__ = ["Fold", "answer", "params", "prompt", "response"]

if TYPE_CHECKING:
    from genspan_semconv.model import Message, Params, Prompt, Wire


def params(body: Wire) -> Params:
    """Parameters of the request that is counted."""
    return generate_content.params(_counted(body))


def response(data: Wire) -> Response:
    """The count, as something to show."""
    tokens = count(data.get("totalTokens"))
    return Response(summary=None if tokens is None else {"total_tokens": tokens})


def prompt(body: Wire) -> Prompt:
    """The content that is counted."""
    return generate_content.prompt(_counted(body))


def answer(data: Wire) -> list[Message]:
    """A count is not a message."""
    return []


def _counted(body: Wire) -> Wire:
    return obj(body.get("generateContentRequest")) or body
