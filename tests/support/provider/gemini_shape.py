"""How a Gemini answer is counted and laid out: `usageMetadata`, the whole response, or its chunks."""

from __future__ import annotations

import itertools
import json
import re
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from tests.support.provider.gemini_content import (
    Turn,
    contents_of,
    get,
    media,
    parts_of,
    serial,
    text_of,
    tokens,
    tools,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.provider.wire import Json, Request

_THINKS = re.compile(r"gemini-(2\.5|[3-9])(?!.*image)")
"""Models that think unless asked not to."""


def prompt_details(body: Json) -> list[Json]:
    """Tokens of the request per modality."""
    around = json.dumps([get(body, "systemInstruction"), get(body, "tools")])
    counts = {"TEXT": tokens(around) // 4}
    for part in (part for turn in contents_of(body) for part in parts_of(turn)):
        attached = media(part)
        kind = str(get(attached, "mimeType") or "").split("/")[0].upper() if attached else "TEXT"
        kind = kind if kind in {"TEXT", "IMAGE", "AUDIO", "VIDEO"} else "DOCUMENT"
        size = 258 if attached else tokens(text_of(part) or json.dumps(part))
        counts[kind] = counts.get(kind, 0) + size
    return details(counts)


def details(counts: dict[str, int]) -> list[Json]:
    return [{"modality": kind, "tokenCount": count} for kind, count in counts.items()]


def usage(body: Json, candidates: list[Turn], model: str) -> dict[str, Json]:
    """`usageMetadata` of the whole answer. The total includes thoughts and tool use, as Google's does."""
    prompt = prompt_details(body)
    counts = {"promptTokenCount": sum(item["tokenCount"] for item in prompt), "promptTokensDetails": prompt}
    if get(body, "cachedContent"):
        counts["cachedContentTokenCount"] = 2048
        counts["cacheTokensDetails"] = details({"TEXT": 2048})
        counts["promptTokenCount"] += 2048
        prompt[0]["tokenCount"] += 2048
    if any(tools(body, kind) for kind in ("googleSearch", "codeExecution", "urlContext")):
        counts["toolUsePromptTokenCount"] = 37
        counts["toolUsePromptTokensDetails"] = details({"TEXT": 37})
    output = _output_tokens(candidates)
    if output and not candidates[0].blocked:
        counts["candidatesTokenCount"] = sum(output.values())
        counts["candidatesTokensDetails"] = details(output)
    if not candidates[0].blocked and _thinks(body, model):
        counts["thoughtsTokenCount"] = 21
    names = ("promptTokenCount", "toolUsePromptTokenCount", "candidatesTokenCount", "thoughtsTokenCount")
    counts["totalTokenCount"] = sum(counts.get(name, 0) for name in names)
    return counts


def _thinks(body: Json, model: str) -> bool:
    thinking = get(get(body, "generationConfig"), "thinkingConfig")
    return bool(thinking or _THINKS.match(model)) and get(thinking, "thinkingBudget") != 0


def _output_tokens(candidates: list[Turn]) -> dict[str, int]:
    output: dict[str, int] = {}
    for part in (part for turn in candidates for part in turn.parts if not part.get("thought")):
        kind = "IMAGE" if "inlineData" in part else "TEXT"
        size = 1290 if kind == "IMAGE" else tokens(part.get("text") or json.dumps(part))
        output[kind] = output.get(kind, 0) + size
    return output


def head(request: Request, model: str) -> dict[str, Json]:
    found = {"modelVersion": model, "responseId": f"response-{next(serial)}"}
    if "/projects/" in request.path or "/publishers/" in request.path:
        found["createTime"] = datetime.now(timezone.utc).isoformat().replace("+00:00", "Z")
    return found


def _response(head: Json, candidates: list[Turn], usage: Json | None, last: bool) -> Json:
    found: dict[str, Json] = {}
    blocked = [turn.blocked for turn in candidates if turn.blocked]
    if blocked:
        found["promptFeedback"] = {"blockReason": blocked[0]}
    else:
        found["candidates"] = [_candidate(turn, number, last) for number, turn in enumerate(candidates)]
    if usage is not None:
        found["usageMetadata"] = usage
    return {**found, **head}


def _candidate(turn: Turn, number: int, last: bool) -> Json:
    found: dict[str, Json] = {"content": {"parts": turn.parts, "role": "model"}}
    if last:
        found.update({"finishReason": turn.finish, **turn.extras})
    return {**found, "index": number}


def whole(head: Json, candidates: list[Turn], usage: Json | None) -> Json:
    return _response(head, candidates, usage, last=True)


def chunks(head: Json, candidates: list[Turn], usage: Json | None) -> list[Json]:
    """The same answer in chunks. Usage is cumulative; the finish reason comes with the last chunk."""
    pieces = [list(_pieces(turn)) for turn in candidates]
    steps = list(itertools.zip_longest(*pieces, fillvalue=[]))
    found = []
    for number, step in enumerate(steps, 1):
        part = [
            Turn(parts, turn.finish, turn.extras, turn.blocked) for parts, turn in zip(step, candidates, strict=True)
        ]
        last = number == len(steps)
        found.append(_response(head, part, usage if last else _so_far(usage, number, len(steps)), last))
    return found


def _pieces(turn: Turn) -> Iterator[list[Json]]:
    if not turn.parts:
        yield []
    for part in turn.parts:
        words = re.findall(r"\S+\s*|\s+", part["text"]) if "text" in part else []
        size = max(1, -(-len(words) // 4))
        for start in range(0, len(words), size):
            yield [{**part, "text": "".join(words[start : start + size])}]
        if not words:
            yield [part]


def _so_far(usage: Json | None, number: int, steps: int) -> Json | None:
    if usage is None:
        return None
    names = ("promptTokenCount", "toolUsePromptTokenCount", "thoughtsTokenCount", "cachedContentTokenCount")
    found = {name: usage[name] for name in (*names, "promptTokensDetails") if name in usage}
    output = usage.get("candidatesTokenCount")
    if isinstance(output, int):
        found["candidatesTokenCount"] = output * number // steps
    billed = ("promptTokenCount", "toolUsePromptTokenCount", "candidatesTokenCount", "thoughtsTokenCount")
    counts = [found[name] for name in billed if isinstance(found.get(name), int)]
    return {**found, "totalTokenCount": sum(counts)}


def filler(head: Json, candidates: list[Turn], usage: Json | None, number: int) -> Json:
    """The n-th chunk of a stream without end."""
    part = [Turn([{"text": f"and on {number} "}]) for _ in candidates]
    grown = None if usage is None else {**usage, "candidatesTokenCount": number + 1}
    return _response(head, part, _so_far(grown, 1, 1), last=False)
