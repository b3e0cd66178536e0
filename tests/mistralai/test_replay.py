"""Recorded answers of Mistral's, read again through mistralai: every figure is the wire's."""

from __future__ import annotations

import asyncio
import contextlib
import json

import pytest
from mistralai.client import Mistral, errors

from tests.support import verdict
from tests.support.mistral_surfaces import API_KEY
from tests.support.recordings import load, parameters, payloads

RECORDINGS = [
    one
    for one in load("openai_compat")
    if one.api in ("chat.completions", "embeddings")
    and any("mistral" in str(one.entry[name]).lower() for name in ("model", "source_path"))
    and one.path == f"/v1/{one.api.replace('.', '/')}"
]


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("recording", parameters(RECORDINGS))
def test_figures_are_the_wires(provider, install, recording, is_async):
    telemetry = install(CAPTURE="true", GENSPAN_DIALECTS="genai,mlflow")
    provider.replay(recording)
    unreadable = (
        (errors.ResponseValidationError,) if recording.api == "embeddings" else ()
    )  # base64, which costs the same
    with contextlib.suppress(*unreadable):
        asyncio.run(_play(f"{provider.url}/mistral", recording, is_async))
    verdict.sound(telemetry)
    (span,) = telemetry.spans
    wire = payloads(recording)
    usage = next((one["usage"] for one in reversed(wire) if one.get("usage")), {})
    assert span.attributes.get("gen_ai.usage.input_tokens") == usage.get("prompt_tokens")
    assert span.attributes["gen_ai.response.model"] == wire[0]["model"]
    if recording.api == "embeddings":
        return
    assert span.attributes.get("gen_ai.usage.output_tokens") == usage.get("completion_tokens")
    assert span.attributes["gen_ai.response.id"] == wire[0]["id"]
    (message,) = json.loads(span.attributes["gen_ai.output.messages"])
    answered = "".join(part["content"] for part in message["parts"] if part["type"] == "text")
    assert answered == "".join(text for one in wire for choice in one["choices"] for text in _texts(choice))
    calls = [part["name"] for part in message["parts"] if part["type"] == "tool_call"]
    assert calls == [
        call["function"]["name"]
        for one in wire
        for choice in one["choices"]
        for call in (choice.get("message") or choice["delta"]).get("tool_calls") or ()
    ]


def _texts(choice):
    content = (choice.get("message") or choice["delta"]).get("content") or ""
    if isinstance(content, str):
        return [content]
    return [part["text"] for part in content if part["type"] == "text"]


async def _play(url, recording, is_async):
    """What was asked says nothing of the answer, and has forms that the SDK refuses."""
    async with Mistral(api_key=API_KEY, server_url=url) as client:
        with client:
            if recording.api == "embeddings":
                method, asked = client.embeddings, {"inputs": ["x"]}
                name = "create"
            else:
                method, asked = client.chat, {"messages": [{"role": "user", "content": "x"}]}
                name = "stream" if recording.stream else "complete"
            result = getattr(method, f"{name}_async" if is_async else name)(model=recording.body["model"], **asked)
            result = await result if is_async else result
            if recording.stream:
                assert [one async for one in result] if is_async else list(result)
