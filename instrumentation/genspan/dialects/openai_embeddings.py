"""Embeddings: https://platform.openai.com/docs/api-reference/embeddings. Their output is not billed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genspan.dialects import openai_params
from genspan.dialects.errors import error_code, reported_error
from genspan.dialects.openai_parts import said_by_user
from genspan.dialects.openai_usage import read_usage
from genspan_semconv.model import Last as Fold
from genspan_semconv.model import Prompt, Response, Usage, obj, seq, text

if TYPE_CHECKING:
    from genspan_semconv.model import Message, Params, Wire

__all__ = ["Fold", "answer", "params", "prompt", "response"]


def params(body: Wire) -> Params:
    """Parameters of the request."""
    return openai_params.read(body)


def response(data: Wire) -> Response:
    """Model and input tokens, for which some servers have only a total; how many vectors of how many dimensions."""
    usage = read_usage(data)
    if usage is not None:
        usage = Usage(input=usage.total if usage.input is None else usage.input, total=usage.total)
    vectors = [vector for item in seq(data.get("data")) if (vector := obj(item).get("embedding")) is not None]
    dimension = len(seq(vectors[0])) if vectors else 0  # none of base64
    summary: dict[str, object] = {"embeddings": len(vectors), **({"dimension": dimension} if dimension else {})}
    return Response(
        model=text(data.get("model")),
        usage=usage,
        error=error_code(reported_error(data)),
        summary=summary if vectors else None,
    )


def prompt(body: Wire) -> Prompt:
    """One message per text; inputs may be lists of token numbers, which say nothing."""
    return Prompt([], said_by_user(body.get("input")), [])


def answer(data: Wire) -> list[Message]:
    """Nothing: vectors are no content."""
    return []
