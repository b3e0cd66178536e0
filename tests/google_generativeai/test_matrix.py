"""{gRPC, gRPC-asyncio, REST} x {every call} x {every ending}: as without us, one span each, and what was billed."""

from __future__ import annotations

import asyncio
import gc
import re
import threading
from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

import google.generativeai as genai
import pytest
from google.api_core.exceptions import ServiceUnavailable
from google.api_core.retry import AsyncRetry, Retry, if_exception_type
from google.generativeai import answer as answers_of

from tests.support import verdict
from tests.support.generativelanguage import HOLD, Failure
from tests.support.telemetry import Counts

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning",
    "ignore:unclosed:ResourceWarning",  # REST, where a stream is not read to its end
)

TRANSPORTS = ("grpc", "grpc_asyncio", "rest")
KEY = "AIzaSy-matrix-0123456789-abcdefghijkl"
MODEL = "gemini-1.5-flash"


class Call(NamedTuple):
    """A call of the user's; `make(options)` gives its result, to be awaited where it is asynchronous."""

    name: str
    method: str
    operation: str = "generate_content"
    stream: bool = False

    def __str__(self) -> str:
        return self.name


CALLS = (
    Call("generate", "GenerateContent"),
    Call("stream", "StreamGenerateContent", stream=True),
    Call("chat", "GenerateContent"),
    Call("chat-stream", "StreamGenerateContent", stream=True),
    Call("embed", "EmbedContent", "embeddings"),
    Call("embed-batch", "BatchEmbedContents", "embeddings"),
    Call("count", "CountTokens", "count_tokens"),
    Call("answer", "GenerateAnswer"),
)
STREAMS = tuple(call for call in CALLS if call.stream)


def ask(call: Call, is_async: bool, options: dict[str, Any]) -> Any:
    suffix = "_async" if is_async else ""
    more = {"request_options": options}
    model = genai.GenerativeModel(MODEL)
    if call.name.startswith("embed"):
        content = ["one", "two"] if call.name == "embed-batch" else "one"
        return getattr(genai, f"embed_content{suffix}")("models/text-embedding-004", content, **more)
    if call.name == "answer":
        method = getattr(answers_of, f"generate_answer{suffix}")
        return method(model="models/aqa", contents="why?", inline_passages=["because"], answer_style=1, **more)
    if call.name == "count":
        return getattr(model, f"count_tokens{suffix}")("question", **more)
    owner, name = (model.start_chat(), "send_message") if "chat" in call.name else (model, "generate_content")
    return getattr(owner, f"{name}{suffix}")("question", stream=call.stream, **more)


def says(text: str, prompt: int, out: int, total: int, finish: str | None = "STOP") -> dict[str, Any]:
    usage = {"promptTokenCount": prompt, "candidatesTokenCount": out, "totalTokenCount": total}
    candidate = {"content": {"role": "model", "parts": [{"text": text}]}, "index": 0}
    return {"candidates": [candidate | ({"finishReason": finish} if finish else {})], "usageMetadata": usage}


WHOLE: dict[str, Any] = {
    "GenerateContent": says("Hello!", 10, 7, 20),
    "StreamGenerateContent": [
        says("One ", 12, 2, 14, None),
        says("two ", 12, 4, 16, None),
        says("three", 12, 6, 23),
    ],
    "EmbedContent": {"embedding": {"values": [0.5, 0.25]}},
    "BatchEmbedContents": {"embeddings": [{"values": [0.5]}, {"values": [0.25]}]},
    "CountTokens": {"totalTokens": 31},
    "GenerateAnswer": {"answer": {"content": {"parts": [{"text": "because"}]}, "finishReason": "STOP"}},
}


# What the service does


def whole(method: str, n: object) -> Any:
    return WHOLE[method]


def refused(status: str) -> Callable[[str, int], Any]:
    def answer(method: str, n: int) -> Any:
        failed = Failure(status, "no")
        return [failed] if method.startswith("Stream") else failed

    return answer


def at_the_third(method: str, n: int) -> Any:
    return whole(method, n) if n == 2 else refused("UNAVAILABLE")(method, n)


def never(method: str, n: int) -> Any:
    return [HOLD] if method.startswith("Stream") else HOLD


def broken(method: str, n: int) -> Any:
    return [*WHOLE[method][:2], Failure("INTERNAL", "broken")]


def slowly(method: str, n: int) -> Any:
    """Two pieces, of which the SDK reads one ahead, and then nothing."""
    return [*WHOLE[method][:2], HOLD]


# What the program does with a stream


def read(found: Any) -> list[str]:
    return [chunk.text for chunk in found]


async def aread(found: Any) -> list[str]:
    return [chunk.text async for chunk in found]


def leave(found: Any) -> list[str]:
    for chunk in found:
        return [chunk.text]
    return []


async def aleave(found: Any) -> list[str]:
    async for chunk in found:
        return [chunk.text]
    return []


def abandon(found: Any) -> list[str]:
    return []


async def aabandon(found: Any) -> list[str]:
    return []


class Ending(NamedTuple):
    """What the service does, what the program does, and what the span then says."""

    name: str
    service: Callable[[str, int], Any]
    error: str | None = None
    """The code; over REST, where the SDK raises errors of the HTTP client, `rest_error`."""
    rest_error: str | None = None
    ended: str | None = None
    reads: tuple[Any, Any] = (read, aread)
    timeout: float | None = None

    def __str__(self) -> str:
        return self.name


