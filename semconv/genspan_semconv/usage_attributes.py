"""The attributes by which spans report the usage or the cost of a model call, in every convention in use."""

from __future__ import annotations

from typing import Final

from genspan_semconv import attributes as names

_PREFIXES: Final = (
    "gen_ai.usage.",  # OpenTelemetry, and nearly every framework
    "llm.usage.",  # OpenLLMetry
    "llm.token_count.",  # OpenInference
    "llm.cost.",  # OpenInference
    "ai.usage.",  # Vercel's AI SDK
    "langfuse.observation.usage",  # Langfuse: _details, and the older form
    "langfuse.observation.cost_details",
    names.MLFLOW_CHAT_TOKEN_USAGE,
    "mlflow.llm.cost",
)


def is_usage(attribute: str) -> bool:
    """Whether an attribute is a figure that a backend would add up.

    ``gen_ai.aggregated_usage.*`` (pydantic-ai, Logfire) is none: it is named so that nobody adds it up.
    """
    return attribute.startswith(_PREFIXES)
