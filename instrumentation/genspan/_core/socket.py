"""Websockets of an SDK: one span for each answer in a connection. Works on the connection objects of ``websockets``.

``parse_event`` of a connection sees each event of the server as text, in both twins; ``send`` each of the program's.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary

from genspan._core.binding import Patch
from genspan._core.guard import Guard

if TYPE_CHECKING:
    from collections.abc import Iterable

    from genspan._core.call import Call
    from genspan._core.drive import Args, Kwargs, Wrapped, Wrapper
    from genspan._core.telemetry import Telemetry

_parsing, _sending, _closing = (Guard(f"{what} of a websocket") for what in ("event", "message", "end"))


class Address(NamedTuple):
    """Where a websocket leads, in the form of a client's base URL."""

    host: str
    port: int
    scheme: str


class Connection:
    """The answers that are under way in one connection, by id."""

    def __init__(self) -> None:
        self.calls: dict[str, Call] = {}

    def newest(self) -> str:
        """The id of the answer that began last."""
        return next(reversed(self.calls), "")

    def end(self, ending: str, finalising: bool = False) -> None:
        """End what is under way."""
        while self.calls:
            self.calls.popitem()[1].end(ending=ending, finalising=finalising)

    def __del__(self) -> None:
        self.end("dropped", finalising=True)


class Sockets(ABC):
    """The connections of one instrumentor. What an event means is the provider's to say."""

    kind: type[Connection] = Connection

    def __init__(self) -> None:
        self._connections: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()

    @abstractmethod
    def event(self, telemetry: Telemetry, instance: Any, connection: Any, data: str | bytes) -> None:
        """Take an event of the server, before the SDK parses it."""

    @abstractmethod
    def message(self, connection: Any, event: object) -> None:
        """Take an event of the program, before the SDK sends it."""

    def patches(self, classes: Iterable[tuple[str, str]]) -> tuple[Patch, ...]:
        """Three methods of each connection class, which are given by module and name."""
        hooks = {"parse_event": self._parse, "send": self._send, "close": self._close}
        return tuple(
            Patch(module, f"{name}.{method}", hook) for module, name in classes for method, hook in hooks.items()
        )

    def _of(self, instance: Any) -> Any:
        found = self._connections.get(instance)
        if found is None:
            found = self._connections[instance] = self.kind()
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
            with _sending:
                self.message(self._of(instance), args[0] if args else kwargs["event"])
            return wrapped(*args, **kwargs)

        return wrapper

    def _close(self, telemetry: Telemetry) -> Wrapper:
        def wrapper(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
            with _closing:
                self._of(instance).end("closed")
            return wrapped(*args, **kwargs)

        return wrapper


def address(socket: Any) -> Address:
    """Where a connection of ``websockets`` leads."""
    uri = socket.protocol.uri
    return Address(uri.host, uri.port, "wss" if uri.secure else "ws")


def headers(socket: Any) -> dict[str, object]:
    """The headers of its handshake, which hold the credentials."""
    return dict(socket.request.headers.raw_items())
