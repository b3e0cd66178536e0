"""anthropic's messages: requests in the forms that programs write, and replies shaped like recorded ones."""

from __future__ import annotations

import json
from base64 import b64encode
from functools import cache
from typing import TYPE_CHECKING, Any

import anthropic

from benchmarks.floor import start
from benchmarks.providers import anthropic_floor, conversation, transport
from genspan.anthropic import AnthropicInstrumentor

if TYPE_CHECKING:
    from collections.abc import Iterable

MODEL = "claude-sonnet-5-5"
START = start("chat", "anthropic", MODEL, "api.anthropic.com")
FLOOR = anthropic_floor
# The SDK's own tracing would be a part of its cost that genspan replaces and the floor does not; 1.x has none.
_UNTRACED: dict[str, Any] = {"open_telemetry": False} if hasattr(anthropic, "OpenTelemetryOptions") else {}
_USAGE = {
    "cache_creation": {"ephemeral_1h_input_tokens": 0, "ephemeral_5m_input_tokens": 0},
    "cache_creation_input_tokens": 0,
    "cache_read_input_tokens": 0,
    "input_tokens": 14,
    "output_tokens": 8,
    "service_tier": "standard",
}


def _reply(content: list[Any], reason: str | None) -> dict[str, Any]:
    return {
        "id": "msg_01KgnnRwGgZEK3kvEGM5nbW8",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-5-5",
        "content": content,
        "stop_reason": reason,
        "stop_sequence": None,
        "usage": _USAGE,
    }


def _events(chunks: int) -> list[bytes]:
    events = [
        {"type": "message_start", "message": _reply([], None)},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        *(
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}
            for text in conversation.pieces(chunks)
        ),
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn", "stop_sequence": None},
            "usage": {"output_tokens": 8},
        },
        {"type": "message_stop"},
    ]
    return [transport.event(event, event["type"]) for event in events]


def instrumentor() -> AnthropicInstrumentor:
    return AnthropicInstrumentor()


def client(chunks: int = 0) -> anthropic.Anthropic:
    reply = _reply([{"type": "text", "text": conversation.ANSWER}], "end_turn")
    answers = transport.streaming(_events(chunks)) if chunks else transport.plain(reply)
    return anthropic.Anthropic(api_key="key-of-the-benchmarks", http_client=answers, **_UNTRACED)


def call(client: anthropic.Anthropic, case: str) -> Any:
    return client.messages.create(**request(case))


def stream(client: anthropic.Anthropic) -> Iterable[Any]:
    return client.messages.create(**request("short"), stream=True)


@cache
def request(case: str) -> dict[str, Any]:
    """The arguments of a call, made once, as a program that keeps its history has them."""
    common = {"model": MODEL, "max_tokens": conversation.MAX_TOKENS}
    if case == "short":
        return {**common, "messages": [{"role": "user", "content": conversation.QUESTION}]}
    if case == "image":
        source = {
            "type": "base64",
            "media_type": conversation.IMAGE_TYPE,
            "data": b64encode(conversation.image()).decode(),
        }
        blocks = [{"type": "text", "text": conversation.ABOUT_IMAGE}, {"type": "image", "source": source}]
        return {**common, "messages": [{"role": "user", "content": blocks}]}
    return {
        **common,
        "max_tokens": conversation.MAX_TOKENS_OF_HISTORY,
        "system": conversation.SYSTEM,
        "messages": _history(),
        "tools": [
            {"name": name, "description": description, "input_schema": schema}
            for name, (description, schema) in conversation.TOOLS.items()
        ],
    }


def _history() -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = []
    for number, (question, arguments, found, answer) in enumerate(conversation.ROUNDS):
        called = {"type": "tool_use", "id": f"toolu_{number}", "name": conversation.TOOL, "input": arguments}
        result = {"type": "tool_result", "tool_use_id": f"toolu_{number}", "content": json.dumps(found)}
        messages += [
            {"role": "user", "content": question},
            {"role": "assistant", "content": [called]},
            {"role": "user", "content": [result]},
            {"role": "assistant", "content": answer},
        ]
    return messages
