"""Every Gemini and Vertex AI recording through the traced SDK: the span says what the wire says, in every variant."""

from __future__ import annotations

import json
from typing import Any

import pytest
from google.genai import errors
from pydantic import ValidationError

from tests.support import verdict
from tests.support.drive_gemini import NOT_DRIVEN, VARIANTS, _call, call_gemini, client_for
from tests.support.recordings import FOLDER, Recording, load, parameters, payloads, truth

pytestmark = [
    pytest.mark.filterwarnings("ignore:.* is not a valid:UserWarning"),
    pytest.mark.filterwarnings("ignore:.*[Ii]nteractions.*:UserWarning"),
]

DRIVEN = [one for one in [*load("gemini"), *load("vertex")] if one.id not in NOT_DRIVEN]
GENERATING = [one for one in DRIVEN if one.api.endswith("enerateContent")]
PLAIN = [one for one in GENERATING if not one.stream]
STREAMS = [one.as_stream() for one in GENERATING]
EMBEDDING = [one for one in DRIVEN if one.api in {"batchEmbedContents", "embedContent"}]
COUNTING = [one for one in DRIVEN if one.api == "countTokens"]
INTERACTIONS = [one for one in DRIVEN if one.api == "interactions"]
UNTRACED = [one for one in DRIVEN if one.api == "cachedContents"]


@pytest.fixture
def play(provider, install):
    """The only span of the recorded call, and the error that the SDK raised."""
    telemetry = install(CAPTURE="SPAN_AND_EVENT", GENSPAN_DIALECTS="genai,mlflow")

    def run(recording: Recording, variant: str, call: Any = call_gemini):
        telemetry.clear()
        provider.reset()
        provider.replay(recording)
        raised, client = None, _client(provider.url, recording)
        if recording.api == "interactions" and not hasattr(client, "interactions"):
            pytest.skip("this version of google-genai has no interactions")
        try:
            _call(client, recording)
        except ValidationError:
            pytest.skip("this version of google-genai has no such field in a request")
        try:
            call(client, recording, variant)
        except errors.APIError as error:
            raised = error
        verdict.sound(telemetry)
        (span,) = telemetry.spans
        return span, raised

    run.telemetry = telemetry
    return run


_clients: dict[tuple[str, ...], Any] = {}


def _client(url: str, recording: Recording) -> Any:
    alone = recording.id if recording.api == "interactions" else ""
    key = (url, recording.provider, recording.path.partition("/models/")[0], alone)
    if key not in _clients or alone:
        _clients[key] = client_for(url, recording)
    return _clients[key]


@pytest.fixture(scope="module", autouse=True)
def close_clients():
    yield
    for client in _clients.values():
        client.close()
    _clients.clear()


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("recording", parameters(PLAIN))
def test_plain(play, recording, variant):
    _generation(*play(recording, variant), recording)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("recording", parameters(STREAMS))
def test_stream(play, recording, variant):
    _generation(*play(recording, variant), recording)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("recording", parameters(EMBEDDING))
def test_embeddings(play, recording, variant):
    span, raised = play(recording, variant)
    usage = truth(recording).usage or {}
    assert span.attributes.get("gen_ai.usage.input_tokens") == usage.get("promptTokenCount")
    assert "gen_ai.usage.output_tokens" not in span.attributes
    if not _failed(span, raised, recording):
        wire = recording.response["json"]
        vectors = wire.get("embeddings") or [wire["embedding"]]
        shown = json.loads(span.attributes["mlflow.spanOutputs"])
        assert shown == {"embeddings": len(vectors), "dimension": len(vectors[0]["values"])}


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("recording", parameters(COUNTING))
def test_counts(play, recording, variant):
    span, raised = play(recording, variant)
    assert not [name for name in span.attributes if "usage" in name.lower()]
    if not _failed(span, raised, recording):
        assert json.loads(span.attributes["mlflow.spanOutputs"]) == {
            "total_tokens": recording.response["json"]["totalTokens"]
        }


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("recording", parameters(INTERACTIONS))
def test_interactions(play, recording, variant):
    span, raised = play(recording, variant)
    expected, usage = truth(recording), truth(recording).usage or {}
    attributes = span.attributes
    parts = {
        "input": ("total_input_tokens", "total_tool_use_tokens"),
        "output": ("total_output_tokens", "total_thought_tokens"),
    }
    for side, names in parts.items():
        known = [usage[name] for name in names if name in usage]
        assert attributes.get(f"gen_ai.usage.{side}_tokens") == (sum(known) if known else None)
    assert attributes.get("gen_ai.response.id") == expected.response_id
    assert attributes.get("gen_ai.response.model") == expected.model
    if not _failed(span, raised, recording) and "sse" in recording.response:
        assert _said(span, "text") == [text for text in expected.texts if text]


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("recording", parameters(UNTRACED))
def test_what_is_no_model_call_is_not_traced(play, provider, recording, variant):
    provider.replay(recording)
    call_gemini(_client(provider.url, recording), recording, variant)
    assert play.telemetry.spans == []


CARRIED = (
    "gen_ai.response.",
    "gen_ai.usage.",
    "gen_ai.output.",
    "mlflow.chat.",
    "mlflow.llm.",
    "mlflow.spanOutputs",
    "error.",
)
APART = ("gen_ai.response.time_to_first_chunk",)


