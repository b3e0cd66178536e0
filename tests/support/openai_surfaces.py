"""Every way in which a program asks openai for an answer."""

from __future__ import annotations

from typing import Any

import openai

from tests.support.stainless_surfaces import PROMPT, Sdk, Surface, Weather, run, surfaces_of

API_KEY = "sk-matrix-key-0123456789abcdef"
MODEL = "gpt-4.1-mini"

_ALL = (
    *surfaces_of("chat"),
    *surfaces_of("responses"),
    Surface("completions", "create"),
    Surface("completions", "create", True),
    Surface("embeddings", "create"),
    Surface("embeddings", "raw", reads="parse"),
)


def arguments(surface: Surface, prompt: Any = PROMPT) -> dict[str, Any]:
    """What the program passes; new objects each time."""
    if surface.api == "chat":
        found: dict[str, Any] = {"messages": [{"role": "user", "content": prompt}], "temperature": 0.5}
        if surface.stream:
            found["stream_options"] = {"include_usage": True}
    elif surface.api == "responses":
        found = {"input": prompt, "instructions": "Be brief.", "max_output_tokens": 500}
    elif surface.api == "embeddings":
        return {"model": "text-embedding-3-small", "input": [prompt, "second text"]}
    else:
        found = {"prompt": prompt, "max_tokens": 50}
        if surface.stream:
            found["stream_options"] = {"include_usage": True}
    return {"model": MODEL, **found}


def make_client(url: str, is_async: bool, **options: Any) -> Any:
    kind = openai.AsyncOpenAI if is_async else openai.OpenAI
    http = openai.DefaultAsyncHttpxClient(verify=False) if is_async else openai.DefaultHttpxClient(verify=False)
    return kind(api_key=API_KEY, base_url=f"{url}/v1", max_retries=0, http_client=http, **options)


SDK = Sdk(
    resource=lambda client, surface: client.chat.completions if surface.api == "chat" else getattr(client, surface.api),
    schema=lambda surface: {"response_format" if surface.api == "chat" else "text_format": Weather},
    path=lambda surface: {"chat": "/chat/completions", "responses": "/responses"}[surface.api],
    arguments=arguments,
)
program = SDK.program

SURFACES = SDK.checked(openai.OpenAI(api_key=API_KEY), _ALL)
PLAIN = tuple(one for one in SURFACES if not one.stream)
STREAMS = tuple(one for one in SURFACES if one.stream)

__all__ = ["PLAIN", "STREAMS", "SURFACES", "Surface", "Weather", "arguments", "make_client", "program", "run"]
