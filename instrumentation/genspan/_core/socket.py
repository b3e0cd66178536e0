"""Websockets of an SDK: one span for each answer in a connection. Works on the connection objects of ``websockets``.

``parse_event`` of a connection sees each event of the server as text, in both twins; ``send`` and ``send_raw`` each of
the program's; ``recv_bytes`` raises when the connection is lost.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from inspect import isawaitable
from time import time_ns
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary

from opentelemetry import context as otel

from genspan._core.binding import Patch
from genspan._core.call import open_call
from genspan._core.guard import Guard
from genspan._core.wire import parse
from genspan_semconv.model import obj

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from opentelemetry.context import Context

    from genspan._core.call import Call, Request
    from genspan._core.drive import Args, Kwargs, Wrapped, Wrapper
    from genspan._core.telemetry import Telemetry

_parsing, _sending, _ending = (Guard(f"{what} of a websocket") for what in ("event", "message", "end"))


class Address(NamedTuple):
    """Where a websocket leads, in the form of a client's base URL."""

    host: str
    port: int
    scheme: str


class Sent(NamedTuple):
    """What a program asked for, and where and when: the answer may come in another thread."""

    body: Mapping[str, object]
    context: Context
    at: int


class Connection:
    """The answers that are under way in one connection, by id."""

    def __init__(self) -> None:
        self.calls: dict[str, Call] = {}

    def end(self, error: BaseException | None = None, ending: str | None = None, finalising: bool = False) -> None:
        """End what is under way."""
        while self.calls:
            self.calls.popitem()[1].end(error, ending, finalising)

    def __del__(self) -> None:
        self.end(ending="dropped", finalising=True)


class Sockets(ABC):
    """The connections of one instrumentor. What an event means is the provider's to say."""

    def __init__(self) -> None:
        self._connections: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()

    @abstractmethod
    def begin(self, instance: Any) -> Connection:
        """What is known of a connection of the SDK at its start."""

    @abstractmethod
    def event(self, telemetry: Telemetry, instance: Any, connection: Any, data: str | bytes) -> None:
        """Take an event of the server, before the SDK parses it."""

    @abstractmethod
    def message(self, connection: Any, sent: Sent) -> None:
        """Take an event of the program, before the SDK sends it."""

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

    def sent(self, instance: Any, event: Any, **beside: object) -> None:
        """Something is sent: JSON text, an object of JSON, or an object of the SDK's, in a connection of the SDK's."""
        with _sending:
            known = parse(event) if isinstance(event, (str, bytes)) else getattr(event, "to_dict", lambda: event)()
            self.message(self._of(instance), Sent({**obj(known), **beside}, otel.get_current(), time_ns()))

    def _of(self, instance: Any) -> Any:
        found = self._connections.get(instance)
        if found is None:
            found = self._connections[instance] = self.begin(instance)
        return found

    def _parse(self, telemetry: Telemetry) -> Wrapper:
        def wrapper(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
            with _parsing:
                if telemetry.listening():
                    self.event(telemetry, instance, self._of(instance), args[0] if args else kwargs["data"])
            return wrapped(*args, **kwargs)

        return wrapper

    def _send(self, telemetry: Telemetry) -> Wrapper:
        def wrapper(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
            self.sent(instance, args[0] if args else next(iter(kwargs.values())))
            return wrapped(*args, **kwargs)

        return wrapper

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
        with _ending:
            if any(kind.__name__ == "ConnectionClosed" for kind in type(error).__mro__):
                self._of(instance).end(error, "failed")

    def _close(self, telemetry: Telemetry) -> Wrapper:
        def wrapper(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
            with _ending:
                self._of(instance).end(ending="closed")
            return wrapped(*args, **kwargs)

        return wrapper


def begin_call(telemetry: Telemetry, describe: Callable[[], Request], sent: Sent | None) -> Call | None:
    """Open the call of something that was sent; without it, of something that the server began by itself."""
    if sent is None:
        return open_call(telemetry, describe)
    token = otel.attach(sent.context)
    try:
        return open_call(telemetry, describe, sent.at)
    finally:
        otel.detach(token)


def address(socket: Any) -> Address:
    """Where a connection of ``websockets`` leads."""
    uri = socket.protocol.uri
    return Address(uri.host, uri.port, "wss" if uri.secure else "ws")


def headers(socket: Any) -> dict[str, object]:
    """The headers of its handshake, which hold the credentials."""
    return dict(socket.request.headers.raw_items())
