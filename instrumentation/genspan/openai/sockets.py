"""Websockets: the Responses API over one connection, realtime and live sessions. One span per response."""

from __future__ import annotations

import re
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from genspan._core.hooks.websocket import Connection, Sent, Sockets
from genspan._core.wire.json_text import parse
from genspan.dialects.errors import error_code
from genspan.dialects.openai_media import Media
from genspan.openai import responses
from genspan.openai.judgements import Decisions
from genspan_semconv import attributes as names
from genspan_semconv.model import obj, seq, text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from genspan._core.calls.call import Call
    from genspan._core.hooks.patches import Patch
    from genspan._core.hooks.websocket import Begin, CallRoute, MakeKey
    from genspan._core.routes.contract import Api
    from genspan_semconv.model import Params, Response, Wire

    Reader = Callable[[Begin, Any, Wire], None]

_TYPE: Final = re.compile(rb'"type"\s*:\s*"((?:response|session|conversation\.item|decision)\.[\w.]+|error)"')
_OVER: Final = frozenset(f"response.{end}" for end in ("done", "completed", "failed", "incomplete", "cancelled"))
_MAX_ITEMS: Final = 200
_LIVE: Final = "session"

_MODULES: Final = ("responses.responses", "beta.responses.responses", "realtime.realtime", "beta.realtime.realtime")
_CLASSES: Final = tuple(
    (f"openai.resources.{module}", f"{twin}{module.rpartition('.')[2].title()}Connection")
    for module in (*_MODULES, "live.live", "live.forks")
    for twin in ("", "Async")
)
_LANES: Final = ("ResponsesWebSocketLane.send", "AsyncResponsesWebSocketLane.send")


class Realtime:
    """The responses of a realtime session: https://platform.openai.com/docs/api-reference/realtime."""

    Fold, prompt, answer = responses.Fold, staticmethod(responses.prompt), staticmethod(responses.answer)

    def params(self, body: Wire) -> Params:
        """Parameters of the session. The field ``conversation`` says only whether the answer is added to it."""
        found = responses.params({**body, "conversation": None})
        del found[names.OPENAI_API_TYPE]
        return found

    def response(self, data: Wire) -> Response:
        """Why a response ended is in its ``status_details``."""
        details = obj(data.get("status_details"))
        found = responses.response({**data, "incomplete_details": details})
        found.error = error_code(details.get("error")) or found.error
        return found


class _Connection(Connection):
    def __init__(self, name: str) -> None:
        super().__init__()
        self.plain, self.realtime = "Responses" in name, "Realtime" in name
        self.session: Wire = {}
        self.items: deque[Wire] = deque(maxlen=_MAX_ITEMS)
        self.lanes: dict[str | None, str] = {}
        """The newest response of each ``stream_id``, where one connection carries several at a time."""

    def answering(self, event: Wire) -> str:
        """The response that an event belongs to: by its id, or the newest in its lane, or the newest of all."""
        identity = text(obj(event.get("response")).get("id")) or text(event.get("response_id"))
        newest = next((known for known in reversed(self.calls) if known != _LIVE), "")
        return identity or self.lanes.get(text(event.get("stream_id"))) or newest


