"""Tracing for openai: OpenAI, Azure OpenAI, and every server that speaks OpenAI's API."""

from __future__ import annotations

from genspan._core.instrumentor import ProviderInstrumentor
from genspan.openai.bindings import Routes

__all__ = ["OpenAIInstrumentor"]


class OpenAIInstrumentor(ProviderInstrumentor):
    """Traces every model call that a program makes through openai, whichever of the SDK's ways it takes."""

    dependencies = ("openai >= 2, < 4",)
    routes = Routes
