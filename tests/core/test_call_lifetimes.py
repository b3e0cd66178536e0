"""A call that has ended keeps nothing: prompt, answer, stream and client go when the program lets go, as without us.

Without the collector, on every SDK, whatever the call was and however it ended.
"""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import threading
import weakref
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import genspan
from tests.support.endings import drive
from tests.support.stainless_surfaces import maybe
from tests.support.telemetry import CAPTURE, Telemetry

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]


class Prompt(str):
    """A prompt that can be watched."""

    __slots__ = ("__weakref__",)


def gemini_client(url, is_async):
    from google import genai

    return genai.Client(api_key="a-key-for-tests", http_options={"base_url": url})


def openai_client(url, is_async):
    import openai

    return (openai.AsyncOpenAI if is_async else openai.OpenAI)(api_key="a-key", base_url=f"{url}/v1", max_retries=0)


def anthropic_client(url, is_async):
    import anthropic

    return (anthropic.AsyncAnthropic if is_async else anthropic.Anthropic)(api_key="a-key", base_url=url, max_retries=0)


def weather(city: str) -> str:
    """The weather of a city."""
    return f"fine in {city}"


def gemini(method, **config):
    def ask(client, prompt, is_async):
        models = (client.aio if is_async else client).models
        return getattr(models, method)(model="gemini-2.5-flash", contents=[prompt], config=config)

    return ask


def gemini_chat(method):
    def ask(client, prompt, is_async):
        return getattr((client.aio if is_async else client).chats.create(model="gemini-2.5-flash"), method)(prompt)

    return ask


def interaction(client, prompt, is_async):
    return (client.aio if is_async else client).interactions.create(model="gemini-2.5-flash", input=prompt)


def openai_chat(**more):
    def ask(client, prompt, is_async):
        messages = [{"role": "user", "content": prompt}]
        return client.chat.completions.create(model="gpt-4.1-mini", messages=messages, **more)

    return ask


def openai_raw(client, prompt, is_async):
    messages = [{"role": "user", "content": prompt}]
    return client.chat.completions.with_raw_response.create(model="gpt-4.1-mini", messages=messages)


def openai_responses(**more):
    return lambda client, prompt, is_async: client.responses.create(model="gpt-4.1-mini", input=prompt, **more)


def anthropic_messages(**more):
    def ask(client, prompt, is_async):
        messages = [{"role": "user", "content": prompt}]
        return client.messages.create(model="claude-haiku-4-5", max_tokens=64, messages=messages, **more)

    return ask


SURFACES = {
    "gemini": (gemini_client, gemini("generate_content")),
    "gemini-chat": (gemini_client, gemini_chat("send_message")),
    "gemini-functions": (gemini_client, gemini("generate_content", tools=[weather])),
    "gemini-interaction": (gemini_client, interaction),
    "gemini-stream": (gemini_client, gemini("generate_content_stream")),
    "gemini-chat-stream": (gemini_client, gemini_chat("send_message_stream")),
    "gemini-functions-stream": (gemini_client, gemini("generate_content_stream", tools=[weather])),
    "openai": (openai_client, openai_chat()),
    "openai-raw": (openai_client, openai_raw),
    "openai-responses": (openai_client, openai_responses()),
    "openai-stream": (openai_client, openai_chat(stream=True)),
    "openai-responses-stream": (openai_client, openai_responses(stream=True)),
    "anthropic": (anthropic_client, anthropic_messages()),
    "anthropic-stream": (anthropic_client, anthropic_messages(stream=True)),
}


class Program:
    """One call, and what of it is still there after the program has let go of everything."""

    def __init__(self, surface: str, is_async: bool, keep_client: bool) -> None:
        self.make, self.ask = SURFACES[surface]
        self.stream = surface.endswith("stream")
        self.is_async = is_async
        self.keep_client = keep_client
        self.watched: dict[str, weakref.ref[Any]] = {}
        self.kept: list[Any] = []
        self.left: set[str] = set()

    def run(self, url: str, ending: Callable[..., Any], text: str) -> set[str]:
        """The names of what is left, without the collector."""
        gc.collect()
        gc.freeze()  # what is there already need not be looked at again
        gc.disable()
        try:
            if self.is_async:
                asyncio.run(self._main(url, ending, text))
            else:
                drive(self._main(url, ending, text))
        finally:
            gc.enable()
        self.kept.clear()
        return self.left

    async def _main(self, url: str, ending: Callable[..., Any], text: str) -> None:
        await self._call(url, ending, text)
        for _ in range(20 if self.is_async else 0):
            await asyncio.sleep(0.005)
        self.left = {name for name, found in self.watched.items() if found() is not None}
        for client in self.kept:
            twin = client.aio if self.is_async and hasattr(client, "aio") else client
            await maybe(getattr(twin, "aclose", twin.close if hasattr(twin, "close") else None)())

    async def _call(self, url: str, ending: Callable[..., Any], text: str) -> None:
        client, prompt = self.make(url, self.is_async), Prompt(text)
        self.watched |= {"client": weakref.ref(client), "prompt": weakref.ref(prompt)}
        if self.keep_client:
            self.kept.append(client)
        with suppress(Exception, asyncio.CancelledError):
            await ending(self, client, prompt)

    async def asked(self, client: Any, prompt: Any) -> Any:
        result = await maybe(self.ask(client, prompt, self.is_async))
        self.watched["result"] = weakref.ref(result)
        return result

    async def next(self, stream: Any) -> None:
        item = await anext(stream) if self.is_async else next(stream)
        self.watched.setdefault("first", weakref.ref(item))


async def whole(program, client, prompt):
    result = await program.asked(client, prompt)
    if program.stream:
        while True:
            await program.next(result)


