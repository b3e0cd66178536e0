"""Recorded traffic, and what its wire says: `load`, `truth`, and replies for the fake provider.

One answer of each kind is in `tests/recordings`, of the fake provider's (`scripts/make_recordings.py`). Those of real
providers are not part of this repository: `$GENSPAN_RECORDINGS` names their folder, and they are replayed beside it.
"""

from __future__ import annotations

import base64
import functools
import json
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.absent import SETTING, must_be_there
from tests.support.provider import Reply

if TYPE_CHECKING:
    from collections.abc import Sequence

Json = Any

OWN = Path(__file__).parents[1] / "recordings"
FOLDER = Path(os.environ.get("GENSPAN_RECORDINGS") or "no-recordings")
MISSING = "recordings: $GENSPAN_RECORDINGS names no folder of them"


@dataclass(frozen=True, slots=True)
class Recording:
    id: str
    request: dict[str, Json]
    response: dict[str, Json]
    entry: dict[str, Json]
    """Its line in the index: provider, api, model, stream, status, features."""

    @property
    def provider(self) -> str:
        return self.entry["provider"]

    @property
    def api(self) -> str:
        return self.entry["api"]

    @property
    def stream(self) -> bool:
        return self.entry["stream"]

    @property
    def status(self) -> int:
        return self.response["status"]

    @property
    def path(self) -> str:
        return self.request["path"]

    @property
    def body(self) -> Json:
        return self.request.get("json")

    def reply(self) -> Reply:
        """Exactly this response: status, content type and bytes; of a stream, one network write per frame."""
        headers = {"Content-Type": self.response["headers"].get("content-type", "application/json")}
        if "sse" in self.response:
            frames = [frame.encode() for frame in self.response["sse"]]
            return Reply(status=self.status, headers=headers, frames=frames)
        return Reply(status=self.status, headers=headers, body=_bytes(self.response))

    def as_stream(self) -> Recording:
        """The same response in server-sent events: one frame per element of a JSON array, else one frame."""
        if "sse" in self.response or self.status >= 400:
            return self
        frames = [f"data: {json.dumps(payload)}\r\n\r\n" for payload in payloads(self)]
        response = {"status": self.status, "headers": {"content-type": "text/event-stream"}, "sse": frames}
        return replace(self, response=response)


def _bytes(response: dict[str, Json]) -> bytes:
    if "base64" in response:
        return base64.b64decode(response["base64"])
    if "text" in response:
        return response["text"].encode()
    return json.dumps(response["json"]).encode() if response.get("json") is not None else b""


@functools.cache
def _index(folder: Path) -> list[dict[str, Json]]:
    path = folder / "index.json"
    if not path.exists() and must_be_there("recordings"):
        raise FileNotFoundError(f"absent in CI, and not in {SETTING}: {MISSING}")
    return json.loads(path.read_text("utf-8"))["recordings"] if path.exists() else []


@functools.cache
def _read(file: Path) -> dict[str, Json]:
    return json.loads(file.read_text("utf-8"))


def load(provider: str | None = None, api: str | None = None) -> list[Recording]:
    """The recordings of a provider and an api (None: of all), in a stable order."""
    found = []
    for folder in (OWN, FOLDER):
        for entry in _index(folder):
            if provider in (None, entry["provider"]) and api in (None, entry["api"]):
                data = _read(folder / entry["file"])
                found.append(Recording(entry["id"], data["request"], data["response"], entry))
    return sorted(found, key=lambda recording: (recording.provider, recording.api, recording.id))


def parameters(recordings: Sequence[Recording]) -> list[Any]:
    """For `pytest.mark.parametrize`: one parameter per recording, or one that is skipped and says why."""
    if not recordings:
        return [pytest.param(None, id="absent", marks=pytest.mark.skip(reason=MISSING))]
    return [pytest.param(one, id=f"{one.provider}-{one.api}-{one.id}") for one in recordings]


# What the wire says


@dataclass(slots=True)
class Truth:
    """Read from the wire alone. `usage` is the last usage object seen; texts are per candidate, in order of index."""

    usage: Json = None
    model: str | None = None
    response_id: str | None = None
    finish_reasons: list[Json] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    thoughts: list[str] = field(default_factory=list)
    tool_calls: list[tuple[str, Json]] = field(default_factory=list)
    block_reason: str | None = None
    error: Json = None
    """The error object: code, message, status."""

    @property
    def text(self) -> str:
        return self.texts[0] if self.texts else ""

    @property
    def thought(self) -> str:
        return self.thoughts[0] if self.thoughts else ""


def payloads(recording: Recording) -> list[Json]:
    """The JSON bodies of a response: one for a plain answer, one per frame for a stream."""
    if "sse" in recording.response:
        return [data for frame in recording.response["sse"] if (data := _data(frame)) is not None]
    body = recording.response.get("json")
    return body if isinstance(body, list) else [body]


def _data(frame: str) -> Json:
    lines = [line.removeprefix("data:").strip() for line in frame.splitlines() if line.startswith("data:")]
    text = "\n".join(lines)
    return None if text in {"", "[DONE]"} else json.loads(text)


def truth(recording: Recording) -> Truth:
    if recording.provider not in {"gemini", "vertex"}:
        raise NotImplementedError(f"no truth for the wire of {recording.provider}")
    found = Truth()
    candidates: dict[int, dict[str, Any]] = {}
    for payload in payloads(recording):
        if isinstance(payload, dict) and recording.api == "interactions":
            _read_interaction(payload, found)
        elif isinstance(payload, dict):
            _read_gemini(payload, found, candidates)
    for _, candidate in sorted(candidates.items()):
        found.texts.append(candidate["text"])
        found.thoughts.append(candidate["thought"])
        if candidate["finish"] is not None:
            found.finish_reasons.append(candidate["finish"])
    return found


def _read_gemini(payload: dict[str, Json], found: Truth, candidates: dict[int, dict[str, Any]]) -> None:
    found.usage = payload.get("usageMetadata", found.usage)
    found.model = payload.get("modelVersion", found.model)
    found.response_id = payload.get("responseId", found.response_id)
    found.error = payload.get("error", found.error)
    found.block_reason = (payload.get("promptFeedback") or {}).get("blockReason", found.block_reason)
    for position, candidate in enumerate(payload.get("candidates") or []):
        index = candidate.get("index", position)
        seen = candidates.setdefault(index, {"text": "", "thought": "", "finish": None})
        seen["finish"] = candidate.get("finishReason", seen["finish"])
        for part in (candidate.get("content") or {}).get("parts") or []:
            if "text" in part:
                seen["thought" if part.get("thought") else "text"] += part["text"]
            if "functionCall" in part:
                call = part["functionCall"]
                found.tool_calls.append((call.get("name"), call.get("args") or {}))


def _read_interaction(payload: dict[str, Json], found: Truth) -> None:
    """An interaction, or one event of its stream: a `step.delta` holds text or a summary of thoughts."""
    interaction = payload.get("interaction") or (payload if payload.get("object") == "interaction" else {})
    metadata = payload.get("metadata") or {}
    found.usage = interaction.get("usage") or metadata.get("usage") or found.usage
    found.model = interaction.get("model") or found.model
    found.response_id = interaction.get("id") or found.response_id
    delta = payload.get("delta") or {}
    if delta.get("type") == "text":
        found.texts = [found.text + delta["text"]]
    if delta.get("type") == "thought_summary":
        found.thoughts = [found.thought + delta["content"]["text"]]