OK, QUOTA = Ending("ok", whole), Ending("quota", refused("RESOURCE_EXHAUSTED"), "RESOURCE_EXHAUSTED")
ENDINGS = (
    OK,
    QUOTA,
    Ending("denied", refused("PERMISSION_DENIED"), "PERMISSION_DENIED"),
    Ending("invalid", refused("INVALID_ARGUMENT"), "INVALID_ARGUMENT"),
    Ending("retried", at_the_third),
    Ending("deadline", never, "DEADLINE_EXCEEDED", "ReadTimeout", timeout=0.1),
)
OF_STREAMS = (
    Ending("broken", broken, "INTERNAL", "ChunkedEncodingError", "failed"),
    Ending("left", slowly, ended="dropped", reads=(leave, aleave)),
    Ending("abandoned", slowly, ended="dropped", reads=(abandon, aabandon)),
)
CASES = [*product(CALLS, (OK, QUOTA)), *product(CALLS[:2], ENDINGS[2:]), *product(STREAMS, OF_STREAMS)]


def configure(service: Any, transport: str) -> None:
    rest = transport == "rest"
    options = {"api_endpoint": service.url if rest else service.address}
    genai.configure(api_key=KEY, client_options=options, transport="rest" if rest else None)


def run(service: Any, transport: str, call: Call, ending: Ending) -> Any:
    """What the program gets: texts or a result, or what was raised."""
    service.reset()
    service.answer = lambda method, request: ending.service(method, len(service.requests) - 1)
    configure(service, transport)
    kind = AsyncRetry if transport == "grpc_asyncio" else Retry
    options: dict[str, Any] = {"timeout": ending.timeout or 20}
    options["retry"] = kind(
        if_exception_type(ServiceUnavailable), initial=0.01, maximum=0.01
    )  # as the SDK's, but faster
    if ending.timeout:
        options["retry"] = None

    async def program() -> Any:
        found = await ask(call, True, options)
        return await ending.reads[1](found) if call.stream else found

    try:
        if transport == "grpc_asyncio":
            found = asyncio.run(program())
        else:
            found = ask(call, False, options)
            found = ending.reads[0](found) if call.stream else found
        return type(found), re.sub(r"0x[0-9a-f]+", "", repr(found))
    except Exception as error:
        return type(error), str(error)


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize(("call", "ending"), CASES, ids=[f"{call}-{ending}" for call, ending in CASES])
def test_every_call_and_ending(install, service, transport, call, ending):
    bare = run(service, transport, call, ending)
    telemetry = install()
    found = run(service, transport, call, ending)
    billed = service.billed()
    if ending.ended == "dropped":
        gc.collect()
        service.answer = whole
        configure(service, "grpc")
        genai.GenerativeModel(MODEL).count_tokens("more")  # a finaliser leaves its metrics to the next call
    assert found == bare or ending.timeout  # whose message tells when it was
    assert found[0] is bare[0]
    verdict.sound_but_traces(telemetry)
    span, *_ = telemetry.spans
    assert len(telemetry.spans) == (2 if ending.ended == "dropped" else 1)
    assert verdict.operation(span) == call.operation
    expected = (ending.rest_error if transport == "rest" else None) or ending.error
    assert verdict.failed(span) == expected
    complete = ending.error is None and ending.ended is None
    assert verdict.ended(span) == (None if complete else ending.ended or ("failed" if call.stream else None))
    if complete:
        assert telemetry.usage() == telemetry.measured() == billed
        assert billed != Counts(0, 0) or call.name not in ("generate", "stream", "chat", "chat-stream")
    else:
        assert telemetry.usage().input <= billed.input
        assert telemetry.usage().output <= billed.output
    if ending.name in ("broken", "left"):
        assert telemetry.usage().input == billed.input == 12
    assert KEY.encode() not in telemetry.exported()


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_cancelled(install, service, call):
    async def program():
        task = asyncio.ensure_future(ask(call, True, {"timeout": 20}))
        await asyncio.to_thread(asked.wait, 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asked = threading.Event()

    def answer(method, request):
        asked.set()
        return never(method, 0)

    service.answer = answer
    configure(service, "grpc")
    telemetry = install()
    asyncio.run(program())
    verdict.sound(telemetry)
    (span,) = telemetry.spans
    assert verdict.failed(span) == "CancelledError"


@pytest.mark.parametrize("call", STREAMS, ids=str)
def test_cancelled_while_a_stream_is_read(install, service, call):
    async def read(first):
        found = await ask(call, True, {"timeout": 20})
        async for _ in found:
            first.set()

    async def program():
        first = asyncio.Event()
        task = asyncio.ensure_future(read(first))
        await first.wait()
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    service.answer = lambda method, request: [*WHOLE["StreamGenerateContent"], HOLD]
    configure(service, "grpc")
    telemetry = install()
    asyncio.run(program())
    verdict.sound(telemetry)
    (span,) = telemetry.spans
    assert verdict.failed(span) in ("CancelledError", "CANCELLED")
    assert verdict.ended(span) in ("cancelled", "failed")
