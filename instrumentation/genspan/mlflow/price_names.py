"""A model's name as it stands in MLflow's price list (``mlflow/utils/model_catalog/<provider>.json``).

MLflow looks for the provider and the exact name without what stands before its first slash, then for that name with any
provider. Most names need nothing: dated snapshots are listed as such.
"""

from __future__ import annotations

import re
from typing import Final

_WITH_SLASHES: Final = frozenset(("fireworks_ai", "groq", "openrouter", "perplexity", "together_ai", "watsonx"))
"""Providers in whose lists names have slashes; MLflow takes off what stands before the first one."""
_RESOURCE: Final = re.compile(r"^(?:projects/.*/|publishers/[^/]+/)?models/")
_REVISION: Final = re.compile(r":\d{4}-?\d\d-?\d\d-v\d+$")
"""Of OpenAI's older models: ``gpt-3.5-turbo-instruct:20230824-v2``."""
_BEDROCK_ID: Final = re.compile(r"^[a-z]+[a-z0-9-]*\.[a-z]")
"""``anthropic.claude-...`` or ``us.anthropic.claude-...``; a profile of the user's has an id without dots."""
_CLAUDE_DATE: Final = re.compile(r"^(claude-.+)-(\d{8})$")


def listed_model(provider: str, requested: str | None, answered: str | None) -> str | None:
    """The name to price a call by, for a provider in the spelling of the list; ``None`` where there is none."""
    name = answered or requested
    if provider == "bedrock":
        return _bedrock(requested) or name
    if provider == "openrouter" and requested and not requested.startswith(("openrouter/", "~")):
        name = requested  # it answers with snapshots that the list does not have
    if name is None:
        return None
    name = _REVISION.sub("", _RESOURCE.sub("", name))
    if provider == "vertex_ai":
        return _vertex(name)
    return f"{provider}/{name}" if "/" in name and provider in _WITH_SLASHES else name


def listed_provider(provider: str, span_type: object) -> str:
    """The list that has the model: Cohere has one for chat."""
    return "cohere_chat" if provider == "cohere" and span_type == "CHAT_MODEL" else provider


def _bedrock(requested: str | None) -> str | None:
    """The model's id on Bedrock, with its region (``us.``), also out of an ARN; prices differ from the maker's."""
    found = (requested or "").rpartition("/")[2]
    return found if _BEDROCK_ID.match(found) else None


def _vertex(name: str) -> str:
    """Names of Google's own without their maker, which its OpenAI endpoint adds; others' with theirs; dates after @."""
    name = name.removeprefix("google/") if name.startswith("google/gemini") else name
    return f"vertex_ai/{name}" if "/" in name else _CLAUDE_DATE.sub(r"\1@\2", name)
