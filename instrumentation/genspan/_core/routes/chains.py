"""Requests that go on from an earlier response by its id: together they are one session."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from genspan._core.routes.seen_ids import Recent

if TYPE_CHECKING:
    from genspan_semconv.model import Params, Response, Wire


class Chains:
    """The id of the first response of a chain, by the ids of all its responses."""

    def __init__(self) -> None:
        self._first = Recent[str, str]()

    def name(self, params: Params, body: Wire, response: Response) -> str | None:
        """The id of the first response of the chain that a call is in, or may begin; ``None`` outside of chains.

        Where another process made the earlier ones, the chain begins for us with the one that this call goes on from.
        """
        previous = cast("str | None", params.get("previous_response_id"))
        may_begin = response.continuable and body.get("store") is not False
        if not (previous or may_begin) or response.conversation_id or "conversation_id" in params:
            return None
        first = self._first.get(previous, previous) if previous else response.id
        if first and response.id:
            self._first.put(response.id, first)
        return first
