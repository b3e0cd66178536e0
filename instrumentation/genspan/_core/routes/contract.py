"""All that a provider gives the core.

**Routes.** A table of ``Row`` (``routing.py``) says which request is which operation, read by which API module. The
provider's ``describe`` makes a ``Request`` of what the SDK is about to send, or ``None`` for what is no model call;
``provider_names.Keys`` makes its ``Key`` by client and host.

**API modules** (``Api``) are pure: wire JSON in, model out, total over arbitrary JSON. ``Fold`` turns the chunks of a
stream into the provider's own response JSON, so that ``response`` and ``answer`` serve plain calls and streams alike.

**Whether an answer is partial.** The wire decides, in this order:

* the response was let go of (``closed``, ``dropped``) though ``Response.final`` is false: partial, ended like that;
  where it is true, what was not read would have held nothing more;
* a stream has been read to its end, but ``Response.complete`` is false and the provider sent no ``[DONE]``
  (``Call.done_seen``): partial, ``failed``;
* a stream reports an error (``Response.error``) before it is ``final``: partial, ``failed``;
* reading raised: ``failed``, ``cancelled`` or, for a ``GeneratorExit``, ``closed``.

**Hooks.** A table of ``Patch`` rows, in terms of ``hooks/wrappers.py``: ``sync(calls(describe, settle))`` around the
function that makes one request. ``settle(call, result)`` returns the user's result and sees to it that the call ends:
at once where the answer has been read (``call.see(json)``, ``call.finish()``), else by whoever reads it
(``response_watcher.settle`` for httpx responses, ``taps.tap_chunks`` for an iterator of parsed chunks).

**Turns** (``turns(request, agent)``) go around a method of the user's where the request hook cannot see how the call
ends: the SDK parses the answer above it, or makes several requests for one call. A turn ends the calls under it; it has
a span of its own only where ``agent`` says that tools can run in it. Not needed where the request hook sees the
parsed answer, as with the SDKs of Stainless.

**Sessions** in which the provider makes model calls by itself are a ``hosted_sessions.Sessions``; **websockets** a
``hooks/websocket.Sockets``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from genspan._core.wire.sse import events

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from genspan_semconv.model import Key, Message, Params, Prompt, Response

_NOTHING: Final[Mapping[str, object]] = {}


class Fold(Protocol):
    """Rebuilds the provider's own response JSON from the chunks of one stream, in O(1) a chunk. Made without arguments.

    Whatever ``metadata`` alone gives must be right without ``content``, which is not called where nobody will see it,
    nor for more chunks than are kept.
    """

    def metadata(self, chunk: Mapping[str, object]) -> None:
        """Take everything but the content: usage, ids, finish reasons, errors."""
        ...

    def content(self, chunk: Mapping[str, object]) -> None:
        """Take the content. Called after ``metadata``, with the same chunk."""
        ...

    def data(self) -> dict[str, object]:
        """The response JSON so far. Called once."""
        ...


class Api(Protocol):
    """One API of a provider: a module, or an object where it needs state. Total over arbitrary JSON.

    ``genspan_semconv.model.NoContent`` is a base for what has no prompt, no answer and no stream.
    """

    Fold: type[Any]
    """The class of its folds."""

    def params(self, body: Mapping[str, object]) -> Params:
        """The request's parameters (temperature, limits, ...) from its JSON body."""
        ...

    def response(self, data: Mapping[str, object]) -> Response:
        """What the response says of itself; ``{}`` where nothing has come.

        ``complete`` is false where a finish reason was due and is not there; ``final`` is true where the response
        itself says that nothing follows; ``error`` is the provider's code of an error inside a response of status 200;
        ``operation`` is set where only the response says which call this is.
        """
        ...

    def prompt(self, body: Mapping[str, object]) -> Prompt:
        """System instructions, messages and tools of the request. Called only where content is captured."""
        ...

    def answer(self, data: Mapping[str, object]) -> list[Message]:
        """The output messages of the response. Called only where content is captured."""
        ...


class Route(NamedTuple):
    """Where a request of an SDK leads: the API that reads it, and the key of the call."""

    api: Api
    key: Key


class Request:
    """What the core needs of a request, as the SDK is about to send it. Nothing of it is read before the response.

    ``body`` is its JSON (not text), ``headers`` and ``url`` are where its credentials stand. A provider sets the fields
    below, or overrides ``after`` and ``events``, where its requests differ.
    """

    __slots__ = ("body", "headers", "hides", "lines", "params", "propagates", "route", "size", "url")

    def __init__(self, route: Route, body: object, headers: Mapping[str, object], url: object) -> None:
        self.route = route
        self.body = body
        self.headers = headers
        self.url = url
        self.params: Params = {}
        """What is known of the request beside its body; the body's parameters win."""
        self.size: int | None = None
        """Bytes of the body as it was sent, where that is known."""
        self.lines = False
        """Whether the answer is a file of JSON lines, each of which is a chunk."""
        self.propagates = True
        """Whether the program lets the trace context be sent, where the settings name the host."""
        self.hides: Callable[[object], bool] | None = None
        """Whether the program did not ask for this chunk of a stream, only we did; ``None`` where it asked for all."""

    def let_go(self) -> None:
        """Refer to nothing of the request any more: the call is over."""
        self.body = self.url = None
        self.headers, self.params = _NOTHING, {}

    def after(self, earlier: Mapping[str, object], data: Mapping[str, object]) -> Mapping[str, object]:
        """The response JSON of the call, where the SDK has read an earlier one (``{}`` if not)."""
        return data

    def events(self, raw: bytes) -> Iterator[bytes]:
        """The data of each event in the bytes of a stream, for those that only the program reads."""
        return events(raw)
