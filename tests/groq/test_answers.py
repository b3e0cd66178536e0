"""What only Groq sends: usage and errors in ``x_groq``, times beside the tokens."""

from __future__ import annotations

import asyncio
import json

import groq
import pytest

from tests.support import verdict
from tests.support.groq_surfaces import MODEL, make_client

ASKED = {"model": MODEL, "messages": [{"role": "user", "content": "Hello there"}]}
TIMES = {"queue_time": 0.2, "prompt_time": 0.01, "completion_time": 0.3, "total_time": 0.31}
USAGE = {"prompt_tokens": 18, "completion_tokens": 7, "total_tokens": 25, **TIMES}
USAGE |= {"prompt_tokens_details": {"cached_tokens": 4}, "completion_tokens_details": {"reasoning_tokens": 3}}
HEAD = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": MODEL}


def _chunk(reason=None, x_groq=None, **delta):
    more = {"x_groq": x_groq} if x_groq else {}
    return {**HEAD, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}], **more}


def _frames(*chunks):
    return {"frames": [*(b"data: " + json.dumps(one).encode() + b"\n\n" for one in chunks), b"data: [DONE]\n\n"]}


def _read(provider, is_async):
    async def asynchronous():
        async with make_client(provider.url, True) as client:
            return [chunk async for chunk in await client.chat.completions.create(**ASKED, stream=True)]

    if is_async:
        return asyncio.run(asynchronous())
    with make_client(provider.url, False) as client:
        return list(client.chat.completions.create(**ASKED, stream=True))


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_usage_of_a_stream_is_in_x_groq(install, provider, is_async):
    telemetry = install(CAPTURE="true", GENSPAN_DIALECTS="genai,mlflow")
    first = _chunk(x_groq={"id": "req_1"}, role="assistant", reasoning="Hm.", content="")
    provider.script(_frames(first, _chunk(content="Hello."), _chunk("stop", {"id": "req_1", "usage": USAGE})))
    _read(provider, is_async)
    (span,) = telemetry.spans
    counts = {name: value for name, value in span.attributes.items() if "usage" in name and "mlflow" not in name}
    assert counts == {
        "gen_ai.usage.input_tokens": 18,
        "gen_ai.usage.output_tokens": 7,
        "gen_ai.usage.cache_read.input_tokens": 4,
        "gen_ai.usage.reasoning.output_tokens": 3,
    }
    token_usage = json.loads(span.attributes["mlflow.chat.tokenUsage"])
    assert (token_usage["input_tokens"], token_usage["output_tokens"], token_usage["total_tokens"]) == (18, 7, 25)
    (message,) = json.loads(span.attributes["gen_ai.output.messages"])
    assert message["parts"] == [{"type": "reasoning", "content": "Hm."}, {"type": "text", "content": "Hello."}]
    assert span.attributes["gen_ai.provider.name"] == span.attributes["mlflow.llm.provider"] == "groq"
    assert not [name for name in span.attributes if name.startswith("openai.")]
    verdict.sound(telemetry)


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_stream_stopped_by_an_error(install, provider, is_async):
    telemetry = install()
    provider.script(_frames(_chunk(content="He"), _chunk(x_groq={"id": "req_1", "error": "over_capacity"})))
    _read(provider, is_async)
    (span,) = telemetry.spans
    assert (verdict.failed(span), verdict.ended(span)) == ("over_capacity", "failed")


def test_error_event_of_a_stream(install, provider):
    telemetry = install()
    error = {"error": {"message": "x", "type": "invalid_request_error", "code": "tool_use_failed"}}
    provider.script({"frames": [b"event: error\ndata: " + json.dumps(error).encode() + b"\n\n"]})
    with pytest.raises(groq.APIError):
        _read(provider, False)
    (span,) = telemetry.spans
    assert (verdict.failed(span), verdict.ended(span)) == ("tool_use_failed", "failed")


SOUND = ("speech.wav", b"RIFF....", "audio/wav")
AUDIO = {
    "speech": ("speech", lambda c: c.audio.speech.create(model="playai-tts", voice="Fritz-PlayAI", input="Hi")),
    "transcription": ("text", lambda c: c.audio.transcriptions.create(model="whisper-large-v3", file=SOUND)),
    "translation": ("text", lambda c: c.audio.translations.create(model="whisper-large-v3", file=SOUND)),
}


@pytest.mark.parametrize("name", AUDIO)
def test_audio(install, client, name):
    if name == "speech" and not hasattr(client.audio, "speech"):
        pytest.skip("not in this version of groq")
    telemetry = install(CAPTURE="true", GENSPAN_DIALECTS="genai,mlflow")
    output, call = AUDIO[name]
    call(client)
    (span,) = telemetry.spans
    assert (verdict.operation(span), span.attributes["gen_ai.output.type"]) == ("generate_content", output)
    assert (verdict.failed(span), verdict.ended(span)) == (None, None)
    verdict.sound(telemetry)


def test_files_and_models_are_no_model_calls(install, client):
    telemetry = install()
    client.models.list()
    assert telemetry.spans == []
