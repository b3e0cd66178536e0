"""Who answers: the provider's name by the host that a client sends to."""

from __future__ import annotations

from os import environ
from typing import Final

from genspan._core.config import refuse

PROVIDERS: Final = "GENSPAN_OPENAI_PROVIDERS"

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

_CLIENTS: Final = {"Azure": "azure.ai.openai", "Bedrock": "aws.bedrock"}


def read_providers() -> dict[str, str]:
    """The hosts by default, and those of ``GENSPAN_OPENAI_PROVIDERS`` (``host=provider,host=provider``) before them."""
    named: dict[str, str] = {}
    value = environ.get(PROVIDERS, "").strip()
    for item in value.split(",") if value else ():
        host, found, provider = (part.strip() for part in item.partition("="))
        if not (host and found and provider):
            refuse(PROVIDERS, value, "host=provider, several with commas", "what can be read of it")
            continue
        named[host.lower()] = provider
    return {**named, **{host: provider for host, provider in _HOSTS.items() if host not in named}}


def provider_of(host: str, client: type, hosts: dict[str, str]) -> str:
    """The provider of a host or of the domain that it is in; else of the kind of client; else OpenAI."""
    name = host.lower()
    while name:
        if name in hosts:
            return hosts[name]
        name = name.partition(".")[2]
    for kind in client.__mro__:
        for prefix, provider in _CLIENTS.items():
            if kind.__name__.removeprefix("Async").startswith(prefix):
                return provider
    return "openai"
