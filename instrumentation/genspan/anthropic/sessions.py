"""Sessions of managed agents: what the model calls that Anthropic makes there cost, from the session's events.

https://platform.claude.com/docs/en/managed-agents/events: ``span.model_request_start`` and ``span.model_request_end``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from genspan._core.calls import hosted_sessions as sessions
from genspan.anthropic import messages
from genspan_semconv.model import NoContent, Response, obj, seq, text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from genspan._core.routes.seen_ids import Counted

    Wire = Mapping[str, object]

_START, _END = "span.model_request_start", "span.model_request_end"
_SESSION: Final = re.compile(r"/sessions(?:/([^/?]+))?(?:/threads/([^/?]+))?(/events|/stream)?")


class ModelRequest(NoContent):
    """A model call inside a session; its events hold usage and no content."""

    def response(self, data: Wire) -> Response:
        """Usage and speed; whether it failed."""
        found = messages.response({"usage": data.get("model_usage")})
        found.error = "error" if data.get("is_error") is True else None
        return found


class Sessions(sessions.Sessions):
    """The sessions that a program has read of, and their threads, of which each may run another model."""

    path = "/sessions"

    def __init__(self, key: sessions.MakeKey, counted: Counted) -> None:
        super().__init__(ModelRequest(), "chat", key, counted)

    def finished_calls(self, data: Wire, response: Any) -> Iterator[sessions.FinishedCall]:
        """Model requests, in a stream or a listing of events; the model of a session that is created or read."""
        worth = "agent" in data or "data" in data or data.get("type") in (_START, _END)
        found = _SESSION.search(response.request.url.path) if worth else None
        if found is None:
            return
        session, thread, events = found.groups()
        for item in (data, *seq(data.get("data"))):
            wire = obj(item)
            identity, model = text(wire.get("id")), obj(wire.get("agent")).get("model")
            if not events:
                self.runs(identity, text(model) or text(obj(model).get("id")))
            elif identity and wire.get("type") == _START:
                self.began(identity)
            elif identity and wire.get("type") == _END:
                start = text(wire.get("model_request_start_id")) or ""
                yield sessions.FinishedCall(identity, start, session, wire, thread or session)
