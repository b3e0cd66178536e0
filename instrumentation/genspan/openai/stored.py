"""What is generated apart from the request that reads it: background responses and batches.

Their usage comes back on every reading. The first reading that has it is recorded as the model call, with its usage;
every other one is ``fetch_response``, which has none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from genspan.openai import responses
from genspan.openai.chat import error_code
from genspan.openai.usage import read_usage
from genspan_semconv.model import Prompt, Response, text, whole

if TYPE_CHECKING:
    from collections.abc import Mapping

    from genspan._core.counted import Counted
    from genspan_semconv.model import Message, Params

    Wire = Mapping[str, object]

_OPERATIONS: Final = {
    "/v1/embeddings": "embeddings",
    "/v1/completions": "text_completion",
    "/v1/images/generations": "generate_content",
    "/v1/images/edits": "generate_content",
    "/v1/moderations": "moderation",
}
_STATES: Final = {"validating": "queued", "finalizing": "in_progress", "cancelling": "in_progress", "expired": "failed"}


class Reading(Protocol):
    """The half of an API that reads answers."""

    Fold: type[Any]

    def response(self, data: Wire) -> Response: ...
    def answer(self, data: Wire) -> list[Message]: ...


class Created:
    """The API that creates a response: as it is, but a background response that was counted is not counted again."""

    def __init__(self, counted: Counted) -> None:
        self._counted = counted
        self.Fold, self.params = responses.Fold, responses.params
        self.prompt, self.answer = responses.prompt, responses.answer

    def response(self, data: Wire) -> Response:
        """The response; its usage the first time only."""
        found = responses.response(data)
        if data.get("background") is True and found.usage is not None and not self._counted.first(found.id or ""):
            found.usage = None
        return found


class Fetched:
    """An API read by id, of whose answers ``counted`` may let some be model calls."""

    def __init__(self, api: Reading, counted: Counted | None = None) -> None:
        self._api, self._counted = api, counted
        self.Fold, self.answer = api.Fold, api.answer

    def params(self, body: Wire) -> Params:
        """Which response is read, and from where on."""
        found: Params = {"response_id": text(body.get("id")) or ""}
        cursor = whole(body.get("starting_after"))
        return found if cursor is None else {**found, "stream_cursor": str(cursor)}

    def response(self, data: Wire) -> Response:
        """The response, without usage but for the first reading of what was generated in the background."""
        found = self._api.response(data)
        apart = data.get("background") is True or data.get("object") == "batch"
        if self._counted and apart and found.usage and found.id and self._counted.first(found.id):
            found.operation = found.operation or "chat"
        else:
            found.usage, found.operation = None, None
        return found

    def prompt(self, body: Wire) -> Prompt:
        """The request has no content."""
        return Prompt([], [], [])


class Batch:
    """A batch: the state of the job, and the usage of all its requests."""

    Fold = responses.Fold

    def response(self, data: Wire) -> Response:
        """Its usage counts when it is complete."""
        status = text(data.get("status"))
        return Response(
            id=text(data.get("id")),
            model=text(data.get("model")),
            status=_STATES.get(status, status) if status else None,
            usage=read_usage(data) if status == "completed" else None,
            operation=_OPERATIONS.get(text(data.get("endpoint")) or ""),
            error=error_code(data.get("error")),
        )

    def answer(self, data: Wire) -> list[Message]:
        """The answers are in a file."""
        return []
