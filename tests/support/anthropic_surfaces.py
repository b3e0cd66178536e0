"""Every way in which a program asks anthropic for an answer."""

from __future__ import annotations

import inspect
from typing import Any

import anthropic

from tests.support.stainless_surfaces import PROMPT, Sdk, Surface, Weather, run, surfaces_of

API_KEY = "sk-ant-matrix-key-0123456789abcdef"
MODEL = "claude-sonnet-5"

_ALL = (
    *surfaces_of("messages"),
    *(one for one in surfaces_of("beta") if one.way != "post"),
    Surface("count_tokens", "create"),
    Surface("count_tokens", "streaming", reads="json"),
    Surface("beta_count_tokens", "create"),
    Surface("beta_count_tokens", "raw", reads="parse"),
)


def arguments(surface: Surface, prompt: Any = PROMPT) -> dict[str, Any]:
    """What the program passes; new objects each time."""
    found: dict[str, Any] = {"model": MODEL, "messages": [{"role": "user", "content": prompt}], "system": "Be brief."}
    return found if surface.api.endswith("count_tokens") else {**found, "max_tokens": 500, "stop_sequences": ["END"]}


def make_client(url: str, is_async: bool, **options: Any) -> Any:
    kind = anthropic.AsyncAnthropic if is_async else anthropic.Anthropic
    http = anthropic.DefaultAsyncHttpxClient(verify=False) if is_async else anthropic.DefaultHttpxClient(verify=False)
    # The SDK's own tracing shows in tracebacks; here the bare program has none.
    options = {"open_telemetry": False, **options}
    if "open_telemetry" not in inspect.signature(kind).parameters:  # before 2.0
        del options["open_telemetry"]
    return kind(api_key=API_KEY, base_url=url, max_retries=0, http_client=http, **options)


SDK = Sdk(
    resource=lambda client, surface: client.beta.messages if surface.api.startswith("beta") else client.messages,
    schema=lambda surface: {"output_format": Weather},
    path=lambda surface: "/v1/messages",
    arguments=arguments,
)
program = SDK.program

SURFACES = SDK.checked(anthropic.Anthropic(api_key=API_KEY), _ALL)

__all__ = ["SURFACES", "Surface", "Weather", "arguments", "make_client", "program", "run"]
