"""Tracing for groq: Groq's API, which is OpenAI's in form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genspan._core.hooks.instrumentor import ProviderInstrumentor
from genspan._core.supported_sdks import SDKS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from genspan._core.hooks.patches import Patch, Replacement

__all__ = ["GroqInstrumentor"]


class GroqInstrumentor(ProviderInstrumentor):
    """Traces every model call that a program makes through groq: chat completions, embeddings, sound and its text."""

    sdk = SDKS["groq"]

    def _patch_points(self) -> Sequence[Patch | Replacement]:
        from genspan.groq.bindings import Routes

        return Routes().patches()
