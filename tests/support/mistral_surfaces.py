"""Every way in which a program asks mistralai for an answer."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import httpx2
from mistralai.client import Mistral
from mistralai.client.utils import BackoffStrategy, RetryConfig

from tests.support.observe import Seen, plain
from tests.support.stainless_surfaces import PROMPT, Streamed, Surface, Weather, maybe, run

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["SURFACES", "Surface", "make_client", "program", "run"]

API_KEY = "mistral-matrix-key-0123456789abcdef"
MODEL = "mistral-large-latest"
SURFACES = (
    Surface("chat", "complete"),
    Surface("chat", "parse"),
    Surface("chat", "stream", True),
    Surface("chat", "parse_stream", True),
    Surface("agents", "complete"),
    Surface("agents", "stream", True),
    Surface("fim", "complete"),
    Surface("fim", "stream", True),
    Surface("embeddings", "create"),
    Surface("conversations", "start"),
    Surface("conversations", "append"),
    Surface("conversations", "restart"),
    Surface("conversations", "start_stream", True, "parse"),
    Surface("conversations", "append_stream", True, "parse"),
    Surface("conversations", "restart_stream", True, "parse"),
)


def arguments(surface: Surface, prompt: Any = PROMPT) -> dict[str, Any]:
    """What the program passes; new objects each time."""
    messages = [{"role": "user", "content": prompt}]
    if surface.api == "conversations":
        which = {"model": MODEL} if surface.way.startswith("start") else {"conversation_id": "conv-1"}
        entry = {"from_entry_id": "msg-1"} if surface.way.startswith("restart") else {}
        return {"inputs": prompt, **which, **entry}
    if surface.api == "agents":
        return {"agent_id": "ag-1", "messages": messages}
    if surface.api == "fim":
        return {"model": "codestral-latest", "prompt": "def add(a, b):", "suffix": "return c"}
    if surface.api == "embeddings":
        return {"model": "mistral-embed", "inputs": [prompt, "second text"]}
    schema = {"response_format": Weather} if surface.way.startswith("parse") else {}
    return {"model": MODEL, "messages": messages, "temperature": 0.5, **schema}


class _Client(Mistral):
    """With what the clients of other SDKs have."""

    def with_options(self, max_retries: int) -> _Client:
        if max_retries:
            self.sdk_configuration.retry_config = RetryConfig("backoff", BackoffStrategy(1, 1, 1.0, 10_000), True)
        return self

    def close(self) -> Any:
        return self.http.aclose() if isinstance(self.http, httpx2.AsyncClient) else self.http.close()


def make_client(url: str, is_async: bool) -> Any:
    http = httpx2.AsyncClient(verify=False) if is_async else httpx2.Client(verify=False)
    made = _Client(api_key=API_KEY, server_url=f"{url}/mistral", **{"async_client" if is_async else "client": http})
    made.http = http
    return made


def program(surface: Surface, is_async: bool, do: Any, **passed: Any) -> Callable[..., Any]:
    """Work for `run`, with arguments that are made when it runs."""

    async def work(client: Any, seen: Seen) -> None:
        given = {**arguments(surface), **passed}
        before = plain(given)
        try:
            await _call(surface, is_async, client, seen, do, given)
        except BaseException as error:
            seen.error(error)
        seen.here("over")
        seen.note("arguments", "unchanged" if plain(given) == before else plain(given))

    return functools.wraps(_call)(work)


async def _call(surface: Surface, is_async: bool, client: Any, seen: Seen, do: Any, passed: dict[str, Any]) -> None:
    resource = client.beta.conversations if surface.api == "conversations" else getattr(client, surface.api)
    method = getattr(resource, f"{surface.way}_async" if is_async else surface.way)
    result = await maybe(method(**passed))
    seen.here("called")
    if not surface.stream:
        seen.result(result)
        return
    seen.note("stream", type(result).__module__, type(result).__qualname__)
    reader = Streamed(result, is_async, seen)
    del result
    await do(reader)
