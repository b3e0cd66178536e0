"""Tracing for mistralai: Mistral's API, and its models on Azure and Vertex AI."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genspan._core.hooks.instrumentor import ProviderInstrumentor
from genspan._core.supported_sdks import SDKS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from genspan._core.hooks.patches import Patch, Replacement

__all__ = ["MistralAIInstrumentor"]


class MistralAIInstrumentor(ProviderInstrumentor):
    """Traces every model call that a program makes through mistralai, synchronous or asynchronous."""

    sdk = SDKS["mistralai"]

    def _patch_points(self) -> Sequence[Patch | Replacement]:
        from genspan.mistralai import bindings

        return bindings.patches()
