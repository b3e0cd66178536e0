"""Tracing for LangChain and LangGraph: agents, chains, tools and retrievers around the model calls of any SDK."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genspan._core.hooks.instrumentor import ProviderInstrumentor
from genspan._core.supported_sdks import SDKS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from genspan._core.hooks.patches import Patch, Replacement

__all__ = ["LangChainInstrumentor"]


class LangChainInstrumentor(ProviderInstrumentor):
    """Traces the runs of langchain-core and LangGraph.

    A chat model over an SDK that is traced is one span, the SDK's own, in LangChain's tree; over any other model it is
    one span with LangChain's usage. Agents, workflows, tools and retrievers are spans without usage around them.
    """

    sdk = SDKS["langchain"]

    def _patch_points(self) -> Sequence[Patch | Replacement]:
        from genspan.langchain.bindings import Hooks

        return Hooks().patches()
