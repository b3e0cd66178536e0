"""Every way in which a program asks groq for an answer."""

from __future__ import annotations

from typing import Any

import groq

from tests.support.stainless_surfaces import PROMPT, Sdk, Surface, run, surfaces_of

API_KEY = "gsk-matrix-key-0123456789abcdef"
MODEL = "llama-3.3-70b-versatile"

_ALL = (
    *(one for one in surfaces_of("chat") if one.way not in ("parse", "manager")),  # which it has not
    Surface("embeddings", "create"),
    Surface("embeddings", "raw", reads="parse"),
)


def arguments(surface: Surface, prompt: Any = PROMPT) -> dict[str, Any]:
    """What the program passes; new objects each time."""
    if surface.api == "embeddings":
        return {"model": "nomic-embed-text-v1_5", "input": [prompt, "second text"]}
    return {"model": MODEL, "messages": [{"role": "user", "content": prompt}], "temperature": 0.5}


def make_client(url: str, is_async: bool, **options: Any) -> Any:
    kind = groq.AsyncGroq if is_async else groq.Groq
    http = groq.DefaultAsyncHttpxClient(verify=False) if is_async else groq.DefaultHttpxClient(verify=False)
    return kind(api_key=API_KEY, base_url=url, max_retries=0, http_client=http, **options)


SDK = Sdk(
    resource=lambda client, surface: client.chat.completions if surface.api == "chat" else client.embeddings,
    schema=lambda surface: {},
    path=lambda surface: "/openai/v1/chat/completions",
    arguments=arguments,
)
program = SDK.program

SURFACES = SDK.checked(groq.Groq(api_key=API_KEY), _ALL)

__all__ = ["SURFACES", "Surface", "arguments", "make_client", "program", "run"]
