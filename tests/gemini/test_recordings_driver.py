"""Every Gemini and Vertex AI recording goes through the bare SDK, and what the SDK returns is what the wire says.

This proves the replaying server, the driver and `truth` before any instrumentation is judged by them.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from google.genai import errors

from tests.support.drive_gemini import NOT_DRIVEN, VARIANTS, call_gemini, client_for
from tests.support.provider import FakeProvider
from tests.support.recordings import Recording, load, parameters, truth

# google-genai 2 warns about enum values that are newer than itself.
pytestmark = pytest.mark.filterwarnings("ignore:.* is not a valid:UserWarning")

RECORDINGS = [*load("gemini"), *load("vertex")]
DRIVEN = [one for one in RECORDINGS if one.id not in NOT_DRIVEN]
GENERATING = [one for one in DRIVEN if one.api.endswith("enerateContent")]
# A plain answer also has to read the same as a stream; a stream recorded as a JSON array can only be read re-framed.
STREAMS = [one.as_stream() for one in GENERATING]
PLAIN = [one for one in GENERATING if not one.stream]

USAGE = {
    "promptTokenCount": "prompt_token_count",
    "toolUsePromptTokenCount": "tool_use_prompt_token_count",
    "candidatesTokenCount": "candidates_token_count",
    "thoughtsTokenCount": "thoughts_token_count",
    "cachedContentTokenCount": "cached_content_token_count",
    "totalTokenCount": "total_token_count",
}


@pytest.fixture(scope="module")
def provider():
    with FakeProvider() as running:
        yield running


@pytest.fixture
def play(provider: FakeProvider):
    def run(recording: Recording, variant: str) -> list[Any]:
        provider.reset()
        provider.replay(recording)
        return call_gemini(_client(provider.url, recording), recording, variant)

    return run


_clients: dict[tuple[str, ...], Any] = {}


def _client(url: str, recording: Recording) -> Any:
    """One client per API, version and project, because making one costs more than a call."""
    alone = recording.id if recording.api == "interactions" else ""
    key = (url, recording.provider, recording.path.partition("/models/")[0], alone)
    if key not in _clients:
        _clients[key] = client_for(url, recording)
    return _clients[key]


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("recording", parameters(PLAIN))
def test_plain(play, provider, recording, variant):
    expected = truth(recording)
    if expected.error:
        _fails(play, recording, variant)
    else:
        _same(play(recording, variant), expected)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("recording", parameters(STREAMS))
def test_stream(play, provider, recording, variant):
    expected = truth(recording)
    if expected.error:
        _fails(play, recording, variant)
    else:
        _same(play(recording, variant), expected)


OTHER = [one for one in DRIVEN if not one.api.endswith("enerateContent")]


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("recording", parameters(OTHER))
def test_other_calls(play, provider, recording, variant):
    expected = truth(recording)
    if expected.error:
        _fails(play, recording, variant)
        return
    responses = play(recording, variant)
    wire = recording.response.get("json") or {}
    if recording.api in {"batchEmbedContents", "embedContent"}:
        vectors = wire.get("embeddings") or [wire["embedding"]]
        assert [one.values for one in responses[0].embeddings] == [one["values"] for one in vectors]
    elif recording.api == "countTokens":
        assert responses[0].total_tokens == wire["totalTokens"]
    elif recording.api == "interactions":
        completed = getattr(responses[-1], "interaction", responses[-1])
        assert completed.id == expected.response_id
        assert bool(completed.usage) is bool(expected.usage)
        if expected.usage:
            assert completed.usage.total_tokens == expected.usage["total_tokens"]


@pytest.mark.parametrize("recording", parameters([one for one in DRIVEN if one.body]))
def test_request_is_the_recorded_one(play, provider, recording):
    playable = recording.as_stream() if recording.stream else recording
    try:
        play(playable, "sync")
    except errors.APIError:
        assert recording.status >= 400
    sent = provider.ledger[0]
    assert (sent.method, sent.path) == (recording.request["method"], recording.path)
    assert _plain(sent.body) == _plain(recording.body)


@pytest.mark.parametrize("recording", parameters([one for one in RECORDINGS if one.id in NOT_DRIVEN]))
def test_what_cannot_be_driven_still_cannot(play, recording):
    """The list of exceptions is as short as can be: the SDK's own parser fails on each."""
    with pytest.raises(AttributeError, match="'int' object has no attribute 'upper'"):
        play(recording.as_stream(), "sync")


def _plain(value: Any) -> Any:
    """A request body without what may differ: spelling of names, empty objects, base64 alphabets, a lone tool.

    `parameters` and `responseSchema` are left out: the SDK rewrites them into its own form of a schema.
    """
    if isinstance(value, dict):
        items = ((re.sub(r"_(\w)", lambda match: match[1].upper(), name), inner) for name, inner in value.items())
        kept = {name: _plain(inner) for name, inner in items if name not in {"parameters", "responseSchema"}}
        if isinstance(kept.get("tools"), dict):
            kept["tools"] = [kept["tools"]]
        return {name: inner for name, inner in kept.items() if inner not in ({}, None)}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return re.sub(r"[-_]", lambda match: {"-": "+", "_": "/"}[match[0]], value) if isinstance(value, str) else value


def _fails(play, recording, variant):
    error = truth(recording).error
    with pytest.raises(errors.APIError) as raised:
        play(recording, variant)
    assert (raised.value.code, raised.value.status, raised.value.message) == (
        recording.status,
        error["status"],
        error["message"],
    )


def _same(responses, expected):
    usages = [response.usage_metadata for response in responses if response.usage_metadata]
    wire = expected.usage or {}
    assert {name: getattr(usages[-1], ours) for name, ours in USAGE.items()} == {name: wire.get(name) for name in USAGE}
    assert _texts(responses, thought=False) == expected.texts
    assert _texts(responses, thought=True) == expected.thoughts
    assert responses[-1].model_version == expected.model
    calls = [part.function_call for _, part in _parts(responses) if part.function_call]
    assert [(call.name, call.args or {}) for call in calls] == expected.tool_calls


def _parts(responses):
    for response in responses:
        for position, candidate in enumerate(response.candidates or []):
            index = position if candidate.index is None else candidate.index
            for part in (candidate.content and candidate.content.parts) or []:
                yield index, part


def _texts(responses, thought):
    texts: dict[int, str] = {}
    for response in responses:
        for position, candidate in enumerate(response.candidates or []):
            texts.setdefault(position if candidate.index is None else candidate.index, "")
    for index, part in _parts(responses):
        if bool(part.thought) is thought:
            texts[index] += part.text or ""
    return [text for _, text in sorted(texts.items())]
