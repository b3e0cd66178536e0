"""Each API of openai once: what its span is, and that it has the provider's token counts."""

from __future__ import annotations

import io
import json

import openai
import pytest

from tests.openai.conftest import ASK, CHAT, one_trace, traces
from tests.support import verdict
from tests.support.telemetry import Counts

# openai deprecates what it has, and websockets how openai uses it.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

SOUND = ("speech.wav", b"RIFF....", "audio/wav")
QUESTION = {"type": "predicate", "instructions": "Is it so?"}
BATCH = {"input_file_id": "file-1", "endpoint": "/v1/chat/completions", "completion_window": "24h"}


CALLS = {
    "images.generate": ("generate_content", "image", lambda c: c.images.generate(model="gpt-image-1", prompt="a cat")),
    "images.generate-stream": (
        "generate_content",
        "image",
        lambda c: list(c.images.generate(model="gpt-image-1", prompt="a cat", stream=True)),
    ),
    "images.edit": (
        "generate_content",
        "image",
        lambda c: c.images.edit(model="gpt-image-1", prompt="a hat", image=io.BytesIO(b"png")),
    ),
    "images.edit-stream": (
        "generate_content",
        "image",
        lambda c: list(c.images.edit(model="gpt-image-1", prompt="a hat", image=io.BytesIO(b"png"), stream=True)),
    ),
    "images.variation": (
        "generate_content",
        "image",
        lambda c: c.images.create_variation(model="dall-e-2", image=io.BytesIO(b"png"), n=2),
    ),
    "speech": ("generate_content", "speech", lambda c: c.audio.speech.create(model="tts-1", voice="alloy", input="Hi")),
    "transcription": (
        "generate_content",
        "text",
        lambda c: c.audio.transcriptions.create(model="gpt-4o-transcribe", file=SOUND),
    ),
    "transcription-stream": (
        "generate_content",
        "text",
        lambda c: list(c.audio.transcriptions.create(model="gpt-4o-transcribe", file=SOUND, stream=True)),
    ),
    "translation": ("generate_content", "text", lambda c: c.audio.translations.create(model="whisper-1", file=SOUND)),
    "video": ("generate_content", None, lambda c: c.videos.create(model="sora-2", prompt="a cat")),
    "remix": ("generate_content", None, lambda c: c.videos.remix("video-1", prompt="a dog")),
    "moderation": ("moderation", None, lambda c: c.moderations.create(model="omni-moderation-latest", input="so bad")),
    "input_tokens": ("count_tokens", None, lambda c: c.responses.input_tokens.count(**ASK)),
    "compact": ("chat", None, lambda c: c.responses.compact(**ASK)),
    "beta.responses": ("chat", None, lambda c: c.beta.responses.create(**ASK)),
    "decisions": ("generate_content", "json", lambda c: c.decisions.create(**ASK, questions=[QUESTION])),
}


@pytest.mark.parametrize("name", CALLS)
def test_each_api(install, provider, client, name):
    operation, output, call = CALLS[name]
    if name == "decisions" and not hasattr(client, "decisions"):
        pytest.skip("not in this version of openai")
    telemetry = install(CAPTURE="true", GENSPAN_DIALECTS="genai,mlflow")
    call(client)
    (span,) = telemetry.spans
    assert verdict.operation(span) == operation
    assert span.attributes.get("gen_ai.output.type") == output
    assert (verdict.failed(span), verdict.ended(span)) == (None, None)
    if name == "remix":  # names no model
        return
    one_trace(telemetry, provider)


def test_sound_is_billed_by_the_second(install, client):
    telemetry = install()
    client.audio.transcriptions.create(model="whisper-1", file=SOUND)
    (span,) = telemetry.spans
    assert span.attributes["genspan.usage.audio.seconds"] == 7.0
    assert not [name for name in span.attributes if name.endswith("_tokens")]


