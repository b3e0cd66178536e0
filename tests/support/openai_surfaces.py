"""Every way in which a program asks openai for an answer, written once for sync and async."""

from __future__ import annotations

import asyncio
import functools
import gc
import inspect
import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

import openai
from pydantic import BaseModel

from tests.support.endings import DONE, Reader, drive
from tests.support.observe import Seen, plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.provider import FakeProvider, Reply

API_KEY = "sk-matrix-key-0123456789abcdef"
MODEL = "gpt-4.1-mini"
PROMPT = "What is the weather in Paris, and is it warm enough for a walk in the evening?"


class Weather(BaseModel):
    city: str
    degrees: int


class Surface(NamedTuple):
    api: str
    """chat, responses, completions or embeddings."""
    way: str
    """How it is asked for: create, parse, manager, raw, streaming (`with_streaming_response`), post."""
    stream: bool = False
    reads: str = ""
    """What a raw answer is read by: parse, lines, bytes, json."""

    @property
    def operation(self) -> str:
        return {"completions": "text_completion", "embeddings": "embeddings"}.get(self.api, "chat")

    @property
    def lazy(self) -> bool:
        """Errors of what the program does with a raw answer are not those of the call."""
        return self.way in ("raw", "streaming")

    def __str__(self) -> str:
        return "-".join(part for part in (self.api, self.way, "stream" if self.stream else "", self.reads) if part)


def _surfaces(api: str) -> tuple[Surface, ...]:
    return (
        Surface(api, "create"),
        Surface(api, "parse"),
        Surface(api, "post"),
        Surface(api, "raw", reads="parse"),
        Surface(api, "streaming", reads="parse"),
        Surface(api, "streaming", reads="json"),
        Surface(api, "streaming", reads="bytes"),
        Surface(api, "create", True),
        Surface(api, "manager", True),
        Surface(api, "raw", True, "parse"),
        Surface(api, "streaming", True, "parse"),
        Surface(api, "streaming", True, "lines"),
        Surface(api, "streaming", True, "bytes"),
    )


SURFACES = (
    *_surfaces("chat"),
    *_surfaces("responses"),
    Surface("completions", "create"),
    Surface("completions", "create", True),
    Surface("embeddings", "create"),
    Surface("embeddings", "raw", reads="parse"),
)
PLAIN = tuple(one for one in SURFACES if not one.stream)
STREAMS = tuple(one for one in SURFACES if one.stream)


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


class Streamed(Reader):
    """A stream object of the SDK, or an iterator of its lines or bytes."""

    def __init__(self, stream: Any, is_async: bool, seen: Seen, owner: Any = None) -> None:
        super().__init__(stream, is_async, seen)
        self.owner = owner

    async def close(self) -> None:
        await maybe((self.owner or self.stream).close())

    async def drop(self) -> None:
        self.owner = None
        self.stream = None
        gc.collect()
        for _ in range(10 if self.is_async else 0):
            await asyncio.sleep(0.001)


async def maybe(value: Any) -> Any:
    return await value if inspect.isawaitable(value) else value


async def call(surface: Surface, is_async: bool, client: Any, seen: Seen, do: Any, passed: dict[str, Any]) -> None:
    """Make the call; of a stream, `do` what an ending does with it."""
    before = plain(passed)
    try:
        await _call(surface, is_async, client, seen, do, passed)
    except BaseException as error:
        seen.error(error)
    seen.here("over")
    seen.note("arguments", "unchanged" if plain(passed) == before else plain(passed))


async def _call(surface: Surface, is_async: bool, client: Any, seen: Seen, do: Any, passed: dict[str, Any]) -> None:
    resource = {"chat": client.chat.completions}.get(surface.api) or getattr(client, surface.api)
    if surface.way == "manager":
        fields = {"response_format" if surface.api == "chat" else "text_format": Weather}
        await _managed(resource.stream(**passed, **fields), surface, is_async, seen, do)
    elif surface.way == "streaming":
        stream = {"stream": True} if surface.stream else {}
        await _managed(resource.with_streaming_response.create(**passed, **stream), surface, is_async, seen, do)
    elif surface.way == "post":
        path = {"chat": "/chat/completions", "responses": "/responses"}[surface.api]
        seen.result(await maybe(client.post(path, body=passed, cast_to=object)))
    elif surface.way == "parse":
        fields = {"response_format" if surface.api == "chat" else "text_format": Weather}
        seen.result(await maybe(resource.parse(**passed, **fields)))
    else:
        await _created(resource, surface, is_async, seen, do, passed)


