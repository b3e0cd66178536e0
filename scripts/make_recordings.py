"""Write ``tests/recordings``: what the tests' own provider (``tests/support/provider``) answers to requests.

A clone without ``$GENSPAN_RECORDINGS`` replays these; run it again when the provider's shapes change.
"""

from __future__ import annotations

import json
import shutil
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.support.provider import FakeProvider

FOLDER = ROOT / "tests" / "recordings"
TOOL = {"name": "get_weather", "description": "The weather of a city"}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
TOOLS = [{"type": "function", "function": {**TOOL, "parameters": SCHEMA}}]
SAYS = [{"role": "user", "content": "Hello"}]
USAGE = {"stream_options": {"include_usage": True}}
CHAT = {"model": "gpt-4o-mini", "messages": SAYS}
CLAUDE = {"model": "claude-sonnet-4-5", "max_tokens": 100, "messages": SAYS}
GEMINI = {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]}
DECLARED = {"tools": [{"functionDeclarations": [{**TOOL, "parameters": {"type": "OBJECT"}}]}]}
FLASH = "models/gemini-2.5-flash"
VERTEX = "v1beta1/projects/p/locations/us-central1/publishers/google"


class Kind(NamedTuple):
    """A request, and what its answer is called."""

    provider: str
    api: str
    name: str
    path: str
    body: dict[str, Any]
    headers: dict[str, str] = {}  # noqa: RUF012  # never changed


def _compatible() -> list[Kind]:
    groq, mistral = "/openai/v1/chat/completions", "/mistral/v1/chat/completions"
    llama, small = {**CHAT, "model": "llama-3.3-70b"}, {**CHAT, "model": "mistral-small-latest"}
    embedded = {"model": "mistral-embed", "input": ["Hello"]}
    return [
        Kind("openai_compat", "chat.completions", "groq-plain", groq, llama),
        Kind("openai_compat", "chat.completions", "groq-tools", groq, {**llama, "tools": TOOLS}),
        Kind("openai_compat", "chat.completions", "groq-stream", groq, {**llama, "stream": True}),
        Kind("openai_compat", "chat.completions", "groq-error", groq, llama, {"x-fake-status": "429"}),
        Kind("openai_compat", "chat.completions", "mistral-plain", mistral, small),
        Kind("openai_compat", "chat.completions", "mistral-tools", mistral, {**small, "tools": TOOLS}),
        Kind("openai_compat", "chat.completions", "mistral-stream", mistral, {**small, "stream": True}),
        Kind("openai_compat", "embeddings", "mistral-plain", "/mistral/v1/embeddings", embedded),
    ]


def _chat() -> list[Kind]:
    provider, chat = "openai", "/v1/chat/completions"
    return [
        Kind(provider, "chat.completions", "plain", chat, CHAT),
        Kind(provider, "chat.completions", "two-choices", chat, {**CHAT, "n": 2}),
        Kind(provider, "chat.completions", "tools", chat, {**CHAT, "tools": TOOLS}),
        Kind(provider, "chat.completions", "stream", chat, {**CHAT, "stream": True, **USAGE}),
        Kind(provider, "chat.completions", "stream-without-usage", chat, {**CHAT, "stream": True}),
        Kind(provider, "chat.completions", "stream-tools", chat, {**CHAT, "stream": True, **USAGE, "tools": TOOLS}),
        Kind(provider, "chat.completions", "error", chat, CHAT, {"x-fake-status": "429"}),
        Kind(provider, "chat.completions", "stream-error", chat, {**CHAT, "stream": True}, {"x-fake-status": "503"}),
    ]


def _responses() -> list[Kind]:
    body = {"model": "gpt-4o-mini", "input": "Hello"}
    tools = [{"type": "function", **TOOL, "parameters": SCHEMA}]
    path = "/v1/responses"
    return [
        Kind("openai", "responses", "plain", path, body),
        Kind("openai", "responses", "tools", path, {**body, "tools": tools}),
        Kind("openai", "responses", "stream", path, {**body, "stream": True}),
        Kind("openai", "responses", "stream-tools", path, {**body, "stream": True, "tools": tools}),
        Kind("openai", "responses", "error", path, body, {"x-fake-status": "400"}),
        Kind(
            "openai", "completions", "plain", "/v1/completions", {"model": "gpt-3.5-turbo-instruct", "prompt": "Hello"}
        ),
        Kind(
            "openai",
            "completions",
            "stream",
            "/v1/completions",
            {"model": "gpt-3.5-turbo-instruct", "prompt": "Hello", "stream": True, **USAGE},
        ),
        Kind(
            "openai", "embeddings", "plain", "/v1/embeddings", {"model": "text-embedding-3-small", "input": ["a", "b"]}
        ),
        Kind("openai", "embeddings", "error", "/v1/embeddings", {"model": "m", "input": "a"}, {"x-fake-status": "401"}),
    ]