class OpenAISockets(Sockets):
    """The connections of one instrumentor."""

    asking = "response.create"

    def __init__(self, key: MakeKey) -> None:
        super().__init__(key)
        self._realtime, self._text = Realtime(), Media("text")
        self._speech, self._decision = Media("speech"), Decisions()
        self._readers: Mapping[str, Reader] = {
            "session.created": self._session,
            "session.updated": self._session,
            "session.started": self._lives,
            "session.usage.updated": self._lasted,
            "session.closed": self._lasted,
            **dict.fromkeys((f"conversation.item.{how}" for how in ("added", "created", "done")), self._item),
            "conversation.item.input_audio_transcription.completed": self._heard,
            "response.event": self._delegated,
            "decision.event": self._delegated,
            "decision.completed": self._decided,
            "response.created": self._created,
            "error": self._refused,
        }

    def all_patches(self) -> tuple[Patch, ...]:
        """Connections, and the lanes that send past them."""
        lanes = self.sending("openai.lib.responses_websocket._session", _LANES, _lane)
        return (*self.patches(_CLASSES), *lanes)

    def known(self, instance: Any) -> _Connection:
        """What is known of a connection at its start."""
        return _Connection(type(instance).__name__)

    def event(self, begin: Begin, connection: _Connection, data: str | bytes) -> None:
        """Look at an event as far as its type makes it worth: sound is not parsed a second time."""
        match = _TYPE.search(data.encode() if isinstance(data, str) else data)
        kind = match[1].decode() if match is not None else ""
        if kind in ("response.audio.delta", "response.output_audio.delta"):
            for call in connection.calls.values():
                call.arrived()
        elif kind and not kind.startswith(("session.output_audio", "session.input_audio")):
            self._take(begin, connection, obj(parse(data)))

    def _take(self, begin: Begin, connection: _Connection, event: Wire) -> None:
        kind = text(event.get("type")) or ""
        reader = self._readers.get(kind, self._goes_on if kind.startswith("response.") else None)
        if reader is not None:
            reader(begin, connection, event)

    def _session(self, begin: Begin, connection: _Connection, event: Wire) -> None:
        connection.session = obj(event.get("session"))

    def _item(self, begin: Begin, connection: _Connection, event: Wire) -> None:
        connection.items.append(_silent(obj(event.get("item"))))

    def _heard(self, begin: Begin, connection: _Connection, event: Wire) -> None:
        """What the user said is written down by a model of its own, and billed apart."""
        heard = {"text": event.get("transcript"), "usage": event.get("usage")}
        if heard["usage"]:
            _answered(begin, (self._text, "generate_content", _transcriber(connection.session), False), heard)

    def _delegated(self, begin: Begin, connection: _Connection, event: Wire) -> None:
        """A live session hands on the events of those to whom it delegates."""
        self._take(begin, connection, obj(event.get("event")))

    def _decided(self, begin: Begin, connection: _Connection, event: Wire) -> None:
        decision = obj(event.get("decision"))
        _answered(begin, (self._decision, "generate_content", text(decision.get("model")), False), decision)

    def _goes_on(self, begin: Begin, connection: _Connection, event: Wire) -> None:
        identity = connection.answering(event)
        call = connection.calls.get(identity)
        if call is not None:
            call.chunk(event)
            if event.get("type") in _OVER:
                connection.calls.pop(identity, None)
                call.finish()

    def _created(self, begin: Begin, connection: _Connection, event: Wire) -> None:
        response, lane = obj(event.get("response")), text(event.get("stream_id"))
        identity = text(response.get("id")) or ""
        call = self._asked(begin, connection, connection.ask("stream_id", lane), text(response.get("model")))
        if call is not None:
            connection.calls[identity] = call
            connection.lanes[lane] = identity
            call.chunk({"type": event.get("type"), "response": {**response, "output": None}})

    def _refused(self, begin: Begin, connection: _Connection, event: Wire) -> None:
        """What was asked is answered by an error. In sessions it may be an error of something else."""
        cause, lane = text(obj(event.get("error")).get("event_id")), text(event.get("stream_id"))
        if not connection.plain and cause is None:
            return
        asked = connection.ask("stream_id", lane) if connection.plain else connection.ask("event_id", cause)
        call = self._asked(begin, connection, asked, None) if asked is not None else None
        if call is None and connection.plain:
            call = connection.calls.pop(connection.answering(event), None)
        if call is not None:
            call.chunk({"type": "error", "error": event.get("error")})
            call.finish()

    def _asked(self, begin: Begin, connection: _Connection, sent: Sent | None, model: str | None) -> Call | None:
        sent = sent or Sent({})
        body = {**sent.body, **obj(sent.body.get("response"))}
        if connection.realtime:
            body = {**connection.session, "input": list(connection.items), **body}
        api: Api = self._realtime if connection.realtime else responses
        return begin((api, "chat", text(body.get("model")) or model, True), sent._replace(body=body))

    def _lives(self, begin: Begin, connection: _Connection, event: Wire) -> None:
        """A live session is one call from start to end, and billed by the second."""
        self._session(begin, connection, event)
        session = connection.session
        call = begin((self._speech, "generate_content", text(session.get("model")), False), Sent(session))
        if call is not None:
            connection.calls[_LIVE] = call

    def _lasted(self, begin: Begin, connection: _Connection, event: Wire) -> None:
        """The seconds so far, or of the whole session."""
        call, over = connection.calls.get(_LIVE), event.get("type") == "session.closed"
        if call is not None:
            call.see({"usage": event.get("usage"), "complete": over})
            if over:
                connection.calls.pop(_LIVE, None)
                call.finish()


def _lane(lane: Any) -> tuple[Any, Wire]:
    return lane._session.connection, {"stream_id": lane._state.stream_id}


def _answered(begin: Begin, route: CallRoute, data: Wire) -> None:
    call = begin(route)
    if call is not None:
        call.see(data)
        call.finish()


def _transcriber(session: Wire) -> str | None:
    heard = obj(obj(obj(session.get("audio")).get("input")).get("transcription"))
    return text((heard or obj(session.get("input_audio_transcription"))).get("model"))


def _silent(item: Wire) -> Wire:
    """An item of the conversation without its sound."""
    parts = [{name: value for name, value in obj(part).items() if name != "audio"} for part in seq(item.get("content"))]
    return {**item, "content": parts} if parts else item
