"""A recorded request of OpenAI's API, sent again through openai against a replaying server; and what its wire says."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import openai

from tests.support import stainless_replay
from tests.support.recordings import payloads
from tests.support.stainless_replay import Replayed
from tests.support.stainless_surfaces import lacking

if TYPE_CHECKING:
    from tests.support.recordings import Recording

Json = Any

PROVIDERS = ("openai", "azure", "openai_compat")
API_KEY = "sk-fake-key-for-the-replay"
ERROR = openai.OpenAIError

PLAIN = ("create", "parse", "raw", "streaming-parse", "streaming-json", "streaming-bytes", "post")
STREAMS = ("create", "manager", "raw", "streaming-parse", "streaming-lines", "streaming-bytes")


def client_for(url: str, recording: Recording, is_async: bool = False) -> Any:
    """A client that sends to `url`; Azure's own where it was Azure."""
    http = openai.DefaultAsyncHttpxClient(verify=False) if is_async else openai.DefaultHttpxClient(verify=False)
    if recording.provider == "azure":
        azure = openai.AsyncAzureOpenAI if is_async else openai.AzureOpenAI
        endpoint = {"azure_endpoint": url, "api_version": "2025-04-01-preview"}
        return azure(api_key=API_KEY, max_retries=0, http_client=http, **endpoint)
    kind = openai.AsyncOpenAI if is_async else openai.OpenAI
    return kind(api_key=API_KEY, base_url=f"{url}/v1", max_retries=0, http_client=http)


def variants(recording: Recording) -> tuple[str, ...]:
    """The ways that can carry it."""
    if recording.api == "audio.transcriptions":
        return ("create", "raw")
    if streams(recording):
        return STREAMS if recording.api in ("chat.completions", "responses") else tuple(set(STREAMS) - {"manager"})
    if recording.api in ("chat.completions", "responses"):
        return PLAIN if recording.body else PLAIN[:-1]
    return tuple(one for one in PLAIN if one != "parse")


def streams(recording: Recording) -> bool:
    return "sse" in recording.response or (recording.status >= 400 and (recording.body or {}).get("stream") is True)


async def play(client: Any, recording: Recording, variant: str) -> Any:
    """Make the request and read all of the answer. Errors come out as the SDK raises them."""
    resource, name, passed = _call(client, recording)
    if variant == "manager":
        passed["extra_body"].pop("stream", None)
    path = "/" + recording.api.replace("chat.completions", "chat/completions").replace(".", "/")
    call = Replayed(resource, name, passed, streams(recording), (path, recording.body))
    return await stainless_replay.play(client, call, variant)


def lacks(client: Any, recording: Recording, variant: str) -> str:
    """What this version of the SDK lacks for it."""
    try:
        resource, name, _ = _call(client, recording)
    except AttributeError as error:
        return str(error)
    return lacking(resource, variant.partition("-")[0], name)


def _call(client: Any, recording: Recording) -> tuple[Any, str, dict[str, Any]]:
    body = dict(recording.body or {})
    model = {"model": body.get("model") or _deployment(recording), "extra_body": body}
    match recording.api:
        case "chat.completions":
            messages = body.get("messages") or [{"role": "user", "content": "The request's body was not recorded."}]
            return client.chat.completions, "create", {**model, "messages": messages}
        case "responses":
            return client.responses, "create", {**model, "input": body.get("input") or ""}
        case "completions":
            return client.completions, "create", {**model, "prompt": body.get("prompt")}
        case "embeddings":
            plain = {"encoding_format": body.get("encoding_format", "float")}
            return client.embeddings, "create", {**model, "input": body.get("input") or body.get("prompt"), **plain}
        case "images.generations":
            return client.images, "generate", {**model, "prompt": body.get("prompt")}
        case "responses.compact":
            return client.responses, "compact", {**model, "input": body.get("input")}
        case "responses.input_tokens":
            return client.responses.input_tokens, "count", {**model, "input": body.get("input")}
    file = {"file": ("speech.wav", b"RIFF"), "model": "gpt-4o-transcribe"}
    return client.audio.transcriptions, "create", file


def _deployment(recording: Recording) -> str:
    return recording.path.partition("/deployments/")[2].partition("/")[0]


