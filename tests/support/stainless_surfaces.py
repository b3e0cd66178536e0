"""How a program asks an SDK of the generated base (openai, anthropic) for an answer, once for sync and async."""

from __future__ import annotations

import asyncio
import functools
import gc
import inspect
import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import BaseModel

from tests.support.endings import Reader, drive
from tests.support.observe import Seen, plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.provider import FakeProvider, Reply

PROMPT = "What is the weather in Paris, and is it warm enough for a walk in the evening?"

_OPERATIONS = {
    "completions": "text_completion",
    "fim": "text_completion",
    "embeddings": "embeddings",
    "count_tokens": "count_tokens",
    "beta_count_tokens": "count_tokens",
}


class Weather(BaseModel):
    city: str
    degrees: int


class Surface(NamedTuple):
    api: str
    """Which of the SDK's resources."""
    way: str
    """How it is asked for: create, parse, manager, raw, streaming (`with_streaming_response`), post."""
    stream: bool = False
    reads: str = ""
    """What a raw answer is read by: parse, lines, bytes, json."""
    absent: str = ""
    """What the installed version of the SDK lacks for it."""

    @property
    def operation(self) -> str:
        return _OPERATIONS.get(self.api, "chat")

    @property
    def lazy(self) -> bool:
        """Errors of what the program does with a raw answer are not those of the call."""
        return self.way in ("raw", "streaming")

    def __str__(self) -> str:
        return "-".join(part for part in (self.api, self.way, "stream" if self.stream else "", self.reads) if part)


def surfaces_of(api: str) -> tuple[Surface, ...]:
    """The ways that a resource has."""
    return (
        Surface(api, "create"),
        Surface(api, "parse"),
        Surface(api, "post"),
        Surface(api, "raw", reads="parse"),
        *(Surface(api, "streaming", reads=reads) for reads in ("parse", "json", "bytes")),
        Surface(api, "create", True),
        Surface(api, "manager", True),
        Surface(api, "raw", True, "parse"),
        *(Surface(api, "streaming", True, reads) for reads in ("parse", "lines", "bytes")),
    )


class Sdk(NamedTuple):
    """Where an SDK has what the programs use."""

    resource: Callable[[Any, Surface], Any]
    schema: Callable[[Surface], dict[str, Any]]
    """What asks for a structured answer."""
    path: Callable[[Surface], str]
    arguments: Callable[[Surface], dict[str, Any]]
    """What the program passes; new objects each time."""

    def checked(self, client: Any, surfaces: tuple[Surface, ...]) -> tuple[Surface, ...]:
        """The surfaces, with what this version of the SDK lacks for them; such a one is skipped."""
        with client:
            return tuple(one._replace(absent=self._absent(client, one)) for one in surfaces)

    def _absent(self, client: Any, surface: Surface) -> str:
        try:
            return lacking(self.resource(client, surface), surface.way, _method(surface))
        except AttributeError as error:
            return str(error)

    def program(self, surface: Surface, is_async: bool, do: Any, **passed: Any) -> Callable[..., Any]:
        """Work for `run`, with arguments that are made when it runs."""

        def work(client: Any, seen: Seen) -> Any:
            return self.call(surface, is_async, client, seen, do, {**self.arguments(surface), **passed})

        return functools.wraps(self.call)(work)

    async def call(
        self, surface: Surface, is_async: bool, client: Any, seen: Seen, do: Any, passed: dict[str, Any]
    ) -> None:
        """Make the call; of a stream, `do` what an ending does with it."""
        before = plain(passed)
        try:
            await self._call(surface, is_async, client, seen, do, passed)
        except BaseException as error:
            seen.error(error)
        seen.here("over")
        seen.note("arguments", "unchanged" if plain(passed) == before else plain(passed))

    async def _call(
        self, surface: Surface, is_async: bool, client: Any, seen: Seen, do: Any, passed: dict[str, Any]
    ) -> None:
        resource = self.resource(client, surface)
        if surface.way == "manager":
            schema = self.schema(surface)
            known = inspect.signature(resource.stream).parameters
            schema = {name: value for name, value in schema.items() if name in known}  # some take none
            await _managed(resource.stream(**passed, **schema), surface, is_async, seen, do)
        elif surface.way == "streaming":
            method = getattr(resource.with_streaming_response, _method(surface))
            await _managed(method(**passed, **_streamed(surface)), surface, is_async, seen, do)
        elif surface.way == "post":
            seen.result(await maybe(client.post(self.path(surface), body=passed, cast_to=object)))
        elif surface.way == "parse":
            seen.result(await maybe(resource.parse(**passed, **self.schema(surface))))
        else:
            await self._created(resource, surface, is_async, seen, do, passed)

    async def _created(self, resource: Any, surface: Surface, is_async: bool, seen: Seen, do: Any, passed: Any) -> None:
        method = getattr(resource.with_raw_response if surface.way == "raw" else resource, _method(surface))
        result = await maybe(method(**passed, **_streamed(surface)))
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


def lacking(resource: Any, way: str, name: str) -> str:
    """What a resource of the SDK lacks for one way to call its method `name`."""
    raw = {"raw": "with_raw_response", "streaming": "with_streaming_response"}.get(way)
    name = {"manager": "stream", "parse": "parse"}.get(way, name)
    found = way == "post" or hasattr(getattr(resource, raw) if raw else resource, name)
    return "" if found else f"{type(resource).__qualname__} has no {name}"


def _method(surface: Surface) -> str:
    return "count_tokens" if surface.api.endswith("count_tokens") else "create"


def _streamed(surface: Surface) -> dict[str, bool]:
    return {"stream": True} if surface.stream else {}


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
