"""Decisions: questions about an input, a model call as any other."""

from __future__ import annotations

import asyncio
import json

import pytest
from google import genai

from tests.support import surfaces, verdict
from tests.support.provider import Reply

pytestmark = [
    pytest.mark.skipif(not hasattr(genai.Client, "decisions"), reason="not in this version of google-genai"),
    pytest.mark.filterwarnings("ignore:::google"),
]
QUESTIONS = {"warm": {"type": "choice", "instructions": "Is it warm?", "criteria": {"yes": "above 20", "no": "below"}}}
ASKED = {"model": "models/gemini-2.5-flash", "input": "It is 30 degrees.", "questions": QUESTIONS}


def decide(url, mode, **more):
    client = surfaces.make_client(url)

    async def asynchronous():
        try:
            return await client.aio.decisions.create(**ASKED, **more)
        finally:
            await client.aio.aclose()

    try:
        return client.decisions.create(**ASKED, **more) if mode == "sync" else asyncio.run(asynchronous())
    finally:
        client.close()


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_a_decision_is_a_model_call(install, provider, mode):
    telemetry = install(CAPTURE="true", GENSPAN_DIALECTS="genai,mlflow")
    result = decide(provider.url, mode)
    assert result.answers["warm"].probabilities["yes"] == 0.75
    (span,) = telemetry.spans
    assert span.name == "generate_content gemini-2.5-flash"
    assert span.attributes["gen_ai.usage.output_tokens"] == 2
    asked = json.loads(span.attributes["gen_ai.input.messages"])
    assert "It is 30 degrees." in str(asked)
    assert "Is it warm?" in str(asked)
    (message,) = json.loads(span.attributes["gen_ai.output.messages"])
    assert json.loads(message["parts"][0]["content"])["warm"]["probabilities"] == {"yes": 0.75, "no": 0.25}
    verdict.billed(telemetry, provider)
    verdict.sound(telemetry)


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_an_input_that_was_blocked(install, provider, mode):
    telemetry = install(CAPTURE="true")
    blocked = {"prompt_feedback": {"block_reason": "safety", "block_reason_message": "not this"}}
    provider.script(Reply(body={**blocked, "usage": {"total_input_tokens": 7, "total_tokens": 7}}))
    decide(provider.url, mode)
    (span,) = telemetry.spans
    assert span.attributes["gen_ai.response.finish_reasons"] == ("content_filter",)
    (message,) = json.loads(span.attributes["gen_ai.output.messages"])
    assert message["finish_message"] == "not this"
    assert span.attributes["gen_ai.usage.input_tokens"] == 7
    verdict.sound(telemetry)


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_a_decision_that_fails(install, provider, mode):
    telemetry = install()
    provider.script(Reply(status=400))
    with pytest.raises(Exception, match="scripted failure"):
        decide(provider.url, mode)
    (span,) = telemetry.spans
    assert verdict.failed(span)
    assert span.attributes["http.response.status_code"] == 400
    verdict.sound(telemetry)
