"""openai's chat completions: requests in the forms that programs write, and replies shaped like recorded ones."""

from __future__ import annotations

import json
from base64 import b64encode
from functools import cache
from typing import TYPE_CHECKING, Any

import openai

from benchmarks.floor import start
from benchmarks.providers import conversation, openai_floor, transport
from genspan.openai import OpenAIInstrumentor

if TYPE_CHECKING:
    from collections.abc import Iterable

MODEL = "gpt-4o-mini"
START = start("chat", "openai", MODEL, "api.openai.com")
FLOOR = openai_floor
_COMMON = {
    "id": "chatcmpl-BcNwCbykDw9aoqZtqz1u8Pkdj9SGs",
    "created": 1748488180,
    "model": "gpt-4o-mini-2024-07-18",
    "service_tier": "default",
    "system_fingerprint": "fp_34a54ae93c",
}
_USAGE = {
    "prompt_tokens": 14,
    "completion_tokens": 8,
    "total_tokens": 22,
    "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
    "completion_tokens_details": {
        "reasoning_tokens": 0,
        "audio_tokens": 0,
        "accepted_prediction_tokens": 0,
        "rejected_prediction_tokens": 0,
    },
}


def reply() -> dict[str, Any]:
    message = {"role": "assistant", "content": conversation.ANSWER, "refusal": None, "annotations": []}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    return {**_COMMON, "object": "chat.completion", "choices": [choice], "usage": _USAGE}


def _events(chunks: int) -> list[bytes]:
    first = {"role": "assistant", "content": "", "refusal": None}
    deltas = [(first, None), *(({"content": text}, None) for text in conversation.pieces(chunks)), ({}, "stop")]
    found = [
        _chunk([{"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}], None)
        for delta, reason in deltas
    ]
    return [*found, _chunk([], _USAGE), b"data: [DONE]\n\n"]


def _chunk(choices: list[Any], usage: dict[str, Any] | None) -> bytes:
    return transport.event({**_COMMON, "object": "chat.completion.chunk", "choices": choices, "usage": usage})


def instrumentor() -> OpenAIInstrumentor:
    return OpenAIInstrumentor()


def client(chunks: int = 0) -> openai.OpenAI:
    answers = transport.streaming(_events(chunks)) if chunks else transport.plain(reply())
    return openai.OpenAI(api_key="key-of-the-benchmarks", http_client=answers)


def call(client: openai.OpenAI, case: str) -> Any:
    return client.chat.completions.create(**request(case))


def stream(client: openai.OpenAI) -> Iterable[Any]:
    return client.chat.completions.create(**request("short"), stream=True, stream_options={"include_usage": True})


@cache
def request(case: str) -> dict[str, Any]:
    """The arguments of a call, made once, as a program that keeps its history has them."""
    common = {"model": MODEL, "temperature": conversation.TEMPERATURE, "max_tokens": conversation.MAX_TOKENS}
    if case == "short":
        return {**common, "messages": [{"role": "user", "content": conversation.QUESTION}]}
    if case == "image":
        url = f"data:{conversation.IMAGE_TYPE};base64,{b64encode(conversation.image()).decode()}"
        parts = [{"type": "text", "text": conversation.ABOUT_IMAGE}, {"type": "image_url", "image_url": {"url": url}}]
        return {**common, "messages": [{"role": "user", "content": parts}]}
    return {
        **common,
        "max_tokens": conversation.MAX_TOKENS_OF_HISTORY,
        "messages": _history(),
        "tools": [
            {"type": "function", "function": {"name": name, "description": description, "parameters": schema}}
            for name, (description, schema) in conversation.TOOLS.items()
        ],
    }


def _history() -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = [{"role": "system", "content": conversation.SYSTEM}]
    for number, (question, arguments, found, answer) in enumerate(conversation.ROUNDS):
        function = {"name": conversation.TOOL, "arguments": json.dumps(arguments)}
        messages += [
            {"role": "user", "content": question},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": f"call_{number}", "type": "function", "function": function}],
            },
            {"role": "tool", "tool_call_id": f"call_{number}", "content": json.dumps(found)},
            {"role": "assistant", "content": answer},
        ]
    return messages
