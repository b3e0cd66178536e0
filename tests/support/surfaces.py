"""Every way in which a program asks google-genai for something that one HTTP request answers, sync and async."""

from __future__ import annotations

import functools
import importlib.util
from typing import TYPE_CHECKING, Any, NamedTuple

from google import genai
from google.genai import types
from google.oauth2.credentials import Credentials

if TYPE_CHECKING:
    from collections.abc import Callable

if not hasattr(genai.Client, "close"):  # google-genai 1.10 leaves that to the collector

    def _close(client: Any) -> None:
        client._api_client._httpx_client.close()

    async def _aclose(client: Any) -> None:
        """As in later versions, which make another session in the next event loop."""
        api_client = client._api_client
        used, api_client._async_httpx_client = api_client._async_httpx_client, type(api_client._async_httpx_client)()
        await used.aclose()

    genai.Client.close = _close
    type(genai.Client(api_key="none").aio).aclose = _aclose

API_KEY = "AIza-matrix-key-0123456789"
TOKEN = "ya29.matrix-token-0123456789"
MODEL = "gemini-2.5-flash"
PROMPT = "What is the weather in Paris, and is it warm enough for a walk in the evening?"


class Surface(NamedTuple):
    name: str
    chat: bool = False
    stream: bool = False
    afc: bool = False

    @property
    def operation(self) -> str:
        return {"embed_content": "embeddings", "count_tokens": "count_tokens"}.get(self.name, "generate_content")

    def __str__(self) -> str:
        return f"{self.name}-afc" if self.afc else self.name


_CALLS = (
    Surface("generate_content"),
    Surface("generate_content_stream", stream=True),
    Surface("send_message", chat=True),
    Surface("send_message_stream", chat=True, stream=True),
)
SURFACES = (*_CALLS, *(one._replace(afc=True) for one in _CALLS), Surface("embed_content"), Surface("count_tokens"))
PLAIN = tuple(one for one in SURFACES if not one.stream)
STREAMS = tuple(one for one in SURFACES if one.stream)


def arguments(surface: Surface, tools: list[Callable[..., Any]], contents: Any = PROMPT) -> dict[str, Any]:
    """What the program passes; a new config each time."""
    if surface.name == "embed_content":
        return {"contents": ["first text", "second text"], "config": types.EmbedContentConfig(output_dimensionality=8)}
    if surface.name == "count_tokens":
        return {"contents": contents}
    config = types.GenerateContentConfig(temperature=0.5, max_output_tokens=500, tools=tools if surface.afc else None)
    return {"message" if surface.chat else "contents": contents, "config": config}


def method(surface: Surface, client: Any, is_async: bool, model: str = MODEL) -> Callable[..., Any]:
    """The bound method to call with `arguments`; an asynchronous one gives something to await."""
    client = client.aio if is_async else client
    if surface.chat:
        return getattr(client.chats.create(model=model), surface.name)
    model = "gemini-embedding-001" if surface.name == "embed_content" else model
    return functools.partial(getattr(client.models, surface.name), model=model)


BACKENDS = ("gemini", "vertex-key", "vertex-credentials", "gateway")
TRANSPORTS = {"sync": ("default", "httpx"), "async": ("aiohttp", "httpx2", "httpx")}


def installed(transport: str) -> bool:
    if transport == "httpx2" and int(genai.__version__.partition(".")[0]) < 3:
        return False  # google-genai takes no client of it before 3, though another SDK may have brought it
    if transport in ("httpx", "httpx2") and "client_args" not in types.HttpOptions.model_fields:
        return False  # google-genai 1.10 makes its own
    module = {"default": "google.genai"}.get(transport, transport)
    return importlib.util.find_spec(module) is not None


def make_client(url: str, backend: str = "gemini", transport: str = "default", **options: Any) -> genai.Client:
    """A client that sends to the fake provider."""
    http = {"base_url": url, **_transport(transport), **options}
    if backend == "gateway":
        http["base_url"] = f"{url}/company/gateway"
        http["headers"] = {"Authorization": f"Bearer {TOKEN}", **http.get("headers", {})}
    if backend == "vertex-key":
        return genai.Client(vertexai=True, api_key=API_KEY, http_options=http)
    if backend == "vertex-credentials":
        credentials = Credentials(token=TOKEN)
        where = {"project": "project-1", "location": "europe-west4"}
        return genai.Client(vertexai=True, credentials=credentials, http_options=http, **where)
    return genai.Client(api_key=API_KEY, http_options=http)


def _transport(name: str) -> dict[str, Any]:
    if name in ("default", "aiohttp"):
        return {}
    module = importlib.import_module(name)
    return {
        "client_args": {"transport": module.HTTPTransport()},
        "async_client_args": {"transport": module.AsyncHTTPTransport()},
    }
