"""What a provider's module has for the benchmarks: requests, canned replies, and its part of the floor."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opentelemetry.instrumentation.instrumentor import BaseInstrumentor

    from benchmarks.floor import Attributes, Read, Stream

PROVIDERS = ("gemini", "openai", "anthropic")
CASES = ("short", "history", "image")
"""One sentence; 20 messages with tools; a sentence and an image of 1 MB."""


class FloorPart(Protocol):
    """What of the floor is one provider's: how a response is read, and a stream."""

    def read(self, forms: frozenset[str], request: dict[str, Any], response: Any) -> Read: ...
    def Chunks(self, forms: frozenset[str], request: dict[str, Any]) -> Stream: ...


class Provider(Protocol):
    """A module of this package. Requests never reach a network: the SDK's transport answers from memory."""

    START: Attributes
    """What the span of a call starts with."""
    FLOOR: FloorPart

    def instrumentor(self) -> BaseInstrumentor:
        """What traces this SDK."""
        ...

    def client(self, chunks: int = 0) -> Any:
        """The SDK's client. It is answered by a stream with that many pieces of text, or, where none, plainly."""
        ...

    def request(self, case: str) -> dict[str, Any]:
        """The arguments of a call."""
        ...

    def call(self, client: Any, case: str) -> Any:
        """One plain call."""
        ...

    def stream(self, client: Any) -> Iterable[Any]:
        """One streamed call of one sentence, not yet read."""
        ...


def load(name: str) -> Provider:
    """The provider of this name."""
    return cast("Provider", import_module(f"benchmarks.providers.{name}"))
