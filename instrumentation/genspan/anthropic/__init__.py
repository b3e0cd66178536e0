"""Tracing for anthropic: Anthropic's API, also on Bedrock, Vertex AI, Foundry, AWS and Google Cloud."""

from __future__ import annotations

from genspan._core.instrumentor import ProviderInstrumentor
from genspan.anthropic.bindings import Routes

__all__ = ["AnthropicInstrumentor"]


class AnthropicInstrumentor(ProviderInstrumentor):
    """Traces every model call that a program makes through anthropic, in place of the SDK's own tracing."""

    dependencies = ("anthropic >= 1, < 3",)
    routes = Routes
