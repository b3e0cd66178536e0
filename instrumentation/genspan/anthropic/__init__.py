"""Tracing for anthropic: Anthropic's API, also on Bedrock, Vertex AI, Foundry, AWS and Google Cloud."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genspan._core.hooks.instrumentor import ProviderInstrumentor
from genspan._core.supported_sdks import SDKS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from genspan._core.hooks.patches import Patch, Replacement

__all__ = ["AnthropicInstrumentor"]


class AnthropicInstrumentor(ProviderInstrumentor):
    """Traces every model call that a program makes through anthropic, in place of the SDK's own tracing."""

    sdk = SDKS["anthropic"]

    def _patch_points(self) -> Sequence[Patch | Replacement]:
        from genspan.anthropic.bindings import Routes

        return Routes().patches()
