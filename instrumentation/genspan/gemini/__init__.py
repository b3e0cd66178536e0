"""Tracing for google-genai: the Gemini API and Vertex AI."""

from __future__ import annotations

from genspan._core.instrumentor import ProviderInstrumentor
from genspan.gemini.bindings import PATCHES

__all__ = ["GeminiInstrumentor"]


class GeminiInstrumentor(ProviderInstrumentor):
    """Traces every model call that a program makes through google-genai, directly or by chats and function calling."""

    dependencies = ("google-genai >= 2, < 4",)
    patches = PATCHES