async def closed(program, client, prompt):
    stream = await program.asked(client, prompt)
    await program.next(stream)
    await maybe(stream.aclose() if hasattr(stream, "aclose") else stream.close())


async def dropped(program, client, prompt):
    await program.next(await program.asked(client, prompt))


async def never_read(program, client, prompt):
    await program.asked(client, prompt)


async def consumer_raises(program, client, prompt):
    stream = await program.asked(client, prompt)
    await program.next(stream)
    raise LookupError("the program's own")


async def elsewhere(program, client, prompt):
    stream = await program.asked(client, prompt)
    await program.next(stream)
    if program.is_async:
        await asyncio.create_task(program.next(stream))
    else:
        thread = threading.Thread(target=lambda: drive(program.next(stream)))
        thread.start()
        thread.join()


async def cancelled(program, client, prompt):
    task = asyncio.create_task(whole(program, client, prompt))
    del client, prompt
    await asyncio.sleep(0.3)
    task.cancel()
    await task


PLAIN = {"ok": (whole, "hello"), "error": (whole, "[[status=400]] hello"), "cut": (whole, "[[cut=1]] hello")}
STREAMED = {
    **PLAIN,
    "error-in-stream": (whole, "[[error-in-stream=1]] hello"),
    "closed": (closed, "hello"),
    "dropped": (dropped, "hello"),
    "never-read": (never_read, "hello"),
    "consumer-raises": (consumer_raises, "hello"),
    "elsewhere": (elsewhere, "hello"),
}
CANCELLED = {"cancelled": (cancelled, "[[hang=2]] hello"), "cancelled-held": (cancelled, "[[hold=1]] hello")}


def cases():
    """Every surface with every ending; also without its client where the call is a success or is left early."""
    for surface in SURFACES:
        streams = surface.endswith("stream")
        for is_async in (False, True):
            endings = {**(STREAMED if streams else PLAIN), **(CANCELLED if is_async else {})}
            if not streams:
                endings.pop("cancelled-held", None)
            for name, case in endings.items():
                identity = f"{surface}-{'async' if is_async else 'sync'}-{name}"
                yield pytest.param(surface, is_async, *case, True, id=identity)
                if name in ("ok", "dropped"):
                    yield pytest.param(surface, is_async, *case, False, id=f"{identity}-client-dropped")


@pytest.fixture
def traced(monkeypatch):
    """A function that switches tracing on: everything is captured."""
    monkeypatch.setenv(CAPTURE, "SPAN_AND_EVENT")
    monkeypatch.setenv("GENSPAN_DIALECTS", "genai,mlflow")
    telemetry = Telemetry()
    yield lambda: genspan.instrument(**telemetry.providers) or telemetry
    genspan.uninstrument()


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(("surface", "is_async", "ending", "text", "keep_client"), list(cases()))
def test_nothing_of_an_ended_call_stays_reachable(traced, provider, surface, is_async, ending, text, keep_client):
    bare = Program(surface, is_async, keep_client).run(provider.url, ending, text)
    provider.reset()
    telemetry = traced()
    left = Program(surface, is_async, keep_client).run(provider.url, ending, text)
    assert left <= bare
    gc.collect()  # openai's streams are cycles of the SDK's
    assert telemetry.unbalanced() == {}
    assert len(telemetry.spans) > 0 or ending is never_read


def program(name, *arguments, capture="NO_CONTENT"):
    """What a program of `tests.core.programs` writes to its standard output, and to its standard error."""
    environment = {"PATH": os.environ["PATH"], CAPTURE: capture, "GENSPAN_DIALECTS": "genai,mlflow"}
    command = [sys.executable, "-W", "always::ResourceWarning", "-m", f"tests.core.programs.{name}", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, check=True)
    return int(done.stdout), done.stderr


KINDS = [(sdk, kind) for sdk in ("gemini", "openai", "anthropic") for kind in ("plain", "stream")]


@pytest.mark.timeout(600)
@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts sockets in /proc")
@pytest.mark.parametrize(("sdk", "kind"), KINDS)
def test_clients_made_per_request_leave_no_more_sockets_open_than_without_tracing(provider, sdk, kind):
    bare, bare_warnings = program("client_per_request", sdk, kind, provider.url, "bare")
    traced, warnings = program("client_per_request", sdk, kind, provider.url, "traced", capture="SPAN_AND_EVENT")
    assert traced <= bare
    assert warnings.count("ResourceWarning") <= bare_warnings.count("ResourceWarning")


@pytest.mark.timeout(600)
@pytest.mark.parametrize("capture", ["NO_CONTENT", "SPAN_AND_EVENT"])
@pytest.mark.parametrize(("sdk", "kind"), [*KINDS, ("gemini", "interaction")])
def test_large_prompts_take_no_more_memory_than_without_tracing(sdk, kind, capture):
    bare, _ = program("large_prompts", sdk, kind, "bare")
    traced, _ = program("large_prompts", sdk, kind, "traced", capture=capture)
    assert traced <= 1.2 * bare


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("close", [False, True], ids=["answered", "closed-early"])
def test_websocket_keeps_no_prompt_that_is_answered_or_left(traced, provider, close):
    telemetry = traced()
    client = openai_client(provider.url, False)
    gc.collect()
    gc.disable()
    try:
        with client.responses.connect() as connection:
            prompt = Prompt("hello")
            watched = weakref.ref(prompt)
            connection.response.create(model="gpt-4.1-mini", input=prompt)
            del prompt
            for event in connection:
                if event.type == ("response.output_text.delta" if close else "response.completed"):
                    break
            if close:
                connection.close()
            assert watched() is None
            assert len(telemetry.spans) == 1
    finally:
        gc.enable()
        client.close()
