"""Every call of google-generativeai over each of its transports: one span, with what the service billed."""

from __future__ import annotations

import asyncio
import gc
import json

import google.generativeai as genai
import pytest
from google.api_core import exceptions
from opentelemetry.trace import SpanKind

from tests.support import verdict
from tests.support.generativelanguage import Failure
from tests.support.provider import Reply
from tests.support.telemetry import Counts

KEY = "AIzaSy-0123456789-abcdefghijklmnopqrs"
MODEL = "gemini-1.5-flash"
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


def says(text, usage=None, finish="STOP"):
    found = {"candidates": [{"content": {"role": "model", "parts": [{"text": text}]}}], "modelVersion": f"{MODEL}-002"}
    if finish:
        found["candidates"][0]["finishReason"] = finish
    if usage:
        names = ("promptTokenCount", "candidatesTokenCount", "totalTokenCount", "cachedContentTokenCount")
        found["usageMetadata"] = dict(zip(names, usage, strict=False))
    return found


PLAIN = says("Hello!", (10, 7, 20, 4))  # three of the twenty are thoughts, which the SDK has no field for
CHUNKS = [says("One ", (12, 2, 14), None), says("two", (12, 6, 23))]


def model_of(service, **options):
    genai.configure(api_key=KEY, client_options={"api_endpoint": service.address})
    return genai.GenerativeModel(MODEL, **options)


def answers(service, *, plain=PLAIN, chunks=CHUNKS):
    service.answer = lambda method, request: chunks if method.startswith("Stream") else plain


def read(model, stream, asynchronous):
    """The text of an answer."""
    if not asynchronous:
        found = model.generate_content("Say hello", stream=stream)
        return "".join(chunk.text for chunk in found) if stream else found.text

    async def program():
        found = await model.generate_content_async("Say hello", stream=stream)
        return "".join([chunk.text async for chunk in found]) if stream else found.text

    return asyncio.run(program())


@pytest.mark.parametrize("asynchronous", [False, True], ids=["grpc", "grpc_asyncio"])
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_call_over_grpc(install, service, stream, asynchronous):
    answers(service)
    telemetry = install(CAPTURE="true")
    options = {"temperature": 0.5, "max_output_tokens": 64}
    model = model_of(service, system_instruction="Be brief.", generation_config=options)
    assert read(model, stream, asynchronous) == ("One two" if stream else "Hello!")
    (span,) = telemetry.spans
    verdict.sound(telemetry)
    assert (span.name, span.kind) == (f"generate_content {MODEL}", SpanKind.CLIENT)
    expected = {
        "gen_ai.provider.name": "gcp.gemini",
        "gen_ai.response.model": f"{MODEL}-002",
        "gen_ai.response.finish_reasons": ("STOP",),
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.max_tokens": 64,
        "gen_ai.usage.input_tokens": 12 if stream else 10,
        "gen_ai.usage.output_tokens": 11 if stream else 10,
        "gen_ai.usage.cache_read.input_tokens": None if stream else 4,
        "server.address": "127.0.0.1",
        "server.port": int(service.address.rpartition(":")[2]),
    }
    assert {name: span.attributes.get(name) for name in expected} == expected
    assert json.loads(span.attributes["gen_ai.system_instructions"]) == [{"type": "text", "content": "Be brief."}]
    (message,) = json.loads(span.attributes["gen_ai.output.messages"])
    assert "".join(part["content"] for part in message["parts"]) == ("One two" if stream else "Hello!")


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_call_over_rest(install, provider, stream):
    telemetry = install()
    provider.script(Reply(body=CHUNKS if stream else PLAIN))
    genai.configure(api_key=KEY, transport="rest", client_options={"api_endpoint": provider.url})
    read(genai.GenerativeModel(MODEL), stream, False)
    assert telemetry.usage() == telemetry.measured() == (Counts(12, 11) if stream else Counts(10, 10))


def test_answer_without_usage_has_none(install, service):
    answers(service, plain=says("Hello!"))
    telemetry = install()
    read(model_of(service), False, False)
    assert not [name for name in telemetry.spans[0].attributes if "usage" in name.lower()]


def test_without_capture_no_content_and_never_the_key(install, service):
    service.answer = lambda method, request: Failure("INVALID_ARGUMENT", f"bad key {KEY} in 'Say hello'")
    telemetry = install()
    with pytest.raises(exceptions.InvalidArgument, match="bad key"):
        read(model_of(service), False, False)
    exported = telemetry.exported()
    assert b"Say hello" not in exported and KEY.encode() not in exported


