"""Websockets: realtime sessions and the Responses API over one connection. One span per response."""

from __future__ import annotations

import re
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast

from genspan._core.api import Route
from genspan._core.call import Request, open_call
from genspan._core.socket import Connection, Sockets, address, headers
from genspan._core.wire import parse
from genspan.openai import responses
from genspan.openai.chat import error_code
from genspan.openai.media import Media
from genspan_semconv.model import obj, seq, text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from genspan._core.api import Api
    from genspan._core.telemetry import Telemetry
    from genspan_semconv.model import Key, Params, Response

    Wire = Mapping[str, object]
    MakeKey = Callable[[Any, type[Any], str, str | None, bool], Key]

_TYPE: Final = re.compile(rb'"type"\s*:\s*"((?:response|session|conversation\.item)\.[\w.]+)"')
_OVER: Final = frozenset(f"response.{end}" for end in ("done", "completed", "failed", "incomplete", "cancelled"))
_HEARD: Final = "conversation.item.input_audio_transcription.completed"
_ITEMS: Final = frozenset(f"conversation.item.{how}" for how in ("added", "created", "done"))
_MAX_ITEMS: Final = 200

CLASSES: Final = tuple(
    (f"openai.resources.{module}", f"{twin}{name}Connection")
    for module, name in (
        ("responses.responses", "Responses"),
        ("beta.responses.responses", "Responses"),
        ("realtime.realtime", "Realtime"),
        ("beta.realtime.realtime", "Realtime"),
    )
    for twin in ("", "Async")
)


class Realtime:
    """The responses of a realtime session: https://platform.openai.com/docs/api-reference/realtime."""

    Fold, prompt, answer = responses.Fold, staticmethod(responses.prompt), staticmethod(responses.answer)

    def params(self, body: Wire) -> Params:
        """Parameters of the session."""
        found = responses.params(body)
        spoken = "audio" in seq(body.get("output_modalities") or body.get("modalities"))
        return {
            **{name: found[name] for name in found if name != "api_type"},
            **({"output_type": "speech"} if spoken else {}),
        }

    def response(self, data: Wire) -> Response:
        """Why a response ended is in its ``status_details``."""
        details = obj(data.get("status_details"))
        found = responses.response({**data, "incomplete_details": details})
        found.error = error_code(details.get("error")) or found.error
        return found


class _Connection(Connection):
    def __init__(self) -> None:
        super().__init__()
        self.session: Wire = {}
        self.asked: deque[Wire] = deque(maxlen=_MAX_ITEMS)
        self.items: deque[Wire] = deque(maxlen=_MAX_ITEMS)
        self.lanes: dict[str | None, str] = {}
        """The newest response of each ``stream_id``, where one connection carries several at a time."""

    def ask(self, lane: str | None) -> Wire:
        """What the response that begins in a lane was asked for with."""
        found = next((asked for asked in self.asked if text(asked.get("stream_id")) == lane), obj(None))
        if found:
            self.asked.remove(found)
        return found


class OpenAISockets(Sockets):
    """The connections of one instrumentor."""

    kind = _Connection

    def __init__(self, key: MakeKey) -> None:
        super().__init__()
        self._key = key
        self._realtime, self._transcription = Realtime(), Media("text")

    def message(self, connection: _Connection, event: object) -> None:
        """Remember what a response is asked for with."""
        asked = obj(event)
        if asked.get("type") == "response.create":
            connection.asked.append({**asked, **obj(asked.get("response"))})

    def event(self, telemetry: Telemetry, instance: Any, connection: _Connection, data: str | bytes) -> None:
        """Look at an event as far as its type makes it worth: sound is not parsed a second time."""
        match = _TYPE.search(data.encode() if isinstance(data, str) else data)
        kind = match[1].decode() if match is not None else ""
        if kind.endswith("audio.delta"):
            for call in connection.calls.values():
                call.arrived()
            return
        event: Wire = obj(parse(data) if kind else None)
        if kind in ("session.created", "session.updated"):
            connection.session = obj(event.get("session"))
        elif kind in _ITEMS:
            connection.items.append(_silent(obj(event.get("item"))))
        elif kind == "response.created":
            self._open(telemetry, instance, connection, event)
        elif kind == _HEARD:
            self._heard(telemetry, instance, connection, event)
        elif kind.startswith("response."):
            identity = text(obj(event.get("response")).get("id")) or text(event.get("response_id"))
            identity = identity or connection.lanes.get(text(event.get("stream_id"))) or connection.newest()
            call = connection.calls.get(identity)
            if call is not None:
                call.chunk(event)
                if kind in _OVER:
                    del connection.calls[identity]
                    call.finish()

    def _open(self, telemetry: Telemetry, instance: Any, connection: _Connection, event: Wire) -> None:
        response = obj(event.get("response"))
        asked, identity = connection.ask(text(event.get("stream_id"))), text(response.get("id")) or ""
        realtime = "Realtime" in type(instance).__name__
        body = {**connection.session, "input": list(connection.items), **asked} if realtime else asked
        model = text(body.get("model")) or text(response.get("model")) or _query_model(instance)
        api: Api = self._realtime if realtime else responses
        call = open_call(telemetry, partial(self._request, instance, api, ("chat", model, True), body))
        if call is not None:
            connection.calls[identity] = call
            connection.lanes[text(event.get("stream_id"))] = identity
            call.chunk({"type": event.get("type"), "response": {**response, "output": None}})

    def _heard(self, telemetry: Telemetry, instance: Any, connection: _Connection, event: Wire) -> None:
        """What the user said, written down by a model of its own, is billed apart."""
        heard = obj(obj(obj(connection.session.get("audio")).get("input")).get("transcription"))
        model = text((heard or obj(connection.session.get("input_audio_transcription"))).get("model"))
        request = partial(self._request, instance, self._transcription, ("generate_content", model, False), {})
        call = open_call(telemetry, request) if event.get("usage") else None
        if call is not None:
            call.see({"text": event.get("transcript"), "usage": event.get("usage")})
            call.finish()

    def _request(self, instance: Any, api: Api, what: tuple[str, str | None, bool], body: Wire) -> Request:
        """``what`` is operation, model, and whether it is a stream."""
        socket = instance._connection
        key = self._key(address(socket), cast("type[Any]", type(instance)), *what)
        return Request(Route(api, key), body, headers(socket), "")


def _query_model(instance: Any) -> str | None:
    match = re.search(r"[?&]model=([^&]+)", instance._connection.request.path)
    return match[1] if match is not None else None


def _silent(item: Wire) -> Wire:
    """An item of the conversation without its sound."""
    parts = [{name: value for name, value in obj(part).items() if name != "audio"} for part in seq(item.get("content"))]
    return {**item, "content": parts} if parts else item
