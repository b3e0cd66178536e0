"""Tracing of MLflow's AI Gateway inside the server: ``opentelemetry-instrument mlflow server``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genspan._core.hooks.instrumentor import ProviderInstrumentor
from genspan._core.supported_sdks import Sdk

if TYPE_CHECKING:
    from collections.abc import Sequence

    from genspan._core.hooks.patches import Patch

__all__ = ["MlflowGatewayInstrumentor"]


class MlflowGatewayInstrumentor(ProviderInstrumentor):
    """Traces the requests to a server's AI Gateway (SERVER) and the model calls that it makes for them (CLIENT)."""

    sdk = Sdk("mlflow", "mlflow", ("3.13.0", "3.18.0"))

    def _patch_points(self) -> Sequence[Patch]:
        from genspan.mlflow_gateway.bindings import PATCHES

        return PATCHES
