"""What is generated apart from the request that reads it: background responses and batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from genspan.openai import responses
from genspan.openai.chat import error_code
from genspan.openai.usage import read_usage
from genspan_semconv.model import Response, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from genspan._core.counted import Counted
    from genspan_semconv.model import Message

    Wire = Mapping[str, object]

_OPERATIONS: Final = {
    "/v1/embeddings": "embeddings",
    "/v1/completions": "text_completion",
    "/v1/images/generations": "generate_content",
    "/v1/images/edits": "generate_content",
    "/v1/moderations": "moderation",
}
_STATES: Final = {"validating": "queued", "finalizing": "in_progress", "cancelling": "in_progress", "expired": "failed"}


class Created:
    """The API that creates a response: as it is, but a background response that was counted is not counted again."""

    Fold, params = responses.Fold, staticmethod(responses.params)
    prompt, answer = staticmethod(responses.prompt), staticmethod(responses.answer)

    def __init__(self, counted: Counted) -> None:
        self._counted = counted

    def response(self, data: Wire) -> Response:
        """The response; its usage the first time only."""
        found = responses.response(data)
        if data.get("background") is True and found.usage is not None and not self._counted.first(found.id or ""):
            found.usage = None
        return found


class Background:
    """A response that is read by its id: a model call of its own, if nobody waited for it."""

    Fold, answer = responses.Fold, staticmethod(responses.answer)

    def response(self, data: Wire) -> Response:
        """The response."""
        found = responses.response(data)
        found.operation = "chat" if data.get("background") is True else None
        return found


class Batch:
    """A batch: the state of the job, and the usage of all its requests. The answers are in a file."""

    Fold = responses.Fold

    def response(self, data: Wire) -> Response:
        """Its usage counts when it is complete."""
        status = text(data.get("status"))
        return Response(
            id=text(data.get("id")),
            model=text(data.get("model")),
            status=_STATES.get(status, status) if status else None,
            usage=read_usage(data) if status == "completed" else None,
            operation=_OPERATIONS.get(text(data.get("endpoint")) or "", "chat"),
            error=error_code(data.get("error")),
        )

    def answer(self, data: Wire) -> list[Message]:
        """No message."""
        return []
