"""What a stream may end with, and what the garbage collector may do to one."""

from __future__ import annotations

import gc
import gzip
import json
import threading
import zlib

import openai
import pytest

from tests.openai.conftest import catch_up
from tests.support import verdict
from tests.support.openai_surfaces import make_client
from tests.support.telemetry import Counts

CHAT = {"model": "gpt-4.1-mini", "messages": [{"role": "user", "content": "Hello there"}]}
USAGE = {"input_tokens": 7, "output_tokens": 5, "total_tokens": 12}
RESPONSE = {"id": "resp_1", "object": "response", "created_at": 1, "model": "gpt-4.1-mini", "output": [], "usage": None}


@pytest.fixture
def client(provider):
    with make_client(provider.url, False) as made:
        yield made


def _frames(*events):
    return [f"event: {one['type']}\ndata: {json.dumps(one)}\n\n".encode() for one in events]


def _event(kind, **fields):
    return {"type": f"response.{kind}", "sequence_number": 0, "response": {**RESPONSE, "status": kind, **fields}}


CREATED = {"type": "response.created", "sequence_number": 0, "response": {**RESPONSE, "status": "in_progress"}}
FAILED = _event("failed", error={"code": "server_error", "message": "x"}, usage=USAGE)
INCOMPLETE = _event("incomplete", incomplete_details={"reason": "max_output_tokens"}, usage=USAGE)
ERROR = {"type": "error", "code": "rate_limit_exceeded", "message": "x", "param": None, "sequence_number": 1}

# The last event: the error of the span, its finish reasons, how it ended, and whether usage came.
ENDS = {
    "completed": (_event("completed", usage=USAGE), None, ("completed",), None, True),
    "incomplete": (INCOMPLETE, None, ("max_output_tokens",), None, True),
    "failed": (FAILED, "server_error", ("failed",), None, True),
    "error event": (ERROR, "rate_limit_exceeded", ("error",), "failed", False),
    "nothing": (None, None, (), "failed", False),
}


@pytest.mark.parametrize("reads", ["chunks", "helper", "lines"])
@pytest.mark.parametrize("name", ENDS)
def test_how_a_response_ends(install, provider, client, name, reads):
    telemetry = install()
    last, error, reasons, ended, billed = ENDS[name]
    provider.script({"frames": _frames(CREATED, *([last] if last else []))})
    asked = {"model": "gpt-4.1-mini", "input": "Hello"}
    if reads == "chunks":
        list(client.responses.create(**asked, stream=True))
    elif reads == "lines":
        with client.responses.with_streaming_response.create(**asked, stream=True) as response:
            list(response.iter_lines())
    else:
        with client.responses.stream(**asked) as stream:
            list(stream)
    (span,) = telemetry.spans
    assert verdict.failed(span) == error
    assert verdict.ended(span) == ended
    assert span.attributes.get("gen_ai.response.finish_reasons", ()) == reasons
    assert ("gen_ai.usage.input_tokens" in span.attributes) is billed
    assert telemetry.usage() == (Counts(7, 5) if billed else Counts(0, 0))
    verdict.sound(telemetry)


_CODINGS = {"identity": lambda raw: raw, "gzip": gzip.compress, "deflate": zlib.compress}
_CUTS = {"one read": 1 << 20, "many reads": 7, "a byte a read": 1}


@pytest.mark.parametrize("cut", _CUTS)
@pytest.mark.parametrize("coding", _CODINGS)
@pytest.mark.parametrize("done", [True, False])
def test_done_without_finish_reason_is_whole(install, provider, client, done, coding, cut):
    """Some servers never give a finish reason; ``[DONE]`` may be compressed, or cut over several reads."""
    telemetry = install()
    choice = {"index": 0, "delta": {"content": "data: [DONE]"}, "finish_reason": ""}
    raw = b"data: " + json.dumps({"id": "c", "model": "m", "choices": [choice]}).encode() + b"\n\n"
    sent, size = _CODINGS[coding](raw + b"data: [DONE]\n\n" * done), _CUTS[cut]
    frames = [sent[start : start + size] for start in range(0, len(sent), size)]
    provider.script({"frames": frames, "headers": {"Content-Encoding": coding}})
    list(client.chat.completions.create(**CHAT, stream=True))
    (span,) = telemetry.spans
    assert verdict.ended(span) == (None if done else "failed")


