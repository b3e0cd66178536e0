"""An answer that was generated apart from the request that reads it, and is read by its id."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from genspan_semconv.model import Prompt, text, whole

if TYPE_CHECKING:
    from collections.abc import Mapping

    from genspan._core.counted import Counted
    from genspan_semconv.model import Message, Params, Response

    Wire = Mapping[str, object]


class Reading(Protocol):
    """The half of an API that reads answers."""

    Fold: type[Any]

    def response(self, data: Wire) -> Response: ...
    def answer(self, data: Wire) -> list[Message]: ...


class Fetched:
    """``fetch_response``: without usage, since it comes back on every reading.

    But the first reading of what nobody has counted becomes the model call, with its usage: a ``Response`` of the API
    that says by its ``operation`` which call that is. Without ``counted`` there is none.
    """

    def __init__(self, api: Reading, counted: Counted | None = None) -> None:
        self._api, self._counted = api, counted
        self.Fold, self.answer = api.Fold, api.answer

    def params(self, body: Wire) -> Params:
        """Which answer is read, and from where on."""
        found: Params = {"response_id": text(body.get("id")) or ""}
        cursor = whole(body.get("starting_after"))
        return found if cursor is None else {**found, "stream_cursor": str(cursor)}

    def response(self, data: Wire) -> Response:
        """The answer, with its usage if it is to be counted."""
        found = self._api.response(data)
        due = self._counted is not None and found.operation and found.usage and found.id
        if not (due and self._counted and self._counted.first(found.id or "")):
            found.usage, found.operation = None, None
        return found

    def prompt(self, body: Wire) -> Prompt:
        """The request has no content."""
        return Prompt([], [], [])