def _anthropic() -> list[Kind]:
    path = "/v1/messages"
    tools = {"tools": [{**TOOL, "input_schema": SCHEMA}]}
    thinking = {"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 2000}
    counted = {"model": CLAUDE["model"], "messages": SAYS}
    return [
        Kind("anthropic", "messages", "plain", path, CLAUDE),
        Kind("anthropic", "messages", "tools", path, {**CLAUDE, **tools}),
        Kind("anthropic", "messages", "thinking", path, {**CLAUDE, **thinking}),
        Kind("anthropic", "messages", "stream", path, {**CLAUDE, "stream": True}),
        Kind("anthropic", "messages", "stream-tools", path, {**CLAUDE, "stream": True, **tools}),
        Kind("anthropic", "messages", "stream-thinking", path, {**CLAUDE, "stream": True, **thinking}),
        Kind("anthropic", "messages", "error", path, CLAUDE, {"x-fake-status": "529"}),
        Kind("anthropic", "messages.count_tokens", "plain", f"{path}/count_tokens", counted),
    ]


def _gemini() -> list[Kind]:
    embedded = {"content": {"parts": [{"text": "Hello"}]}, "model": "models/gemini-embedding-001"}
    return [
        *(
            Kind(provider, api, name, f"/{around}/{model}:{verb}", body, headers)
            for provider, around, model in (("gemini", "v1beta", FLASH), ("vertex", VERTEX, FLASH))
            for api, verb, name, body, headers in (
                ("generateContent", "generateContent", "plain", GEMINI, {}),
                ("generateContent", "generateContent", "tools", {**GEMINI, **DECLARED}, {}),
                ("generateContent", "generateContent", "error", GEMINI, {"x-fake-status": "429"}),
                ("streamGenerateContent", "streamGenerateContent?alt=sse", "stream", GEMINI, {}),
                ("streamGenerateContent", "streamGenerateContent?alt=sse", "stream-tools", {**GEMINI, **DECLARED}, {}),
            )
        ),
        Kind(
            *("gemini", "batchEmbedContents", "plain", "/v1beta/models/gemini-embedding-001:batchEmbedContents"),
            {"requests": [embedded, embedded]},
        ),
        *(
            Kind("gemini", "interactions", name, "/v1beta/interactions", {"model": "gemini-2.5-flash", **body})
            for name, body in (("plain", {"input": "Hello"}), ("stream", {"input": "Hello", "stream": True}))
        ),
        Kind("gemini", "countTokens", "plain", f"/v1beta/{FLASH}:countTokens", GEMINI),
    ]


KINDS = [*_chat(), *_compatible(), *_responses(), *_anthropic(), *_gemini()]


def record(url: str, kind: Kind) -> dict[str, Any]:
    """Make the request, and return the answer as a recording has it."""
    headers = {"content-type": "application/json", "x-api-key": "k", "authorization": "Bearer k", **kind.headers}
    request = urllib.request.Request(url + kind.path, json.dumps(kind.body).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            status, media, raw = answer.status, answer.headers["content-type"], answer.read()
    except urllib.error.HTTPError as error:
        status, media, raw = error.code, error.headers["content-type"], error.read()
    response: dict[str, Any] = {"status": status, "headers": {"content-type": media}}
    if media.startswith("text/event-stream"):
        frames = raw.decode().replace("\r\n", "\n").split("\n\n")
        response["sse"] = [f"{frame}\n\n" for frame in frames if frame]
    else:
        response["json"] = json.loads(raw)
    path, _, query = kind.path.removeprefix("/mistral").replace("/openai/", "/groq/openai/").partition("?")
    asked = {"method": "POST", "path": path, "query": dict([query.split("=")] if query else []), "json": kind.body}
    return {"request": asked, "response": response}


def main() -> None:
    shutil.rmtree(FOLDER, ignore_errors=True)
    index: list[dict[str, Any]] = []
    with FakeProvider() as provider:
        for kind in KINDS:
            made = record(provider.url, kind)
            file = f"{kind.provider}/{kind.api}/{kind.name}.json"
            (FOLDER / file).parent.mkdir(parents=True, exist_ok=True)
            (FOLDER / file).write_text(json.dumps(made, indent=1) + "\n")
            model = kind.body.get("model") or kind.path.partition("/models/")[2].partition(":")[0]
            entry = {
                "id": f"own-{kind.name}",
                "file": file,
                "provider": kind.provider,
                "api": kind.api,
                "model": model,
                "source_path": "",
            }
            index.append({**entry, "stream": "sse" in made["response"], "status": made["response"]["status"]})
    (FOLDER / "index.json").write_text(json.dumps({"recordings": index}, indent=1) + "\n")


if __name__ == "__main__":
    main()
