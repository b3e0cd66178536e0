"""Every recorded call of OpenAI's API, through every way that can carry it: the span has what the wire says."""

from __future__ import annotations

import json

import pytest

from tests.support import drive_openai as drive
from tests.support import verdict
from tests.support.endings import drive as finish
from tests.support.recordings import load, parameters
from tests.support.registry import violations
from tests.support.stainless_replay import each, each_async

RECORDINGS = [one for provider in drive.PROVIDERS for one in load(provider)]

# The program itself asks for what is not in the recording: a format of vectors.
_VARYING = ("gen_ai.response.time_to_first_chunk", "gen_ai.request.encoding_formats", "mlflow.spanInputs")

pytestmark = pytest.mark.filterwarnings("ignore:Pydantic serializer warnings:UserWarning")


@pytest.fixture
def telemetry(install):
    return install(CAPTURE="true", GENSPAN_DIALECTS="genai,mlflow")


@pytest.mark.parametrize("recording", parameters(RECORDINGS))
def test_sync(telemetry, provider, clients, recording):
    finish(each(drive, clients(provider.url, recording), recording, provider, telemetry, _checked))


@pytest.mark.parametrize("recording", parameters(RECORDINGS[::7]))
def test_async(telemetry, provider, recording):
    each_async(drive, recording, provider, telemetry, _checked)


def _checked(span, recording, error):
    """The attributes that every way must have alike; none where the SDK could not read the answer."""
    assert set(violations(span)) <= _expected_violations(recording)
    expected, attributes = drive.truth(recording), dict(span.attributes)
    if recording.status >= 400:
        assert verdict.failed(span) == type(error).__qualname__
        assert attributes["http.response.status_code"] == recording.status
        return {name: attributes[name] for name in ("error.type", "gen_ai.operation.name")}
    if error is None and not expected.error:
        assert verdict.failed(span) is None
    elif not expected.error or not drive.streams(recording):
        return None
    whole = (
        expected.reasons
        or "data: [DONE]" in json.dumps(recording.response)
        or not attributes.get("gen_ai.request.stream")
    )
    assert verdict.ended(span) == (None if whole and not expected.error else "failed")
    _figures(attributes, expected, recording)
    if attributes["gen_ai.operation.name"] in ("chat", "text_completion"):
        _content(json.loads(attributes.get("gen_ai.output.messages", "[]")), expected)
    return {name: value for name, value in attributes.items() if name not in _VARYING}


def _expected_violations(recording):
    """What is so on the wire: a request without a model, a provider that counts more thoughts than tokens."""
    found = set()
    if not (recording.body or {}).get("model"):
        found.add("gen_ai.request.model is missing")
    if recording.id == "6d0bc6ea8a6eaf20":
        found.add("gen_ai.usage.reasoning.output_tokens is 11, more than the whole of 10")
    return found


def _figures(attributes, expected, recording):
    usage = expected.usage or {}

    def first(*names):
        return next((usage[name] for name in names if usage.get(name) is not None), None)

    sent = first("prompt_tokens", "input_tokens")
    if recording.api == "embeddings" and sent is None:
        sent = usage.get("total_tokens")
    received = None if recording.api == "embeddings" else first("completion_tokens", "output_tokens")
    inputs = first("prompt_tokens_details", "input_tokens_details") or {}
    outputs = first("completion_tokens_details", "output_tokens_details") or {}
    assert attributes.get("gen_ai.usage.input_tokens") == sent
    assert attributes.get("gen_ai.usage.output_tokens") == received
    if recording.api != "embeddings":
        cached = next(
            (
                one
                for one in (
                    inputs.get("cached_tokens"),
                    usage.get("prompt_cache_hit_tokens"),
                    usage.get("cached_tokens"),
                    usage.get("num_cached_tokens"),
                )
                if one is not None
            ),
            None,
        )
        assert attributes.get("gen_ai.usage.cache_read.input_tokens") == cached
        assert attributes.get("gen_ai.usage.cache_write.input_tokens") == inputs.get("cache_write_tokens")
        assert attributes.get("gen_ai.usage.reasoning.output_tokens") == outputs.get("reasoning_tokens")
    total = usage.get("total_tokens")
    differs = total is not None and total != (sent or 0) + (received or 0)
    assert attributes.get("genspan.usage.total_tokens") == (total if differs else None)
    assert attributes.get("gen_ai.response.model") == expected.model
    if recording.api in ("chat.completions", "completions") or recording.api == "responses":
        assert attributes.get("gen_ai.response.id") == (expected.response_id or None)
        assert list(attributes.get("gen_ai.response.finish_reasons", ())) == expected.reasons
    if sent is not None and received is not None:
        token_usage = json.loads(attributes["mlflow.chat.tokenUsage"])
        assert (token_usage["input_tokens"], token_usage["output_tokens"]) == (sent, received)


def _content(messages, expected):
    def joined(kind):
        return ["".join(part["content"] for part in one["parts"] if part["type"] == kind) for one in messages]

    calls = [
        [
            (part["name"], "" if part["arguments"] is None else part["arguments"])
            for part in one["parts"]
            if part["type"] == "tool_call"
        ]
        for one in messages
    ]
    assert [text for text in joined("text") if text] == [text for text in expected.texts if text]
    assert [text for text in joined("reasoning") if text] == [text for text in expected.thoughts if text]
    assert [one for one in calls if one] == [one for one in expected.calls if one]


@pytest.fixture(scope="module")
def clients():
    made = {}

    def of(url, recording):
        if recording.provider not in made:
            made[recording.provider] = drive.client_for(url, recording)
        return made[recording.provider]

    yield of
    for client in made.values():
        client.close()
