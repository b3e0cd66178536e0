"""Sessions of managed agents: what the model calls that Anthropic makes there cost, from the session's events.

https://platform.claude.com/docs/en/managed-agents/events: ``span.model_request_start`` and ``span.model_request_end``
come with every stream and every listing of events, so each request is counted by its id, once.
"""

from __future__ import annotations

import re
from functools import partial
from time import time_ns
from typing import TYPE_CHECKING, Any, Final

from genspan._core.api import Route
from genspan._core.binding import Patch
from genspan._core.call import Request, open_call
from genspan._core.counted import Counted, Recent
from genspan._core.guard import Guard
from genspan.anthropic import messages
from genspan_semconv.model import NoContent, Response, obj, seq, text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from genspan._core.drive import Args, Kwargs, Wrapped, Wrapper
    from genspan._core.telemetry import Telemetry
    from genspan_semconv.model import Key, Params

    Wire = Mapping[str, object]

    MakeKey = Callable[[Any, str, str | None, bool], Key]

_START, _END = "span.model_request_start", "span.model_request_end"
_SESSION: Final = re.compile(r"/sessions(?:/([^/?]+))?(/(?:threads/[^/?]+/)?(?:events|stream))?")

_reading = Guard("events of a session")


class ModelRequest(NoContent):
    """A model call inside a session; its events hold figures and no content."""

    Fold = messages.Fold

    def params(self, body: Wire) -> Params:
        """The session."""
        return {"conversation_id": text(body.get("session")) or ""}

    def response(self, data: Wire) -> Response:
        """Usage and speed; whether it failed."""
        found = messages.response({"usage": data.get("model_usage")})
        found.error = "error" if data.get("is_error") is True else None
        return found


class Sessions:
    """What is known of sessions by what was read of them: the model of each, and requests that have begun."""

    def __init__(self, key: MakeKey, counted: Counted) -> None:
        self._key = key
        self._counted = counted
        self._models, self._begun = Recent[str](), Recent[int]()

    def patches(self) -> tuple[Patch, ...]:
        """The patch point: where every answer and every event is parsed JSON."""
        return (Patch("anthropic._base_client", "BaseClient._process_response_data", self._see),)

    def _see(self, telemetry: Telemetry) -> Wrapper:
        def wrapper(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
            with _reading:
                if telemetry.listening():
                    self._read(telemetry, instance, kwargs["data"], kwargs["response"])
            return wrapped(*args, **kwargs)

        return wrapper

    def _read(self, telemetry: Telemetry, client: Any, value: object, response: Any) -> None:
        data = obj(value)
        worth = "agent" in data or "data" in data or data.get("type") in (_START, _END)
        found = _SESSION.search(response.request.url.path) if worth else None
        if found is None:
            return
        for event in (data, *seq(data.get("data"))) if found[2] else ():
            self._event(telemetry, client, found[1], obj(event))
        identity, model = text(data.get("id")), text(obj(obj(data.get("agent")).get("model")).get("id"))
        if identity and model:
            self._models.put(identity, model)

    def _event(self, telemetry: Telemetry, client: Any, session: str, event: Wire) -> None:
        kind, identity = event.get("type"), text(event.get("id")) or ""
        if kind == _START:
            self._begun.put(identity, time_ns())
        elif kind == _END and self._counted.first(identity):
            began = self._begun.pop(text(event.get("model_request_start_id")) or "", None)
            call = open_call(telemetry, partial(self._request, client, session), began)
            if call is not None:
                call.see(event)
                call.end()

    def _request(self, client: Any, session: str) -> Request:
        key = self._key(client, "chat", self._models.get(session), False)
        return Request(Route(ModelRequest(), key), {"session": session}, {}, "")
