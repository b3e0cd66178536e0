"""Tracing for openai: OpenAI, Azure OpenAI, and every server that speaks OpenAI's API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genspan._core.hooks.instrumentor import ProviderInstrumentor
from genspan._core.supported_sdks import SDKS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from genspan._core.hooks.patches import Patch, Replacement

__all__ = ["OpenAIInstrumentor"]


class OpenAIInstrumentor(ProviderInstrumentor):
    """Traces every model call that a program makes through openai, whichever of the SDK's ways it takes."""

    sdk = SDKS["openai"]

    def _patch_points(self) -> Sequence[Patch | Replacement]:
        from genspan.openai.bindings import Routes

        return Routes().patches()
