"""Parameters of OpenAI's own requests: those of the dialect, and a service tier."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from genspan.dialects import openai_params
from genspan_semconv import attributes as names
from genspan_semconv.model import text

if TYPE_CHECKING:
    from genspan_semconv.model import Params, Wire

_TIERS: Final = ("default", "flex", "priority", "scale")  # compatible servers have names of their own


def read(body: Wire) -> Params:
    """The parameters of a request."""
    found, tier = openai_params.read(body), text(body.get("service_tier"))
    if tier in _TIERS:
        found[names.OPENAI_REQUEST_SERVICE_TIER] = tier
    return found
