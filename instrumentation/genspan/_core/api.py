"""What a provider's API module is to the core: pure functions from wire JSON to the model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from genspan_semconv.model import Key, Message, Params, Prompt, Response


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
