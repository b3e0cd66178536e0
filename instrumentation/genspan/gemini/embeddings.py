"""``embedContent``, ``batchEmbedContents`` and Vertex AI's ``predict`` of an embedding model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genspan.gemini import params as parameters
from genspan.gemini.images import read_media
from genspan.gemini.parts import read_message
from genspan.gemini.usage import read_usage
from genspan_semconv.model import Last as Fold
from genspan_semconv.model import Prompt, Response, Usage, add, count, obj, seq, text
from genspan_semconv.parts import text_part

__all__ = ["Fold", "answer", "params", "prompt", "response"]

if TYPE_CHECKING:
    from genspan_semconv.model import Message, Params, Wire


def params(body: Wire) -> Params:
    """The dimension that was asked for; of several requests in a batch, the first one's."""
    first = next(iter(seq(body.get("requests"))), None)
    return parameters.read(body, first, body.get("parameters"), body.get("embedContentConfig"), body)


def response(data: Wire) -> Response:
    """Usage, and how many vectors of what length; never the vectors."""
    vectors = [obj(item) for item in seq(data.get("embeddings"))] or [obj(data.get("embedding"))]
    predicted = [obj(obj(item).get("embeddings")) for item in seq(data.get("predictions"))]
    usage = read_usage(data.get("usageMetadata"))
    if predicted:
        vectors = predicted
        usage = Usage(input=add(*(count(obj(vector.get("statistics")).get("token_count")) for vector in predicted)))
    if usage is not None and usage.input is None:
        usage = None
    elif usage is not None:
        usage = Usage(input=usage.input, total=usage.total)  # the conventions have no more of embeddings
    vectors = [vector for vector in vectors if vector]
    made = Response(model=text(data.get("modelVersion")), usage=usage)
    if vectors:
        made.summary = {"embeddings": len(vectors), "dimension": len(seq(vectors[0].get("values")))}
    return made


def prompt(body: Wire) -> Prompt:
    """The texts that are embedded, and the images and videos of a multimodal model."""
    contents = [obj(item).get("content") for item in seq(body.get("requests"))] or [body.get("content")]
    messages: list[Message] = [read_message(obj(content)) for content in contents if content]
    for instance in map(obj, seq(body.get("instances"))):
        string = text(instance.get("content") or instance.get("text"))
        parts = [*([text_part(string)] if string else []), *read_media(instance)]
        messages.append({"role": "user", "parts": parts or [text_part("")]})
    return Prompt([], messages, [])


def answer(data: Wire) -> list[Message]:
    """Vectors are not messages."""
    return []
