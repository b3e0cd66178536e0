"""Websockets: realtime sessions and the Responses API over one connection. One span per response.

``parse_event`` of a connection sees each event of the server as text, in both twins. What the program sent is known
from ``send``, and from the conversation that the server reports.
"""

from __future__ import annotations

import re
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast
from weakref import WeakKeyDictionary

from genspan._core.api import Route
from genspan._core.binding import Patch
from genspan._core.call import Request, open_call
from genspan._core.guard import Guard
from genspan._core.wire import parse
from genspan.openai import responses
from genspan.openai.chat import error_code
from genspan.openai.media import Media
from genspan_semconv.model import obj, seq, text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from genspan._core.api import Api
    from genspan._core.call import Call
    from genspan._core.drive import Args, Kwargs, Wrapped, Wrapper
    from genspan._core.telemetry import Telemetry
    from genspan_semconv.model import Key, Params, Response

    Wire = Mapping[str, object]
    MakeKey = Callable[[Any, type[Any], str, str | None, bool], Key]

_TYPE: Final = re.compile(rb'"type"\s*:\s*"((?:response|session|conversation\.item)\.[\w.]+)"')
_OVER: Final = frozenset(f"response.{end}" for end in ("done", "completed", "failed", "incomplete", "cancelled"))
_HEARD: Final = "conversation.item.input_audio_transcription.completed"
_ITEMS: Final = frozenset(f"conversation.item.{how}" for how in ("added", "created", "done"))
_MAX_ITEMS: Final = 200

_parsing, _sending, _closing = (Guard(f"{what} of a websocket") for what in ("event", "message", "end"))


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


class _Connection:
    """What is going on in one connection."""

    def __init__(self) -> None:
        self.session: Wire = {}
        self.asked: deque[Wire] = deque(maxlen=_MAX_ITEMS)
        self.items: deque[Wire] = deque(maxlen=_MAX_ITEMS)
        self.calls: dict[str, Call] = {}

    def call(self, event: Wire) -> tuple[str, Call | None]:
        """The response that an event belongs to; without an id it is the newest one."""
        identity = text(obj(event.get("response")).get("id")) or text(event.get("response_id"))
        identity = identity or next(reversed(self.calls), "")
        return identity, self.calls.get(identity)

    def end(self, ending: str, finalising: bool = False) -> None:
        while self.calls:
            self.calls.popitem()[1].end(ending=ending, finalising=finalising)

    def __del__(self) -> None:
        self.end("dropped", finalising=True)


class Sockets:
    """The connections of one instrumentor."""

    def __init__(self, key: MakeKey) -> None:
        self._key = key
        self._connections: WeakKeyDictionary[Any, _Connection] = WeakKeyDictionary()
        self._realtime, self._transcription = Realtime(), Media("text")

    def patches(self) -> tuple[Patch, ...]:
        """Three methods of each connection class."""
        hooks = {"parse_event": self._parse, "send": self._send, "close": self._close}
        return tuple(
            Patch(f"openai.resources.{module}", f"{twin}{name}Connection.{method}", hook)
            for module, name in (
                ("responses.responses", "Responses"),
                ("beta.responses.responses", "Responses"),
                ("realtime.realtime", "Realtime"),
                ("beta.realtime.realtime", "Realtime"),
            )
            for twin in ("", "Async")
            for method, hook in hooks.items()
        )

    def _of(self, instance: Any) -> _Connection:
        found = self._connections.get(instance)
        if found is None:
            found = self._connections[instance] = _Connection()
        return found

    def _parse(self, telemetry: Telemetry) -> Wrapper:
        def wrapper(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
            with _parsing:
                if telemetry.listening():
                    self._event(telemetry, instance, args[0] if args else kwargs["data"])
            return wrapped(*args, **kwargs)

        return wrapper

    def _send(self, telemetry: Telemetry) -> Wrapper:
        def wrapper(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
            with _sending:
                event = obj(args[0] if args else kwargs["event"])
                if event.get("type") == "response.create":
                    self._of(instance).asked.append({**event, **obj(event.get("response"))})
            return wrapped(*args, **kwargs)

        return wrapper

    def _close(self, telemetry: Telemetry) -> Wrapper:
        def wrapper(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
            with _closing:
                self._of(instance).end("closed")
            return wrapped(*args, **kwargs)

        return wrapper

    def _event(self, telemetry: Telemetry, instance: Any, data: str | bytes) -> None:
        """Look at an event as far as its type makes it worth: sound is not parsed a second time."""
        match = _TYPE.search(data.encode() if isinstance(data, str) else data)
        kind = match[1].decode() if match is not None else ""
        connection = self._of(instance)
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
            identity, call = connection.call(event)
            if call is not None:
                call.chunk(event)
                if kind in _OVER:
                    del connection.calls[identity]
                    call.finish()

    def _open(self, telemetry: Telemetry, instance: Any, connection: _Connection, event: Wire) -> None:
        response = obj(event.get("response"))
        asked = connection.asked.popleft() if connection.asked else obj(None)
        realtime = "Realtime" in type(instance).__name__
        body = {**connection.session, "input": list(connection.items), **asked} if realtime else asked
        model = text(body.get("model")) or text(response.get("model")) or _query_model(instance)
        api: Api = self._realtime if realtime else responses
        call = open_call(telemetry, partial(self._request, instance, api, ("chat", model, True), body))
        if call is not None:
            connection.calls[text(response.get("id")) or ""] = call
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
        uri = socket.protocol.uri
        key = self._key(_Url(uri.host, uri.port, ""), cast("type[Any]", type(instance)), *what)
        return Request(Route(api, key), body, dict(socket.request.headers.raw_items()), "")


class _Url:
    """A websocket's address, as a client's base URL has it."""

    def __init__(self, host: str, port: int, scheme: str) -> None:
        self.host, self.port, self.scheme = host, port, scheme


def _query_model(instance: Any) -> str | None:
    match = re.search(r"[?&]model=([^&]+)", instance._connection.request.path)
    return match[1] if match is not None else None


def _silent(item: Wire) -> Wire:
    """An item of the conversation without its sound."""
    parts = [{name: value for name, value in obj(part).items() if name != "audio"} for part in seq(item.get("content"))]
    return {**item, "content": parts} if parts else item