def test_usage_of_a_chunk_that_is_an_error(install, provider, client):
    telemetry = install()
    usage = {"prompt_tokens": 3, "completion_tokens": 10, "total_tokens": 13}
    error = {"error": {"code": 400, "message": "Token limit reached"}, "choices": [], "usage": usage}
    provider.script({"frames": [b"data: " + json.dumps(error).encode() + b"\n\n"]})
    with pytest.raises(openai.APIError):
        list(client.chat.completions.create(**CHAT, stream=True))
    (span,) = telemetry.spans
    assert telemetry.usage() == Counts(3, 10)
    assert (verdict.failed(span), verdict.ended(span)) == ("400", "failed")


def test_a_response_that_is_left_after_its_last_event_is_whole(install, client):
    telemetry = install()
    for event in client.responses.create(model="gpt-4.1-mini", input="Hello", stream=True):
        if event.type == "response.completed":
            break
    del event
    gc.collect()
    (span,) = telemetry.spans
    assert verdict.ended(span) is None


def test_a_json_answer_to_a_request_for_a_stream(install, provider, client):
    """Some servers do not stream. The SDK finds no chunk in it; the usage is there all the same."""
    telemetry = install()
    usage = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
    choice = {"index": 0, "message": {"role": "assistant", "content": "x"}, "finish_reason": "stop"}
    provider.script({"body": {"id": "c", "model": "m", "choices": [choice], "usage": usage}})
    assert list(client.chat.completions.create(**CHAT, stream=True)) == []
    assert telemetry.usage() == Counts(3, 4)
    assert verdict.ended(telemetry.spans[0]) is None


def test_dropped_streams_do_not_block_the_collector(install, provider):
    """A metric that is recorded while the collector runs can deadlock: then this never ends."""
    telemetry = install()

    def work():
        with make_client(provider.url, False) as client:
            for number in range(4):
                stream = client.chat.completions.create(**CHAT, stream=True)
                if number % 2:
                    next(stream)
                del stream
                client.chat.completions.create(**CHAT)

    before = gc.get_threshold()
    gc.set_threshold(1)
    try:
        threads = [threading.Thread(target=work, daemon=True) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert not [thread for thread in threads if thread.is_alive()]
    finally:
        gc.set_threshold(*before)
    gc.collect()
    catch_up()
    assert len(telemetry.spans) == 16
    assert telemetry.unbalanced() == {}
    assert sum(point.count for point in telemetry.points("gen_ai.client.operation.duration")) == 16


@pytest.mark.parametrize("count", [4_000])
def test_a_long_stream_costs_little_memory(install, provider, client, count):
    import tracemalloc

    telemetry = install(CAPTURE="true")
    head = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}

    def frame(text, reason=None):
        chunk = {**head, "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": reason}]}
        return b"data: " + json.dumps(chunk).encode() + b"\n\n"

    provider.script({"frames": [frame("word ") * 500] * (count // 500) + [frame("", "stop"), b"data: [DONE]\n\n"]})
    stream = client.chat.completions.create(**CHAT, stream=True)
    next(stream)
    tracemalloc.start()
    for _ in stream:
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2 * 2**20
    (span,) = telemetry.spans
    assert len(json.loads(span.attributes["gen_ai.output.messages"])[0]["parts"][0]["content"]) == count * 5


@pytest.mark.parametrize("kind", ["vertex", "bedrock"])
def test_the_providers_of_the_sdk(install, kind):
    httpx2 = pytest.importorskip("httpx2")
    providers = pytest.importorskip("openai.providers", reason="not in this version of openai")
    if not hasattr(providers, kind):
        pytest.skip("not in this version of openai")
    telemetry = install()
    usage = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
    choice = {"index": 0, "message": {"role": "assistant", "content": "x"}, "finish_reason": "stop"}
    body = {"id": "c", "model": "m", "choices": [choice], "usage": usage}
    transport = httpx2.MockTransport(lambda request: httpx2.Response(200, json=body))
    made = {
        "vertex": lambda: providers.vertex(
            token_provider=lambda: "secret-token-1", project="p", location="europe-west1"
        ),
        "bedrock": lambda: providers.bedrock(api_key="secret-token-1", region="us-east-1"),
    }[kind]()
    with openai.OpenAI(provider=made, http_client=httpx2.Client(transport=transport)) as client:
        client.chat.completions.create(**CHAT)
    (span,) = telemetry.spans
    assert span.attributes["gen_ai.provider.name"] == {"vertex": "gcp.vertex_ai", "bedrock": "aws.bedrock"}[kind]
    assert telemetry.usage() == Counts(3, 4)
    assert b"secret-token-1" not in telemetry.exported()
