"""A recorded request of Anthropic's API, sent again through anthropic; and what its wire says."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import anthropic

from tests.support import stainless_replay
from tests.support.recordings import payloads
from tests.support.stainless_replay import Replayed, maybe
from tests.support.stainless_surfaces import lacking

if TYPE_CHECKING:
    from tests.support.recordings import Recording

Json = Any

PROVIDERS = ("anthropic", "anthropic_compat")
API_KEY = "sk-ant-fake-key-for-the-replay"
ERROR = anthropic.AnthropicError

_PLAIN = ("create", "raw", "streaming-parse", "streaming-json", "streaming-bytes")
_STREAMS = ("create", "manager", "raw", "streaming-parse", "streaming-lines", "streaming-bytes")
_COUNTS = ("create", "raw", "streaming-json")


def client_for(url: str, recording: Recording, is_async: bool = False) -> Any:
    """A client that sends to `url`; of a compatible server, under its prefix."""
    kind = anthropic.AsyncAnthropic if is_async else anthropic.Anthropic
    prefix = recording.path.partition("/v1/")[0]
    http = anthropic.DefaultAsyncHttpxClient(verify=False) if is_async else anthropic.DefaultHttpxClient(verify=False)
    return kind(api_key=API_KEY, base_url=url + prefix, max_retries=0, http_client=http)


def variants(recording: Recording) -> tuple[str, ...]:
    """The ways that can carry it, of the resource and of its beta."""
    if recording.api == "complete":
        return ("post",)
    if recording.api.endswith("count_tokens"):
        found = _COUNTS
    else:
        found = _STREAMS if streams(recording) else (*_PLAIN, "parse")
    return (*found, *(f"beta {variant}" for variant in found), *(() if streams(recording) else ("post",)))


def streams(recording: Recording) -> bool:
    return "sse" in recording.response or (recording.status >= 400 and (recording.body or {}).get("stream") is True)


def lacks(client: Any, recording: Recording, variant: str) -> str:
    """What this version of the SDK lacks for it."""
    beta, _, way = variant.rpartition(" ")
    name = "count_tokens" if recording.api.endswith("count_tokens") else "create"
    return lacking(client.beta.messages if beta else client.messages, way.partition("-")[0], name)


async def play(client: Any, recording: Recording, variant: str) -> Any:
    """Make the request and read all of the answer. Errors come out as the SDK raises them."""
    beta, _, way = variant.rpartition(" ")
    body = dict(recording.body or {})
    path = "/v1/" + recording.api.replace(".", "/")
    if recording.api == "complete" and streams(recording):
        kind = anthropic.AsyncStream if isinstance(client, anthropic.AsyncAnthropic) else anthropic.Stream
        stream = await maybe(client.post(path, body=body, cast_to=object, stream=True, stream_cls=kind[object]))
        return [event async for event in stream] if hasattr(stream, "__aiter__") else list(stream)
    name = "count_tokens" if recording.api.endswith("count_tokens") else "create"
    passed: dict[str, Any] = {"model": body.get("model") or "", "messages": body.get("messages") or []}
    if name == "create":
        passed["max_tokens"] = body.get("max_tokens") or 1
    body.pop("stream", None) if way == "manager" else None
    resource = client.beta.messages if beta else client.messages
    call = Replayed(resource, name, {**passed, "extra_body": body}, streams(recording), (path, recording.body))
    return await stainless_replay.play(client, call, way)


# What the wire says


@dataclass(slots=True)
class Truth:
    usage: dict[str, Json] = field(default_factory=dict)
    model: str | None = None
    response_id: str | None = None
    reason: str | None = None
    text: str = ""
    thought: str = ""
    calls: list[tuple[str, Json]] = field(default_factory=list)
    server_calls: list[str] = field(default_factory=list)


def truth(recording: Recording) -> Truth:
    """From the wire alone: a message, or its events, of which the usage is cumulative and may leave fields out."""
    found = Truth()
    inputs: dict[int, list[Any]] = {}
    for payload in payloads(recording):
        message = payload.get("message") if payload.get("type") == "message_start" else payload
        for source in (message, payload.get("delta") or {}):
            found.model = source.get("model") or found.model
            found.response_id = source.get("id") or found.response_id
            found.reason = source.get("stop_reason") or found.reason
        for name, value in {**(message.get("usage") or {}), **(payload.get("usage") or {})}.items():
            found.usage[name] = found.usage.get(name) if value is None else value
        found.text += payload.get("completion") or ""
        for block in message.get("content") or ():
            _read_block(found, block)
        if payload.get("type") == "content_block_start":
            block = payload["content_block"]
            inputs[payload["index"]] = [block, ""]
            if "tool_use" not in block["type"]:
                _read_block(found, block)
        delta = payload.get("delta") or {}
        if payload.get("type") == "content_block_delta":
            found.text += delta.get("text") or ""
            found.thought += delta.get("thinking") or ""
            inputs[payload["index"]][1] += delta.get("partial_json") or ""
        if payload.get("type") == "content_block_stop" and "tool_use" in inputs[payload["index"]][0]["type"]:
            block, given = inputs[payload["index"]]
            _read_block(found, {**block, "input": json.loads(given) if given else block.get("input")})
    return found


def _read_block(found: Truth, block: Json) -> None:
    found.text += (block.get("text") or "") if block["type"] == "text" else ""
    found.thought += block.get("thinking") or ""
    if block["type"] == "tool_use":
        found.calls.append((block["name"], block["input"]))
    elif block["type"].endswith("tool_use"):
        found.server_calls.append(block["name"])
