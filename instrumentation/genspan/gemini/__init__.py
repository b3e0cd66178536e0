"""Tracing for google-genai: the Gemini API and Vertex AI."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genspan._core.hooks.instrumentor import ProviderInstrumentor
from genspan._core.supported_sdks import SDKS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from genspan._core.hooks.patches import Patch, Replacement

__all__ = ["GeminiInstrumentor"]


class GeminiInstrumentor(ProviderInstrumentor):
    """Traces every model call that a program makes through google-genai, directly or by chats and function calling."""

    sdk = SDKS["gemini"]

    def _patch_points(self) -> Sequence[Patch | Replacement]:
        from genspan.gemini import bindings, interaction_bindings, live_bindings

        return (*bindings.patches(), *interaction_bindings.patches(), *live_bindings.PATCHES)
