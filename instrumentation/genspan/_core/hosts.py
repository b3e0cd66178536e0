"""Who answers: the provider's name by the host that a client sends to."""

from __future__ import annotations

from os import environ
from typing import Final

from genspan._core.config import refuse

# The conventions' names; what they do not list is named as in MLflow's price list.
_HOSTS: Final = {
    "openai.azure.com": "azure.ai.openai",
    "cognitiveservices.azure.com": "azure.ai.openai",
    "services.ai.azure.com": "azure.ai.inference",
    "models.ai.azure.com": "azure.ai.inference",
    "amazonaws.com": "aws.bedrock",
    "api.aws": "aws.bedrock",
    "generativelanguage.googleapis.com": "gcp.gemini",
    "aiplatform.googleapis.com": "gcp.vertex_ai",
    "api.anthropic.com": "anthropic",
    "api.groq.com": "groq",
    "api.mistral.ai": "mistral_ai",
    "api.deepseek.com": "deepseek",
    "api.x.ai": "x_ai",
    "api.perplexity.ai": "perplexity",
    "api.cohere.ai": "cohere",
    "api.cohere.com": "cohere",
    "api.moonshot.ai": "moonshot_ai",
    "api.moonshot.cn": "moonshot_ai",
    "ml.cloud.ibm.com": "ibm.watsonx.ai",
    "openrouter.ai": "openrouter",
    "api.together.xyz": "together_ai",
    "api.fireworks.ai": "fireworks_ai",
    "api.cerebras.ai": "cerebras",
}


def read_hosts(variable: str) -> dict[str, str]:
    """The hosts by default, and before them those of a variable: ``host=provider,host=provider``."""
    named: dict[str, str] = {}
    value = environ.get(variable, "").strip()
    for item in value.split(",") if value else ():
        host, _, provider = (part.strip() for part in item.partition("="))
        if host and provider:
            named[host.lower()] = provider
        else:
            refuse(variable, value, "host=provider, several with commas", "what can be read of it")
    return {**_HOSTS, **named}


def provider_of(host: str, hosts: dict[str, str]) -> str | None:
    """The provider of a host, or of the longest name that it ends in (``europe-west1-aiplatform.googleapis.com``)."""
    name = host.lower()
    found = [known for known in hosts if name == known or name.endswith((f".{known}", f"-{known}"))]
    return hosts[max(found, key=len)] if found else None
