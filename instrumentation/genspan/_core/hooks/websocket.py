"""Websockets of an SDK: one span for each answer in a connection. Works on the connection objects of ``websockets``.

``parse_event`` of a connection sees each event of the server as text, in both twins; ``send`` and ``send_raw`` each of
the program's; ``recv_bytes`` raises when the connection is lost.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections import deque
from functools import partial
from inspect import isawaitable
from time import time_ns
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from weakref import WeakKeyDictionary

from opentelemetry import context as otel

from genspan._core.calls.call import open_call
from genspan._core.guard import Guard
from genspan._core.hooks.patches import Patch
from genspan._core.routes.contract import Request, Route
from genspan._core.wire.json_text import parse
from genspan_semconv.model import obj, text

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from opentelemetry.context import Context

    from genspan._core.calls.call import Call
    from genspan._core.emit.telemetry import Telemetry
    from genspan._core.hooks.wrappers import Args, Kwargs, Wrapped, Wrapper
    from genspan._core.routes.contract import Api
    from genspan_semconv.model import Key, Wire

    MakeKey = Callable[[Any, str, str | None, bool, Any], Key]
    Begin = Callable[..., Call | None]
    CallRoute = tuple[Api, str, str | None, bool]

_MAX_ASKED: Final = 200


def _itself(instance: Any) -> tuple[Any, Wire]:
    return instance, {}


class Address(NamedTuple):
    """Where a websocket leads, in the form of a client's base URL."""

    host: str
    port: int
    scheme: str


class Sent(NamedTuple):
    """What a program asked for, and where and when: the answer may come in another thread."""

    body: Wire
    context: Context | None = None
    at: int | None = None


_NOTHING: Final = Sent({})


class Connection:
    """What is asked for in one connection, and the answers that are under way, by id."""

    def __init__(self) -> None:
        self.asked: deque[Sent] = deque(maxlen=_MAX_ASKED)
        self.calls: dict[str, Call] = {}

    def ask(self, field: str, value: str | None) -> Sent | None:
        """The oldest request with this field that is not answered yet."""
        for asked in list(self.asked):  # a copy, since another thread may send
            if text(asked.body.get(field)) == value:
                self.asked.remove(asked)
                return asked
        return None

    def end(self, error: BaseException | None = None, ending: str | None = None, finalising: bool = False) -> None:
        """End what is under way."""
        while self.calls:
            self.calls.popitem()[1].end(error, ending, finalising)

    def __del__(self) -> None:
        self.end(ending="dropped", finalising=True)


class Sockets(ABC):
    """The connections of one instrumentor. What an event means is the provider's to say."""

    asking: str
    """The type of a message that asks for an answer."""

    def __init__(self, key: MakeKey) -> None:
        self._key = key
        self._connections: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()

    @abstractmethod
    def known(self, instance: Any) -> Connection:
        """What is known of a connection of the SDK at its start."""

    @abstractmethod
    def event(self, begin: Begin, connection: Any, data: str | bytes) -> None:
        """Take an event of the server, before the SDK parses it. ``begin`` opens the call of an answer."""

    def patches(self, classes: Iterable[tuple[str, str]]) -> tuple[Patch, ...]:
        """The methods of each connection class, which are given by module and name."""
        hooks = {
            "parse_event": self._parse,
            "send": self._send,
            "send_raw": self._send,
            "recv_bytes": self._receive,
            "close": self._close,
        }
        return tuple(
            Patch(module, f"{name}.{method}", hook) for module, name in classes for method, hook in hooks.items()
        )

    def sending(self, module: str, names: Iterable[str], place: Callable[[Any], tuple[Any, Wire]]) -> tuple[Patch, ...]:
        """Methods that send past a connection of the SDK: ``place`` gives it, and what is sent beside the event."""
        hook = partial(self._send, place=place)
        return tuple(Patch(module, name, hook) for name in names)

    def _begin(self, telemetry: Telemetry, instance: Any, route: CallRoute, sent: Sent = _NOTHING) -> Call | None:
        """Open the call of an answer to what was sent. A route is an API, operation, model, and whether it streams."""
        api, operation, model, stream = route

        def describe() -> Request:
            socket = instance._connection
            key = self._key(instance, operation, model or _query_model(socket), stream, _address(socket))
            headers = dict[str, object](socket.request.headers.raw_items())  # those of the handshake
            return Request(Route(api, key), sent.body, headers, socket.request.path)

        token = otel.attach(otel.get_current() if sent.context is None else sent.context)
        try:
            return open_call(telemetry, describe, sent.at)
        finally:
            otel.detach(token)

    def _of(self, instance: Any) -> Any:
        found = self._connections.get(instance)
        if found is None:
            found = self._connections[instance] = self.known(instance)
        return found

    def _parse(self, telemetry: Telemetry) -> Wrapper:
        def wrapper(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
            with Guard("event of a websocket"):
                if telemetry.listening():
                    begin = partial(self._begin, telemetry, instance)
                    self.event(begin, self._of(instance), args[0] if args else kwargs["data"])
            return wrapped(*args, **kwargs)

        return wrapper

    def _send(self, telemetry: Telemetry, place: Callable[[Any], tuple[Any, Wire]] = _itself) -> Wrapper:
        """JSON text, an object of JSON, or an object of the SDK's."""

        def wrapper(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
            with Guard("message of a websocket"):
                message = self._known(args[0] if args else next(iter(kwargs.values())))
                if message.get("type") == self.asking and telemetry.listening():
                    connection, beside = place(instance)
                    self._of(connection).asked.append(Sent({**message, **beside}, otel.get_current(), time_ns()))
            return wrapped(*args, **kwargs)

        return wrapper

    def _known(self, event: Any) -> Wire:
        """What is sent, as far as it asks for an answer: most of it is sound."""
        if isinstance(event, (str, bytes)):
            asks = self.asking in event if isinstance(event, str) else self.asking.encode() in event
            return obj(parse(event) if asks else None)
        return obj(getattr(event, "to_dict", lambda: event)())

    def _receive(self, telemetry: Telemetry) -> Wrapper:
        def wrapper(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
            try:
                received = wrapped(*args, **kwargs)
            except Exception as error:
                self._lost(instance, error)
                raise
            return self._received(instance, received) if isawaitable(received) else received

        return wrapper

    async def _received(self, instance: Any, received: Awaitable[Any]) -> Any:
        try:
            return await received
        except Exception as error:
            self._lost(instance, error)
            raise

    def _lost(self, instance: Any, error: Exception) -> None:
        with Guard("end of a websocket"):
            if any(kind.__name__ == "ConnectionClosed" for kind in type(error).__mro__):
                self._of(instance).end(error, "failed")

    def _close(self, telemetry: Telemetry) -> Wrapper:
        def wrapper(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
            with Guard("end of a websocket"):
                connection = self._connections.pop(instance, None)  # with all that was sent in it
                if connection is not None:
                    connection.end(ending="closed")
            return wrapped(*args, **kwargs)

        return wrapper


def _address(socket: Any) -> Address:
    """Where a connection of ``websockets`` leads."""
    uri = socket.protocol.uri
    return Address(uri.host, uri.port, "wss" if uri.secure else "ws")


def _query_model(socket: Any) -> str | None:
    match = re.search(r"[?&]model=([^&]+)", socket.request.path)
    return match[1] if match is not None else None
