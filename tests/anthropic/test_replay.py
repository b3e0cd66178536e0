"""Every recorded call of Anthropic's API, through every way that can carry it: the span has what the wire says."""

from __future__ import annotations

import json

import pytest

from tests.anthropic.calls import telemetry
from tests.support import drive_anthropic as drive
from tests.support import verdict
from tests.support.endings import drive as finish
from tests.support.recordings import load, parameters
from tests.support.registry import violations
from tests.support.stainless_replay import each, each_async

__all__ = ["telemetry"]

RECORDINGS = [one for provider in drive.PROVIDERS for one in load(provider)]

pytestmark = [
    pytest.mark.filterwarnings("ignore:The model '.*' is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Pydantic serializer warnings:UserWarning"),
]

_VARYING = ("gen_ai.response.time_to_first_chunk",)


@pytest.mark.parametrize("recording", parameters(RECORDINGS))
def test_sync(telemetry, provider, recording):
    with drive.client_for(provider.url, recording) as client:
        finish(each(drive, client, recording, provider, telemetry, _checked))


@pytest.mark.parametrize("recording", parameters(RECORDINGS[::7]))
def test_async(telemetry, provider, recording):
    each_async(drive, recording, provider, telemetry, _checked)


def _checked(span, recording, error):
    """The attributes that every way must have alike; none where the SDK could not read the answer."""
    assert violations(span) == []
    expected, attributes = drive.truth(recording), dict(span.attributes)
    if recording.status >= 400:
        assert verdict.failed(span) == type(error).__qualname__
        assert attributes["http.response.status_code"] == recording.status
        return {name: attributes[name] for name in ("error.type", "gen_ai.operation.name")}
    if error is not None:
        assert verdict.failed(span)
        return None
    assert verdict.failed(span) is None
    assert verdict.ended(span) is None
    if recording.api.endswith("count_tokens"):
        assert not [name for name in attributes if "usage" in name.lower()]
    else:
        _figures(attributes, expected)
        _content(json.loads(attributes["gen_ai.output.messages"]), expected)
    return {name: value for name, value in attributes.items() if name not in _VARYING}


def _figures(attributes, expected):
    usage = expected.usage
    parts = [usage.get(f"{name}input_tokens") for name in ("", "cache_read_", "cache_creation_")]
    known = [part for part in parts if part is not None]
    writes = usage.get("cache_creation") or {}
    thought = (usage.get("output_tokens_details") or {}).get("thinking_tokens")
    assert attributes.get("gen_ai.usage.input_tokens") == (sum(known) if known else None)
    assert attributes.get("gen_ai.usage.output_tokens") == usage.get("output_tokens")
    assert attributes.get("gen_ai.usage.cache_read.input_tokens") == parts[1]
    assert attributes.get("gen_ai.usage.cache_write.input_tokens") == parts[2]
    assert attributes.get("gen_ai.usage.reasoning.output_tokens") == thought
    for ttl in ("5m", "1h"):
        ours = attributes.get(f"genspan.usage.cache_write_{ttl}.input_tokens")
        assert ours == (
            writes.get(f"ephemeral_{ttl}_input_tokens") or None
        )  # what only genspan names is left out where zero
    for kind, name in (("compaction", "compaction"), ("advisor_message", "advisor")):
        iterations = [one for one in usage.get("iterations") or () if one["type"] == kind]
        spent = sum(one[name] for one in iterations for name in one if name.endswith("input_tokens"))
        assert attributes.get(f"genspan.usage.{name}.input_tokens") == (spent if iterations else None)
        received = sum(one["output_tokens"] for one in iterations)
        assert attributes.get(f"genspan.usage.{name}.output_tokens") == (received if iterations else None)
    assert attributes.get("anthropic.response.service_tier") == usage.get("service_tier")
    assert attributes.get("gen_ai.response.model") == expected.model
    assert attributes.get("gen_ai.response.id") == expected.response_id
    assert list(attributes.get("gen_ai.response.finish_reasons", ())) == [expected.reason]
    if known:
        token_usage = json.loads(attributes["mlflow.chat.tokenUsage"])
        assert (token_usage["input_tokens"], token_usage["output_tokens"]) == (sum(known), usage["output_tokens"])
        assert token_usage.get("cache_creation_input_tokens_above_1hr") == writes.get("ephemeral_1h_input_tokens")


def _content(messages, expected):
    parts = [part for message in messages for part in message["parts"]]

    def of(kind):
        return [part for part in parts if part["type"] == kind]

    assert "".join(part["content"] for part in of("text")) == expected.text
    assert "".join(part["content"] for part in of("reasoning")) == expected.thought
    assert [(part["name"], part["arguments"]) for part in of("tool_call")] == expected.calls
    assert [part["name"] for part in of("server_tool_call")] == expected.server_calls
