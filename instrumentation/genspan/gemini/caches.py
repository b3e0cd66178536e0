"""Caches of content: https://ai.google.dev/api/caching. Their storage is billed by the hour and is no usage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genspan.gemini import generate_content
from genspan.gemini.resources import model_name
from genspan_semconv import attributes as names
from genspan_semconv.model import Last, Response, count, obj, text

if TYPE_CHECKING:
    from genspan_semconv.model import Message, Params, Prompt, Wire


class Cache:
    """A request that makes, reads or prolongs a cache; its answer is the cache without the content."""

    Fold = Last

    def __init__(self, operation: str) -> None:
        self._operation = operation

    def params(self, body: Wire) -> Params:
        """Which cache it is, where the request says so."""
        name = text(body.get("cache")) or text(body.get("name"))
        return {"response_id": name} if name else {}

    def response(self, data: Wire) -> Response:
        """How many tokens it holds, and for which model."""
        return Response(
            id=text(data.get("name")),
            requested_model=model_name(data.get("model")),
            operation=self._operation,
            attributes={
                names.GCP_GEN_AI_CACHE_TOTAL_TOKENS: count(obj(data.get("usageMetadata")).get("totalTokenCount"))
            },
        )

    def prompt(self, body: Wire) -> Prompt:
        """The content that is cached."""
        return generate_content.prompt(body)

    def answer(self, data: Wire) -> list[Message]:
        """A cache is not a message."""
        return []