def test_what_is_billed_beside_the_tokens(install, provider, client):
    telemetry = install()
    details = {"text_tokens": 10, "image_tokens": 0}
    image = {"input_tokens": 10, "output_tokens": 1056, "total_tokens": 1066, "input_tokens_details": details}
    usage = {"input_tokens": 20, "output_tokens": 9, "total_tokens": 29}
    inputs = {"cached_tokens": 8, "cache_write_tokens": 6}
    inputs["cache_write_tokens_details"] = {"ttl_30m_tokens": 4, "ttl_12h_tokens": 2}
    usage |= {"input_tokens_details": inputs, "output_tokens_details": {"reasoning_tokens": 3}}
    body = {"id": "resp_1", "object": "response", "status": "completed", "model": "gpt-5", "output": [], "usage": usage}
    provider.script({"body": {**body, "tool_usage": {"image_gen": image, "web_search": {"num_requests": 2}}}})
    client.responses.create(model="gpt-5", input="Draw and search")
    svg = {"input_tokens": 5, "output_tokens": 700, "total_tokens": 705}
    provider.script({"body": {"created": 1, "data": [], "usage": image, "svg_usage": svg}})
    client.images.generate(model="gpt-image-2", prompt="a cat")
    first, second = (dict(span.attributes) for span in telemetry.spans)
    assert first["gen_ai.usage.input_tokens"] == 20
    assert first["genspan.usage.tool.input_tokens"] == 10
    assert first["genspan.usage.tool.output_tokens"] == 1056
    assert first["genspan.usage.web_search.requests"] == 2
    assert first["gen_ai.usage.cache_read.input_tokens"] == 8
    assert first["gen_ai.usage.cache_write.input_tokens"] == 6
    assert first["genspan.usage.cache_write_30m.input_tokens"] == 4
    assert first["genspan.usage.cache_write_12h.input_tokens"] == 2
    assert json.loads(first["mlflow.chat.tokenUsage"])["cache_creation_input_tokens_above_1hr"] == 2
    assert first["gen_ai.usage.reasoning.output_tokens"] == 3
    assert second["genspan.usage.svg.output_tokens"] == 700
    assert second["gen_ai.usage.text.input_tokens"] == 10
    assert [found for span in telemetry.spans if (found := verdict.violations(span))] == []


def test_details_of_a_prediction(install, provider, client):
    telemetry = install()
    outputs = {"reasoning_tokens": 0, "accepted_prediction_tokens": 4, "rejected_prediction_tokens": 2}
    usage = {"prompt_tokens": 5, "completion_tokens": 9, "total_tokens": 14, "completion_tokens_details": outputs}
    provider.script({"usage": {**usage, "prompt_tokens_details": {"audio_tokens": 3, "image_tokens": 1}}})
    client.chat.completions.create(**CHAT)
    (span,) = telemetry.spans
    assert span.attributes["genspan.usage.accepted_prediction.output_tokens"] == 4
    assert span.attributes["genspan.usage.rejected_prediction.output_tokens"] == 2
    assert span.attributes["gen_ai.usage.audio.input_tokens"] == 3
    assert span.attributes["gen_ai.usage.image.input_tokens"] == 1


# What is generated apart from the request that reads it


def test_a_background_response_counts_once(install, provider, client):
    telemetry = install()
    made = client.responses.create(**ASK, background=True)
    for _ in range(5):
        client.responses.retrieve(made.id)
    client.beta.responses.retrieve(made.id)
    operations = [verdict.operation(span) for span in telemetry.spans]
    assert operations == ["chat", "fetch_response", "fetch_response", "chat", *["fetch_response"] * 3]
    assert {span.attributes["gen_ai.response.id"] for span in telemetry.spans} == {made.id}
    assert _usage_of(telemetry, "fetch_response") == []
    assert provider.ledger.total().input > 0
    traces(telemetry, provider)


def test_a_background_stream_is_resumed(install, provider, client):
    telemetry = install()
    stream = client.responses.create(model="gpt-4.1-mini", input="[[hold=1]] Hello", background=True, stream=True)
    event = next(stream)
    stream.close()
    list(client.responses.retrieve(event.response.id, stream=True, starting_after=event.sequence_number))
    with client.responses.stream(response_id=event.response.id, starting_after=2) as again:
        again.until_done()
    client.responses.retrieve(event.response.id)
    assert [verdict.operation(span) for span in telemetry.spans] == ["chat", "chat", *["fetch_response"] * 2]
    assert telemetry.spans[1].attributes["gen_ai.request.stream_cursor"] == "0"
    total = provider.ledger.total()
    assert telemetry.usage() == Counts(total.input, total.output) != Counts(0, 0)


def test_what_was_counted_is_not_counted_when_it_is_read(install, provider, client):
    telemetry = install()
    first = client.responses.create(**ASK)
    client.responses.retrieve(first.id)
    second = client.chat.completions.create(**CHAT, store=True)
    client.chat.completions.retrieve(second.id)
    client.responses.cancel(first.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve("resp_of_somebody_else")
    client.responses.delete(first.id)
    expected = ["chat", "fetch_response", "chat", *["fetch_response"] * 3]
    assert [verdict.operation(span) for span in telemetry.spans] == expected
    assert telemetry.spans[-1].attributes["gen_ai.response.id"] == "resp_of_somebody_else"
    assert _usage_of(telemetry, "fetch_response") == []
    traces(telemetry, provider)


def test_a_batch_counts_once(install, provider, client):
    telemetry = install()
    batch = client.batches.create(**BATCH)
    for _ in range(4):
        client.batches.retrieve(batch.id)
    assert [verdict.operation(span) for span in telemetry.spans] == ["fetch_response", "chat", *["fetch_response"] * 2]
    traces(telemetry, provider)


def _usage_of(telemetry, operation):
    return [name for span in telemetry.named(operation) for name in span.attributes if "usage" in name.lower()]
