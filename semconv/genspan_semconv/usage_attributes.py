"""The attributes by which spans report the usage or the cost of a model call, in every convention in use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from genspan_semconv import attributes as names

if TYPE_CHECKING:
    from collections.abc import Mapping

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
    """Whether an attribute is a count or a price that a backend would add up.

    ``gen_ai.aggregated_usage.*`` (pydantic-ai, Logfire) is none: it is named so that nobody adds it up.
    """
    return attribute.startswith(_PREFIXES)


def is_result_of_langchain(attributes: Mapping[str, object]) -> bool:
    """Whether a span of LangSmith's holds what a model run of LangChain gave."""
    if str(attributes.get("langsmith.metadata.ls_integration")).startswith("langchain"):
        return True
    return str(attributes.get("gen_ai.completion")).startswith('{"generations":')  # langchain-core before 1.1
