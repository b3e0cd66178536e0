"""What a Gemini model says: parts made from the request."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import re
import struct
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.support.provider.schema import Values
from tests.support.provider.script import Reply, without_directives

if TYPE_CHECKING:
    from tests.support.provider.wire import Json, Request

serial = itertools.count(100_000)  # all as long as each other: they count as tokens


@dataclass(slots=True)
class Turn:
    """One candidate of the answer."""

    parts: list[Json]
    finish: str = "STOP"
    extras: dict[str, Json] = field(default_factory=dict)
    blocked: str | None = None
    """Why the prompt was blocked: there is no candidate then."""


# Reading the request: the SDK mixes camelCase and snake_case


def get(value: Any, camel: str) -> Any:
    if not isinstance(value, dict):
        return None
    snake = re.sub(r"[A-Z]", lambda m: "_" + m[0].lower(), camel)
    return value[camel] if camel in value else value.get(snake)


def contents_of(body: Json) -> list[dict[str, Any]]:
    found = get(body, "contents") or get(body, "content") or []
    found = found if isinstance(found, list) else [found]
    return [item for item in found if isinstance(item, dict)]


def parts_of(content: Json) -> list[dict[str, Any]]:
    parts = get(content, "parts") or []
    parts = parts if isinstance(parts, list) else [parts]
    return [part for part in parts if isinstance(part, dict)]


def text_of(value: Any) -> str:
    """All text of contents or parts below a value, in order."""
    if isinstance(value, list):
        return " ".join(filter(None, map(text_of, value)))
    if not isinstance(value, dict):
        return value if isinstance(value, str) else ""
    return text_of(value["parts"]) if "parts" in value else text_of(value.get("text"))


def newest_prompt(body: Json) -> str:
    """The text of the last turn in which the user wrote any."""
    if isinstance(body, dict) and "input" in body:
        return text_of(body["input"])
    if isinstance(body, dict) and "requests" in body:
        return " ".join(text_of(contents_of(request)) for request in body["requests"] if isinstance(request, dict))
    for content in reversed(contents_of(body)):
        text = text_of(content)
        if text and content.get("role") != "model":
            return text
    return text_of(get(body, "instances") or [])


def _rounds_done(body: Json) -> int:
    """Rounds of function responses since the user last wrote."""
    done = 0
    for content in reversed(contents_of(body)):
        parts = parts_of(content)
        if any(get(part, "functionResponse") for part in parts):
            done += 1
        elif content.get("role") != "model" and text_of(content):
            break
    return done


def tools(body: Json, kind: str) -> list[Any]:
    tools = get(body, "tools") or []
    return [get(tool, kind) for tool in tools if get(tool, kind) is not None]


# Making the answer


def turns(request: Request, reply: Reply) -> list[Turn]:
    """The candidates for this request, in order of their index."""
    body = request.body if isinstance(request.body, dict) else {}
    prompt = without_directives(newest_prompt(body))
    if "BLOCK" in prompt:
        return [Turn([], blocked="PROHIBITED_CONTENT")]
    config = get(body, "generationConfig") or {}
    wanted = get(config, "candidateCount") or 1
    return [_turn(body, config, prompt, reply, number) for number in range(wanted)]


def _turn(body: Json, config: Json, prompt: str, reply: Reply, number: int) -> Turn:
    thoughts = (
        [{"text": "I read the question and plan the answer.", "thought": True}] if _shows_thoughts(config) else []
    )
    calls = _function_calls(body, prompt, reply)
    if calls:
        return Turn([*thoughts, *calls])
    hop = _hop(body, reply)
    turn = Turn([*thoughts, *_final_parts(body, config, prompt, reply, number)])
    if tools(body, "googleSearch") or tools(body, "googleSearchRetrieval"):
        turn.extras["groundingMetadata"] = _grounding(prompt)
    if hop:
        turn.finish, turn.extras["continuationToken"] = "CONTINUATION", base64.b64encode(hop.encode()).decode()
    limit = get(config, "maxOutputTokens")
    if limit and tokens(text_of(turn.parts)) > limit:
        turn.parts = [{"text": text_of(turn.parts)[: limit * 4]}]
        turn.finish = "MAX_TOKENS"
    return turn


def _shows_thoughts(config: Json) -> bool:
    return bool(get(get(config, "thinkingConfig"), "includeThoughts"))


def _hop(body: Json, reply: Reply) -> str | None:
    """The next continuation token as "done/wanted", None if this is the last hop."""
    token = get(body, "continuationToken")
    done, wanted = map(int, base64.b64decode(token).decode().split("/")) if token else (0, reply.hops)
    return f"{done + 1}/{wanted}" if done < wanted else None


def _function_calls(body: Json, prompt: str, reply: Reply) -> list[Json]:
    groups = tools(body, "functionDeclarations")
    declared = [function for group in groups if isinstance(group, list) for function in group]
    mode = get(get(get(body, "toolConfig"), "functionCallingConfig"), "mode")
    if not declared or (mode and str(mode).upper() == "NONE") or _rounds_done(body) >= reply.rounds:
        return []
    values = Values(prompt)
    chosen = _choose(declared, prompt, reply.parallel)
    return [_call(function, values) for function in chosen]


def _choose(declared: list[Json], prompt: str, wanted: int) -> list[Json]:
    """The functions whose names and descriptions share most words with the prompt, or as many as are asked for."""
    words = set(re.findall(r"\w{3,}", prompt.lower()))

    def score(function: Json) -> tuple[int, int]:
        name = str(function.get("name", ""))
        named = set(re.findall(r"[a-z]{3,}", name.lower().replace("_", " ")))
        described = set(re.findall(r"\w{3,}", str(function.get("description", "")).lower()))
        return (name in prompt) * 10 + len(words & named) * 2 + len(words & described), -declared.index(function)

    ranked = sorted(declared, key=score, reverse=True)
    return list(itertools.islice(itertools.cycle(ranked), wanted))


def _call(function: Json, values: Values) -> Json:
    schema = get(function, "parametersJsonSchema") or get(function, "parameters") or {}
    call = {"name": function.get("name"), "args": values.of({"type": "object", **schema}), "id": f"call-{next(serial)}"}
    return {"functionCall": call}


def _final_parts(body: Json, config: Json, prompt: str, reply: Reply, number: int) -> list[Json]:
    if reply.text is not None:
        return [{"text": reply.text}]
    if "IMAGE" in [str(kind).upper() for kind in get(config, "responseModalities") or []]:
        return [{"text": "Here is the picture."}, {"inlineData": {"mimeType": "image/png", "data": png(prompt)}}]
    if get(config, "responseMimeType") == "application/json":
        schema = get(config, "responseJsonSchema") or get(config, "responseSchema") or {"properties": {"answer": {}}}
        return [{"text": json.dumps(Values(prompt).of(schema))}]
    if tools(body, "codeExecution"):
        return [
            {"executableCode": {"language": "PYTHON", "code": "print(6 * 7)\n"}},
            {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "42\n"}},
            {"text": "The code printed 42."},
        ]
    return [{"text": _text(body, prompt, number)}]


def _text(body: Json, prompt: str, number: int) -> str:
    results = [
        get(part, "functionResponse")
        for content in contents_of(body)[-2:]
        for part in parts_of(content)
        if get(part, "functionResponse")
    ]
    if results:
        results_text = "; ".join(
            f"{result.get('name')} says {json.dumps(result.get('response'))}" for result in results
        )
        return f"Having asked the tools, here is what I found: {results_text}. That answers your question."
    seen = [part for content in contents_of(body) for part in parts_of(content) if media(part)]
    if seen:
        kind = get(media(seen[-1]), "mimeType")
        return f"You sent something of type {kind}. It shows a small coloured square on a plain background."
    short = prompt if len(prompt) <= 80 else prompt[:77] + "..."
    again = f" (candidate {number + 1})" if number else ""
    return f'You asked: "{short}". This is the first sentence of my answer{again}. And this is where it ends.'


def media(part: Json) -> Any:
    return get(part, "inlineData") or get(part, "fileData")


def _grounding(prompt: str) -> Json:
    return {
        "webSearchQueries": [prompt[:60]],
        "groundingChunks": [{"web": {"uri": "https://example.com/page", "title": "example.com"}}],
        "groundingSupports": [{"segment": {"endIndex": 10, "text": "You asked:"}, "groundingChunkIndices": [0]}],
        "searchEntryPoint": {"renderedContent": "<div></div>"},
    }


def png(seed: str) -> str:
    """A PNG of one pixel whose colour comes from the seed."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    pixel = zlib.compress(b"\0" + hashlib.sha256(seed.encode()).digest()[:3])
    image = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixel) + chunk(b"IEND", b"")
    return base64.b64encode(image).decode()


def tokens(text: str) -> int:
    return (len(text) + 3) // 4