async def _created(resource: Any, surface: Surface, is_async: bool, seen: Seen, do: Any, passed: Any) -> None:
    method = resource.with_raw_response.create if surface.way == "raw" else resource.create
    stream = {"stream": True} if surface.stream else {}
    result = await maybe(method(**passed, **stream))
    seen.here("called")
    if surface.way == "raw":
        seen.note("raw", type(result).__qualname__, result.http_response.is_closed, result.status_code)
        result = await maybe(result.parse())
    if not surface.stream:
        seen.result(result)
        return
    seen.note("stream", type(result).__module__, type(result).__qualname__)
    reader = Streamed(result, is_async, seen)
    del result
    await do(reader)


async def _managed(manager: Any, surface: Surface, is_async: bool, seen: Seen, do: Any) -> None:
    """What `with manager as it:` does. After the block both names are gone."""
    entered = await maybe(manager.__aenter__() if is_async else manager.__enter__())
    seen.here("entered")
    seen.note("entered", type(entered).__module__, type(entered).__qualname__)
    leave = manager.__aexit__ if is_async else manager.__exit__
    del manager
    try:
        await _within(entered, surface, is_async, seen, do)
    except BaseException as error:
        del entered
        if not await maybe(leave(type(error), error, error.__traceback__)):
            raise
    else:
        del entered
        await maybe(leave(None, None, None))


async def _within(entered: Any, surface: Surface, is_async: bool, seen: Seen, do: Any) -> None:
    if surface.way == "streaming":
        seen.note("unread", entered.is_closed, entered.http_response.is_closed)
    if not surface.stream:
        seen.result(await _read(entered, surface.reads, is_async))
        return
    owner = None
    stream = entered
    if surface.reads in ("lines", "bytes"):
        owner = entered
        stream = entered.iter_lines() if surface.reads == "lines" else entered.iter_bytes()
    elif surface.reads == "parse":
        stream = await maybe(entered.parse())
    reader = Streamed(stream, is_async, seen, owner)
    del stream, entered, owner
    await do(reader)


async def _read(response: Any, reads: str, is_async: bool) -> Any:
    if reads == "bytes":
        return [chunk async for chunk in response.iter_bytes()] if is_async else list(response.iter_bytes())
    return await maybe(response.parse() if reads == "parse" else response.json())


def run(
    provider: FakeProvider, script: tuple[Reply, ...], is_async: bool, work: Callable[..., Any], client: Any
) -> Seen:
    """Run the program in a fresh event loop, or without one."""
    gc.freeze()
    provider.reset()
    provider.script(*script)
    seen = Seen(provider)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Pydantic serializer warnings")  # of what `.parse()` returns
        if is_async:
            asyncio.run(_closing(client, work(client, seen)))
        else:
            drive(work(client, seen))
        for error in seen.errors:
            error.__traceback__ = None
        gc.collect()
    seen.note("requests", [(one.method, one.path) for one in provider.ledger], provider.unused)
    return seen


async def _closing(client: Any, work: Any) -> None:
    try:
        await work
    finally:
        await client.close()


def program(surface: Surface, is_async: bool, do: Any, **passed: Any) -> Callable[..., Any]:
    """Work for `run`, with arguments that are made when it runs."""

    def work(client: Any, seen: Seen) -> Any:
        return call(surface, is_async, client, seen, do, {**arguments(surface), **passed})

    return functools.wraps(call)(work)


__all__ = ["DONE", "PLAIN", "STREAMS", "SURFACES", "Streamed", "Surface", "Weather", "arguments", "make_client"]
