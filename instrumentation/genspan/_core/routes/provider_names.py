"""Who answers: the provider's name by the host that a client sends to."""

from __future__ import annotations

from functools import lru_cache
from os import environ
from typing import TYPE_CHECKING, Any, Final, cast

from genspan._core.config import refuse
from genspan_semconv.model import Key

if TYPE_CHECKING:
    from collections.abc import Mapping

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


PUBLIC: Final = {**_HOSTS, "openai.com": "openai"}
"""The providers that everybody knows, by host."""


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


def default_port(scheme: str) -> int | None:
    """The port of URLs of a scheme that name none."""
    return {"https": 443, "wss": 443, "http": 80, "ws": 80}.get(scheme)


def port_of(url: Any) -> int | None:
    """The port of a URL of urllib's or httpx's, also where it is not written."""
    return url.port or default_port(url.scheme)


class Keys:
    """Makes the keys of calls by the client that makes them and the URL that it sends to.

    ``variable`` names hosts; ``kinds`` are names of client classes, or what they begin with, and counts before the
    host where ``kind_first``; ``default`` is who answers elsewhere.
    """

    def __init__(self, variable: str, kinds: Mapping[str, str], default: str, kind_first: bool = False) -> None:
        self._hosts, self._kinds = read_hosts(variable), kinds
        self._default, self._kind_first = default, kind_first
        self._provider = lru_cache(maxsize=512)(self._name_provider)

    def key(self, client: Any, operation: str, model: str | None, stream: bool, url: Any = None) -> Key:
        """The key of a call; ``url`` where it is not the client's own."""
        url = client.base_url if url is None else url
        provider = self._provider(url.host, cast("type[Any]", type(client)))
        return Key(operation, provider, model, url.host, port_of(url), stream)

    def _name_provider(self, host: str, client: type[Any]) -> str:
        names = [kind.__name__.removeprefix("Async") for kind in client.__mro__]
        kinds = (self._kinds[kind] for name in names for kind in self._kinds if name.startswith(kind))
        found = (next(kinds, None), provider_of(host, self._hosts))
        first, second = found if self._kind_first else reversed(found)
        return first or second or self._default
