"""Embeddings: https://platform.openai.com/docs/api-reference/embeddings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genspan.openai import chat
from genspan.openai.completions import prompt as completions_prompt
from genspan.openai.usage import read_usage
from genspan_semconv.model import Prompt, Response, Usage, obj, seq, text, whole

if TYPE_CHECKING:
    from collections.abc import Mapping

    from genspan_semconv.model import Message, Params

    Wire = Mapping[str, object]


Fold = chat.Fold


def params(body: Wire) -> Params:
    """The dimension and the encoding, as far as they were asked for."""
    found: Params = {}
    dimension, encoding = whole(body.get("dimensions")), text(body.get("encoding_format"))
    if dimension is not None:
        found["dimension_count"] = dimension
    if encoding:
        found["encoding_formats"] = [encoding]
    return found


def response(data: Wire) -> Response:
    """Usage, and how many vectors of what length; never the vectors. Some servers have only a total."""
    usage = read_usage(data)
    vectors = [obj(item).get("embedding") for item in seq(data.get("data"))]
    summary: dict[str, object] = {"embeddings": len(vectors)}
    if vectors and seq(vectors[0]):
        summary["dimension"] = len(seq(vectors[0]))
    if usage is not None:
        usage = Usage(input=usage.total if usage.input is None else usage.input, total=usage.total)
    return Response(model=text(data.get("model")), usage=usage, summary=summary if vectors else None)


def prompt(body: Wire) -> Prompt:
    """The texts that are embedded."""
    return completions_prompt({"prompt": body.get("input")})


def answer(data: Wire) -> list[Message]:
    """Vectors are not messages."""
    return []
