"""One user's program: a call on a surface, a fault of the provider, and what the program does with the result."""

from __future__ import annotations

import asyncio
import gc
import warnings
from typing import TYPE_CHECKING, Any, get_type_hints

from tests.support import surfaces
from tests.support.endings import Reader, drive
from tests.support.observe import Seen, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from tests.support.provider import FakeProvider, Reply
    from tests.support.surfaces import Surface


async def call(surface: Surface, is_async: bool, client: Any, seen: Seen, do: Any = None, **options: Any) -> None:
    """Make the call; of a stream, `do` what an ending does with it."""

    def get_weather(city: str) -> dict[str, Any]:
        """Get the weather of a city."""
        seen.tool_runs += 1
        return {"temperature": 21, "city": city}

    get_weather.__annotations__ = get_type_hints(get_weather)  # google-genai reads no text of them before 1.13
    arguments = surfaces.arguments(surface, [get_weather], **options)
    before = plain(arguments)
    method = surfaces.method(surface, client, is_async)
    try:
        result = method(**arguments)
        if is_async:
            seen.note("awaitable", type(result).__name__)
            result = await result
        seen.here("called")
        if surface.stream:
            seen.stream(result)
            reader = Reader(result, is_async, seen)
            del result
            await do(reader)
        else:
            seen.result(result)
    except BaseException as error:
        seen.error(error)
    seen.here("over")
    seen.note("arguments", "unchanged" if plain(arguments) == before else plain(arguments))


def run(
    provider: FakeProvider,
    script: tuple[Reply, ...],
    work: Callable[[Any, Seen], Coroutine[Any, Any, None]],
    client: Any,
    is_async: bool,
) -> Seen:
    """Run the program in a fresh event loop, or without one."""
    gc.freeze()  # what is there already costs no time in the collection below
    provider.reset()
    provider.script(*script)
    seen = Seen(provider)
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", ".* is not a valid ", UserWarning
        )  # google-genai's, of values newer than itself
        if is_async:
            asyncio.run(_closing(client, work(client, seen)))
        else:
            drive(work(client, seen))
        for error in seen.errors:
            error.__traceback__ = None
        gc.collect()
    seen.note("requests", [(one.method, one.path) for one in provider.ledger], provider.unused)
    seen.note("tool runs", seen.tool_runs)
    return seen


async def _closing(client: Any, work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    finally:
        await client.aio.aclose()
