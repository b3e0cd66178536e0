"""What a provider's API module is to the core: pure functions from wire JSON to the model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from genspan._core.wire.sse import events

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from genspan_semconv.model import Key, Message, Params, Prompt, Response


_NOTHING: Final[Mapping[str, object]] = {}


class Fold(Protocol):
    """Rebuilds the provider's own response JSON from the chunks of a stream, in O(1) a chunk."""

    def figures(self, chunk: Mapping[str, object]) -> None:
        """Take everything but the content: usage, ids, finish reasons."""
        ...

    def content(self, chunk: Mapping[str, object]) -> None:
        """Take the content; not called where nobody will see it."""
        ...

    def data(self) -> dict[str, object]:
        """The response JSON so far."""
        ...


class Api(Protocol):
    """A module per API of a provider, all of it total over arbitrary JSON."""

    Fold: type[Any]

    def params(self, body: Mapping[str, object]) -> Params: ...
    def response(self, data: Mapping[str, object]) -> Response: ...
    def prompt(self, body: Mapping[str, object]) -> Prompt: ...
    def answer(self, data: Mapping[str, object]) -> list[Message]: ...


class Route(NamedTuple):
    """Where a request of an SDK leads: the API that reads it, and the key of the call."""

    api: Api
    key: Key


class Request:
    """What the core needs of a request, as the SDK is about to send it. Nothing of it is read before the response."""

    __slots__ = ("body", "headers", "params", "route", "url")

    lines = False
    """Whether the answer is a file of JSON lines."""

    def __init__(self, route: Route, body: object, headers: Mapping[str, object], url: object) -> None:
        self.params: Params = {}
        """What is known of the request beside its body."""
        self.route = route
        self.body = body
        self.headers = headers
        self.url = url

    def let_go(self) -> None:
        """Refer to nothing of the request any more: the call is over."""
        self.body = self.url = None
        self.headers, self.params = _NOTHING, {}

    def hides(self, chunk: object) -> bool:
        """Whether the program did not ask for this chunk of a stream, only we did."""
        return False

    def after(self, earlier: Mapping[str, object], data: Mapping[str, object]) -> Mapping[str, object]:
        """The answer of the call, where the SDK has read an earlier one."""
        return data

    def events(self, raw: bytes) -> Iterator[bytes]:
        """The data of each event in the bytes of a stream."""
        return events(raw)