def test_key_that_an_error_repeats_is_left_out_of_captured_content(install, service):
    service.answer = lambda method, request: Failure("INVALID_ARGUMENT", f"bad key {KEY}")
    telemetry = install(CAPTURE="true")
    with pytest.raises(exceptions.InvalidArgument):
        read(model_of(service), False, False)
    assert b"bad key" in telemetry.exported() and KEY.encode() not in telemetry.exported()


@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize("stream", [False, True])
def test_error_has_the_code_of_grpc(install, service, stream, asynchronous):
    answers(service, plain=Failure("PERMISSION_DENIED"), chunks=[Failure("PERMISSION_DENIED")])
    telemetry = install()
    with pytest.raises(exceptions.PermissionDenied):
        read(model_of(service), stream, asynchronous)
    (span,) = telemetry.spans
    assert verdict.failed(span) == "PERMISSION_DENIED"


@pytest.mark.parametrize("asynchronous", [False, True])
def test_error_in_the_middle_of_a_stream_keeps_the_usage_so_far(install, service, asynchronous):
    answers(service, chunks=[CHUNKS[0], Failure("INTERNAL")])
    telemetry = install()
    with pytest.raises(exceptions.InternalServerError):
        read(model_of(service), True, asynchronous)
    (span,) = telemetry.spans
    assert (verdict.failed(span), verdict.ended(span)) == ("INTERNAL", "failed")
    assert telemetry.usage() == Counts(12, 2)


def test_stream_that_is_let_go_of_is_partial(install, service):
    answers(service, chunks=[CHUNKS[0], CHUNKS[0], "hold"])
    telemetry = install()
    found = model_of(service).generate_content("Say hello", stream=True)
    assert next(iter(found)).text == "One "
    del found
    gc.collect()
    (span,) = telemetry.spans
    assert (verdict.failed(span), verdict.ended(span)) == (None, "dropped")


def test_deadline(install, service):
    def slow(method, request):
        service.released.wait(5)
        return PLAIN

    service.answer = slow
    telemetry = install()
    with pytest.raises(exceptions.DeadlineExceeded):
        model_of(service).generate_content("Say hello", request_options={"timeout": 0.3, "retry": None})
    assert verdict.failed(telemetry.spans[0]) == "DEADLINE_EXCEEDED"


def test_cancelled_call(install, service):
    def slow(method, request):
        service.released.wait(5)
        return PLAIN

    service.answer = slow
    telemetry = install()

    async def program():
        call = asyncio.ensure_future(model_of(service).generate_content_async("Say hello"))
        await asyncio.sleep(0.3)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

    asyncio.run(program())
    assert verdict.failed(telemetry.spans[0]) == "CancelledError"


def test_chat_without_functions_is_one_span_a_turn(install, service):
    answers(service)
    telemetry = install(CAPTURE="true")
    chat = model_of(service).start_chat()
    chat.send_message("first")
    chat.send_message("second")
    assert [span.parent for span in telemetry.spans] == [None, None]
    assert "first" in telemetry.spans[1].attributes["gen_ai.input.messages"]


def test_embeddings_and_counts(install, service):
    found = {
        "EmbedContent": {"embedding": {"values": [0.1, 0.2]}},
        "BatchEmbedContents": {"embeddings": [{"values": [0.1, 0.2]}, {"values": [0.3, 0.4]}]},
        "CountTokens": {"totalTokens": 31},
    }
    service.answer = lambda method, request: found[method]
    telemetry = install()
    model = model_of(service)
    genai.embed_content("models/text-embedding-004", "hello")
    genai.embed_content("models/text-embedding-004", ["hello", "world"])
    asyncio.run(genai.embed_content_async("models/text-embedding-004", "hello"))
    assert model.count_tokens("Say hello").total_tokens == 31
    assert [span.name for span in telemetry.spans] == ["embeddings text-embedding-004"] * 3 + [f"count_tokens {MODEL}"]
    assert telemetry.usage() == Counts(0, 0)


def test_uninstrument_restores_everything(service):
    from google.ai.generativelanguage_v1beta.services.generative_service import client

    from genspan import GoogleGenerativeAIInstrumentor

    before = client.GenerativeServiceClient.generate_content, genai.ChatSession.send_message
    GoogleGenerativeAIInstrumentor().instrument()
    assert client.GenerativeServiceClient.generate_content is not before[0]
    GoogleGenerativeAIInstrumentor().uninstrument()
    assert (client.GenerativeServiceClient.generate_content, genai.ChatSession.send_message) == before
