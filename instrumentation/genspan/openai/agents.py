"""Turns of OpenAI's own agents: https://platform.openai.com/docs/api-reference/agents.

A turn is many model calls that only OpenAI sees; it tells what those of the root agent, or of a subagent, cost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from genspan._core.calls.hosted_sessions import FinishedCall, Sessions
from genspan.dialects.errors import error_code
from genspan.dialects.openai_usage import read_usage
from genspan_semconv.model import NoContent, Response, obj, seq, text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from genspan_semconv.model import Wire

_OVER: Final = ("completed", "failed", "cancelled")
_TURN: Final = "agent.session.turn"


class Turn(NoContent):
    """A turn that is over; it holds usage and no content."""

    def response(self, data: Wire) -> Response:
        """Usage, and whether it failed."""
        error = error_code(data.get("error") or (data.get("status") == "failed" and {"code": "failed"}))
        return Response(id=text(data.get("id")), usage=read_usage(data), error=error)


class Agents(Sessions):
    """The sessions that a program has read of."""

    path = "/agents"

    def finished_calls(self, data: Wire, response: Any) -> Iterator[FinishedCall]:
        """Turns by themselves, in an event or in a listing; models of sessions on the way."""
        kind = data.get("object")
        listed = kind == "list" and "/agents/" in response.request.url.path
        if not listed and "session" not in data and "session_id" not in data and kind != "agent.session":
            return
        for item in (data, *seq(data.get("data"))):
            wire = obj(item)
            session = obj(wire.get("session")) or wire
            self.runs(text(session.get("id")), text(obj(session.get("agent")).get("model")))
            turn = obj(wire.get("turn")) or wire
            identity = text(turn.get("id"))
            if turn.get("object") != _TURN or not identity:
                continue
            if turn.get("status") not in _OVER:
                self.began(identity)
            elif usage := turn.get("usage") or wire.get("usage"):
                yield FinishedCall(identity, identity, text(turn.get("session_id")) or "", {**turn, "usage": usage})
