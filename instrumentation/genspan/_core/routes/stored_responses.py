"""An answer that was generated apart from the request that reads it, and can be read any number of times.

Its API says by a response's ``operation`` which model call the answer is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from genspan_semconv.model import Prompt, integer, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from genspan._core.routes.contract import Api
    from genspan._core.routes.seen_ids import Counted
    from genspan_semconv.model import Message, Params, Response

    Wire = Mapping[str, object]


class Once:
    """An API whose answers may be known already: the usage of each is there on its first reading alone."""

    def __init__(self, api: Api, counted: Counted) -> None:
        self._api, self._counted = api, counted
        self.Fold = api.Fold

    def params(self, body: Wire) -> Params:
        """As the API has it."""
        return self._api.params(body)

    def response(self, data: Wire) -> Response:
        """The answer, with its usage if it is to be counted."""
        found = self._api.response(data)
        if found.operation and found.usage and not (found.id and self._counted.first(found.id)):
            found.usage = None
        return found

    def prompt(self, body: Wire) -> Prompt:
        """As the API has it."""
        return self._api.prompt(body)

    def answer(self, data: Wire) -> list[Message]:
        """As the API has it."""
        return self._api.answer(data)


class Fetched(Once):
    """``fetch_response``, a call without usage; but the first reading of what nobody counted becomes the model call."""

    def params(self, body: Wire) -> Params:
        """Which answer is read, and from where on."""
        found: Params = {"response_id": text(body.get("id")) or ""}
        cursor = body.get("starting_after")
        return {**found, "stream_cursor": str(cursor)} if text(cursor) or integer(cursor) is not None else found

    def response(self, data: Wire) -> Response:
        """The answer, with its usage if it is to be counted."""
        found = super().response(data)
        if not (found.operation and found.usage):
            found.operation = found.usage = None
        return found

    def prompt(self, body: Wire) -> Prompt:
        """The request has no content."""
        return Prompt([], [], [])
