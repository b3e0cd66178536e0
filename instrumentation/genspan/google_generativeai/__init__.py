"""Tracing for google-generativeai, the older Gemini SDK, which Google has archived."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genspan._core.hooks.instrumentor import ProviderInstrumentor
from genspan._core.supported_sdks import SDKS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from genspan._core.hooks.patches import Patch, Replacement

__all__ = ["GoogleGenerativeAIInstrumentor"]


class GoogleGenerativeAIInstrumentor(ProviderInstrumentor):
    """Traces every model call that a program makes through google-generativeai, over gRPC, gRPC-asyncio and REST."""

    sdk = SDKS["google_generativeai"]

    def _patch_points(self) -> Sequence[Patch | Replacement]:
        from genspan.google_generativeai.bindings import PATCHES

        return PATCHES