# What the wire says


@dataclass(slots=True)
class Truth:
    usage: Json = None
    model: str | None = None
    response_id: str | None = None
    reasons: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    thoughts: list[str] = field(default_factory=list)
    calls: list[list[tuple[str, Json]]] = field(default_factory=list)
    error: Json = None


@dataclass(slots=True)
class _Choice:
    reason: str | None = None
    text: str = ""
    thought: str = ""
    calls: list[list[str]] = field(default_factory=list)


def truth(recording: Recording) -> Truth:
    """From the wire alone; per choice in order of index."""
    found, choices = Truth(), dict[int, _Choice]()
    for payload in payloads(recording):
        if not isinstance(payload, dict):
            continue
        found.error = payload.get("error") or found.error
        if recording.api.startswith("responses"):
            _read_response(payload, found)
            continue
        found.usage = payload.get("usage") or (payload.get("x_groq") or {}).get("usage") or found.usage
        found.model = payload.get("model") or found.model
        found.response_id = found.response_id or payload.get("id")
        for item in payload.get("choices") or ():
            _read_choice(choices.setdefault(item.get("index") or 0, _Choice()), item)
    for _, choice in sorted(choices.items()):
        found.reasons += [choice.reason] if choice.reason else []
        found.texts.append(choice.text)
        found.thoughts.append(choice.thought)
        found.calls.append([(name, _json(arguments)) for _, name, arguments in choice.calls])
    return found


def _read_choice(choice: _Choice, item: Json) -> None:
    choice.reason = item.get("finish_reason") or choice.reason
    message = item.get("delta") or item.get("message") or {}
    choice.text += "" if message else item.get("text") or ""
    content = message.get("content")
    if isinstance(content, str):
        choice.text += content
    for part in content if isinstance(content, list) else ():
        if part["type"] == "thinking":
            choice.thought += "".join(inner["text"] for inner in part["thinking"])
        else:
            choice.text += part.get("text") or ""
    details = "".join(one.get("text") or one.get("summary") or "" for one in message.get("reasoning_details") or ())
    choice.thought += message.get("reasoning_content") or message.get("reasoning") or details
    for call in message.get("tool_calls") or ():
        _read_call(choice, call)
    function = message.get("function_call") or {}
    if function.get("name") or (function.get("arguments") and choice.calls):
        _read_call(choice, {"index": 0, "function": function})


def _read_call(choice: _Choice, call: Json) -> None:
    identity, function = call.get("id") or "", call.get("function") or call.get("custom") or {}
    known = [one for one in choice.calls if one[0] == identity] if identity else choice.calls[-1:]
    if identity and not known:
        known = [[identity, "", ""]]
        choice.calls += known
    if not known:
        known = [["", "", ""]]
        choice.calls += known
    known[-1][1] += function.get("name") or ""
    known[-1][2] += function.get("arguments", function.get("input")) or ""


def _read_response(payload: Json, found: Truth) -> None:
    """A response, or an event with one: the last one has everything."""
    response = payload.get("response") or (payload if "output" in payload else {})
    if not response or response.get("status") in ("queued", "in_progress"):
        found.response_id = response.get("id") or found.response_id
        found.model = response.get("model") or found.model
        return
    found.usage, found.model, found.response_id = response.get("usage"), response.get("model"), response.get("id")
    status = response.get("status")
    if status:
        reason = (response.get("incomplete_details") or {}).get("reason")
        found.reasons = [reason if status == "incomplete" and reason else status]
    text, thought, calls = "", "", []
    for item in response.get("output") or ():
        if item["type"] == "message":
            text += "".join(part.get("text") or "" for part in item["content"] if "text" in part)
        if item["type"] == "reasoning":
            parts = [*(item.get("summary") or ()), *(item.get("content") or ())]
            thought += "".join(part.get("text") or "" for part in parts)
        if item["type"] in ("function_call", "custom_tool_call"):
            calls.append((item["name"], _json(item.get("arguments", item.get("input")))))
    found.texts, found.thoughts, found.calls = [text], [thought], [calls]


def _json(arguments: str) -> Json:
    try:
        return json.loads(arguments)
    except ValueError:
        return arguments
