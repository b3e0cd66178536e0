"""Every recorded call of Groq's API, through every way that can carry it: the span has what the wire says."""

from __future__ import annotations

import json

import pytest

from tests.support import drive_groq as drive
from tests.support import verdict
from tests.support.endings import drive as finish
from tests.support.recordings import parameters
from tests.support.registry import violations
from tests.support.stainless_replay import each, each_async

RECORDINGS = drive.load()

pytestmark = pytest.mark.filterwarnings("ignore:Pydantic serializer warnings:UserWarning")


@pytest.fixture
def telemetry(install):
    return install(CAPTURE="true", GENSPAN_DIALECTS="genai,mlflow")


@pytest.mark.parametrize("recording", parameters(RECORDINGS))
def test_sync(telemetry, provider, recording):
    with drive.client_for(provider.url, recording) as client:
        finish(each(drive, client, recording, provider, telemetry, _checked))


@pytest.mark.parametrize("recording", parameters(RECORDINGS[::7]))
def test_async(telemetry, provider, recording):
    each_async(drive, recording, provider, telemetry, _checked)


def _checked(span, recording, error):
    """The attributes that every way must have alike."""
    assert violations(span) == []
    expected, attributes = drive.truth(recording), dict(span.attributes)
    if recording.status >= 400:
        assert verdict.failed(span) == type(error).__qualname__
        return {"status": attributes["http.response.status_code"]}
    assert (verdict.failed(span), verdict.ended(span)) == (None, None)
    usage = expected.usage
    counted = [attributes.get(f"gen_ai.usage.{name}_tokens") for name in ("input", "output", "cache_read.input")]
    cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens")
    assert counted == [usage["prompt_tokens"], usage["completion_tokens"], cached]
    assert attributes["gen_ai.response.model"] == expected.model
    assert attributes["gen_ai.response.id"] == expected.response_id
    assert list(attributes["gen_ai.response.finish_reasons"]) == expected.reasons
    parts = [part for one in json.loads(attributes["gen_ai.output.messages"]) for part in one["parts"]]

    def joined(kind):
        return "".join(part["content"] for part in parts if part["type"] == kind)

    assert (joined("text"), joined("reasoning")) == ("".join(expected.texts), "".join(expected.thoughts))
    assert [(part["name"], part["arguments"]) for part in parts if part["type"] == "tool_call"] == [
        call for choice in expected.calls for call in choice
    ]
    left_out = ("gen_ai.response.time_to_first_chunk",)
    return {name: value for name, value in attributes.items() if name not in left_out}
