"""Tracing for openai: OpenAI, Azure OpenAI, and every server that speaks OpenAI's API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genspan._core.instrumentor import ProviderInstrumentor
from genspan.openai.bindings import Routes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from genspan._core.binding import Patch

__all__ = ["OpenAIInstrumentor"]


class OpenAIInstrumentor(ProviderInstrumentor):
    """Traces every model call that a program makes through openai, whichever of the SDK's ways it takes."""

    dependencies = ("openai >= 2, < 4",)

    def _patch_points(self) -> Sequence[Patch]:
        return Routes().patches()
