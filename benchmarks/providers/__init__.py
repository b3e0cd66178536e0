"""What a provider's module has for the benchmarks: requests, canned replies, and its part of the floor."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opentelemetry.instrumentation.instrumentor import BaseInstrumentor

    from benchmarks.floor import Floor

PROVIDERS = ("gemini",)
CASES = ("short", "history", "image")
"""One sentence; 20 messages with tools; a sentence and an image of 1 MB."""


class Provider(Protocol):
    """A module of this package. Requests never reach a network: the SDK's transport answers from memory."""

    def instrumentor(self) -> BaseInstrumentor:
        """What traces this SDK."""
        ...

    def client(self, chunks: int = 1) -> Any:
        """The SDK's client; a stream of it has that many chunks."""
        ...

    def call(self, client: Any, case: str) -> Any:
        """One plain call."""
        ...

    def stream(self, client: Any) -> Iterable[Any]:
        """One streamed call, not yet read."""
        ...

    def floor_call(self, floor: Floor, client: Any, case: str) -> Any:
        """The same call within the floor."""
        ...

    def floor_stream(self, floor: Floor, client: Any) -> Iterable[Any]:
        """The same stream within the floor."""
        ...


def load(name: str) -> Provider:
    """The provider of this name."""
    return cast("Provider", import_module(f"benchmarks.providers.{name}"))
