"""Calls of servers that speak OpenAI's API: their answers as a test writes them, and the span that comes of one."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.openai.conftest import CHAT
from tests.support import verdict
from tests.support.openai_surfaces import make_client

HEAD = {"id": "c-1", "object": "chat.completion.chunk", "created": 1, "model": "m-1"}


def plain(message=None, finish="stop", **more):
    choice = {"index": 0, "message": {"role": "assistant", "content": "ok", **(message or {})}, "finish_reason": finish}
    return {**HEAD, "object": "chat.completion", "choices": [choice], **more}


def delta(finish=None, index=0, **fields):
    return {**HEAD, "choices": [{"index": index, "delta": fields, "finish_reason": finish}]}


def usage_chunk(usage, **more):
    return {**HEAD, "choices": [], "usage": usage, **more}


def frames(*events):
    """Events as server-sent events; bytes as they are."""
    written = [one if isinstance(one, bytes) else b"data: " + json.dumps(one).encode() + b"\n\n" for one in events]
    return {"frames": [*written, b"data: [DONE]\n\n"]}


@pytest.fixture
def ask(install, provider):
    """Make one call and give its span; what the SDK raises of the answer is the program's."""

    def asked(reply, stream=False, mode="sync"):
        telemetry = install(CAPTURE="true", GENSPAN_DIALECTS="genai,mlflow")
        provider.script(reply)

        async def asynchronous():
            async with make_client(provider.url, True) as client:
                answer = await client.chat.completions.create(**CHAT, stream=stream)
                return [chunk async for chunk in answer] if stream else answer

        def synchronous():
            with make_client(provider.url, False) as client:
                answer = client.chat.completions.create(**CHAT, stream=stream)
                return list(answer) if stream else answer

        synchronous() if mode == "sync" else asyncio.run(asynchronous())
        (span,) = telemetry.spans
        assert verdict.violations(span) == []
        return span

    return asked


def token_counts(span, *names):
    return tuple(span.attributes.get(f"gen_ai.usage.{name}_tokens") for name in names)


def parts(span):
    return [part for one in json.loads(span.attributes.get("gen_ai.output.messages", "[]")) for part in one["parts"]]
