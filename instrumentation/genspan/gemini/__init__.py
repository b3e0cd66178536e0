"""Tracing for google-genai: the Gemini API and Vertex AI."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genspan._core.instrumentor import ProviderInstrumentor
from genspan.gemini import interaction_bindings
from genspan.gemini.bindings import PATCHES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from genspan._core.binding import Patch, Replacement

__all__ = ["GeminiInstrumentor"]


class GeminiInstrumentor(ProviderInstrumentor):
    """Traces every model call that a program makes through google-genai, directly or by chats and function calling."""

    dependencies = ("google-genai >= 2, < 4",)
    patches = PATCHES

    def _patch_points(self) -> Sequence[Patch | Replacement]:
        return (*self.patches, *interaction_bindings.patches())