@pytest.mark.parametrize("recording", parameters([one for one in PLAIN if one.status < 400]))
def test_every_variant_says_the_same(play, recording):
    """Plain, streamed and chat, sync and async: one response, one set of attributes."""
    stream = recording.as_stream()
    found = {}
    for variant in VARIANTS:
        found["plain", variant] = _carried(play(recording, variant)[0])
        found["stream", variant] = _carried(play(stream, variant)[0])
    found["chat"] = _carried(play(recording, "sync", _chat)[0])
    found["chat stream"] = _carried(play(stream, "sync", _chat)[0])
    for way, attributes in found.items():
        assert attributes == found["plain", "sync"], way


def _chat(client: Any, recording: Recording, _: str) -> None:
    _, arguments = _call(client, recording)
    chat = client.chats.create(model=arguments["model"], config=arguments["config"])
    if "sse" in recording.response:
        list(chat.send_message_stream("hello"))
    else:
        chat.send_message("hello")


def _carried(span: Any) -> dict[str, Any]:
    """What must be equal, messages as JSON: google-genai 1.10 sorts the fields of a chunk."""
    carried = {name: value for name, value in span.attributes.items() if name.startswith(CARRIED) and name not in APART}
    if "gen_ai.output.messages" in carried:
        carried["gen_ai.output.messages"] = json.loads(carried["gen_ai.output.messages"])
    return carried


def _generation(span: Any, raised: Any, recording: Recording) -> None:
    """Compare a span with the wire; the formulas are those of the provider's documentation, written once more."""
    expected = truth(recording)
    attributes = span.attributes
    if _failed(span, raised, recording):
        assert span.status.description == str(raised)
    _figures(attributes, expected.usage or {})
    assert attributes.get("gen_ai.response.model") == expected.model
    assert attributes.get("gen_ai.response.id") == expected.response_id
    reasons = [str(reason) for reason in expected.finish_reasons] or [*filter(None, [expected.block_reason])]
    if not raised:
        assert list(attributes.get("gen_ai.response.finish_reasons", ())) == reasons
    assert _said(span, "text") == [text for text in expected.texts if text]
    assert _said(span, "reasoning") == [text for text in expected.thoughts if text]
    called = [(part["name"], part["arguments"]) for part in _parts(span) if part["type"] == "tool_call"]
    assert called == expected.tool_calls
    unknown = {part["type"] for part in _parts(span)} - _KNOWN
    assert not unknown, "a kind of part that no reader knows"


_KNOWN = {"text", "reasoning", "tool_call", "blob", "uri", "server_tool_call", "server_tool_call_response"}


def _figures(attributes: Any, wire: dict[str, Any]) -> None:
    billed_in = [wire[name] for name in ("promptTokenCount", "toolUsePromptTokenCount") if name in wire]
    billed_out = [wire[name] for name in ("candidatesTokenCount", "thoughtsTokenCount") if name in wire]
    total_in = sum(billed_in) if billed_in else None
    total_out = sum(billed_out) if billed_out else None
    if total_out is None and total_in is not None and "totalTokenCount" in wire:
        total_out = wire["totalTokenCount"] - total_in
    assert attributes.get("gen_ai.usage.input_tokens") == total_in
    assert attributes.get("gen_ai.usage.output_tokens") == total_out
    assert attributes.get("gen_ai.usage.reasoning.output_tokens") == wire.get("thoughtsTokenCount")
    assert attributes.get("gen_ai.usage.cache_read.input_tokens") == wire.get("cachedContentTokenCount")
    total = (total_in or 0) + (total_out or 0)
    differs = wire.get("totalTokenCount") if wire.get("totalTokenCount") not in (None, total) else None
    assert attributes.get("genspan.usage.total_tokens") == differs
    if total_in is not None:
        mlflow = json.loads(attributes["mlflow.chat.tokenUsage"])
        absent = 0 if attributes["gen_ai.operation.name"] == "embeddings" else None
        known = absent if total_out is None else total_out
        assert (mlflow["input_tokens"], mlflow.get("output_tokens")) == (total_in, known)


def _failed(span: Any, raised: Any, recording: Recording) -> bool:
    assert verdict.failed(span) == (type(raised).__qualname__ if raised else None)
    assert (raised is not None) == (truth(recording).error is not None)
    assert span.attributes.get("http.response.status_code") == (raised.code if raised else None)
    return raised is not None


def _parts(span: Any) -> list[dict[str, Any]]:
    return [
        part for message in json.loads(span.attributes.get("gen_ai.output.messages", "[]")) for part in message["parts"]
    ]


def _said(span: Any, kind: str) -> list[str]:
    """The text of one kind, per candidate that has any."""
    messages = json.loads(span.attributes.get("gen_ai.output.messages", "[]"))
    texts = ["".join(part["content"] for part in message["parts"] if part["type"] == kind) for message in messages]
    return [text for text in texts if text]


def test_recordings_have_bodies():
    """Guards the tests above against comparing nothing with nothing."""
    assert sum(bool(truth(one).usage) for one in GENERATING) > (100 if FOLDER.exists() else 5)
    assert all(payloads(one) for one in GENERATING if one.status < 400)
