"""Messages: what is answered, whole or in events, and how it is counted."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from typing import Any

from tests.support.provider.openai_chat import newest_text, serial, tokens, wanted_tools
from tests.support.provider.schema import Values
from tests.support.provider.script import UNSET, Reply, without_directives
from tests.support.provider.wire import Answer, Json, Request, snapshot

_THINKS = ("enabled", "adaptive")


def body_of(request: Request) -> dict[str, Any]:
    return request.body if isinstance(request.body, dict) else {}


def count(request: Request, reply: Reply) -> Answer:
    body = body_of(request)
    return Answer(body={"input_tokens": tokens([body.get("system"), body.get("messages"), body.get("tools")])})


def usage(body: Json, content: Json) -> Json:
    """What carries `cache_control` is read from the cache by half and written to it by a quarter."""
    sent = tokens([body.get("system"), body.get("messages"), body.get("tools")])
    kept = "cache_control" in json.dumps(body)
    read, written = (sent // 2, sent // 4) if kept else (0, 0)
    long = written // 2 if '"1h"' in json.dumps(body) else 0
    thought = sum(tokens(block.get("thinking", "")) for block in content)
    return {
        "input_tokens": sent - read - written,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": read,
        "cache_creation": {"ephemeral_5m_input_tokens": written - long, "ephemeral_1h_input_tokens": long},
        "output_tokens": tokens(content),
        "output_tokens_details": {"thinking_tokens": thought},
        "service_tier": "standard",
        "inference_geo": "global",
    }


def answer_text(body: Json, reply: Reply) -> str:
    """The text of an answer: as scripted, as the schema wants it, or about the prompt."""
    if reply.text is not None:
        return reply.text
    prompt = without_directives(newest_text(body.get("messages") or body.get("prompt") or ""))
    wanted = (body.get("output_config") or {}).get("format") or body.get("output_format") or {}
    if wanted.get("schema"):
        return json.dumps(Values(prompt).of(wanted["schema"]))
    return f"You asked: {prompt[:200]} Here is an answer in a few words."


def _content(body: Json, reply: Reply) -> list[Json]:
    thinks = (body.get("thinking") or {}).get("type") in _THINKS
    content: list[Json] = [{"type": "thinking", "thinking": "Let me think.", "signature": "c2ln"}] if thinks else []
    messages = body.get("messages") or []
    done = sum(1 for one in messages if one["role"] == "assistant" and "tool_use" in json.dumps(one["content"]))
    tools = [
        {"type": "function", "name": one["name"], "parameters": one["input_schema"]}
        for one in body.get("tools") or ()
        if "input_schema" in one
    ]
    calls = wanted_tools(tools, _first_text(messages), done, reply)
    content += [{"type": "tool_use", "id": serial("toolu"), "name": name, "input": given} for name, given in calls]
    return content if calls else [*content, {"type": "text", "text": answer_text(body, reply), "citations": None}]


def _first_text(messages: list[Json]) -> str:
    return newest_text(messages[:1])


def message(body: Json, model: str, reply: Reply) -> Json:
    content = _content(body, reply)
    spent = usage(body, content) if reply.usage is UNSET else reply.usage
    called = content[-1]["type"] == "tool_use"
    return {
        "id": serial("msg"),
        "type": "message",
        "role": "assistant",
        "model": snapshot(model, "20260801"),
        "content": content,
        "stop_reason": "tool_use" if called else "max_tokens" if reply.text == "{" else "end_turn",
        "stop_sequence": None,
        "stop_details": None,
        "usage": spent,
        **({"thread": {"id": serial("thread")}} if body.get("thread") else {}),
    }


def create(request: Request, reply: Reply) -> Answer:
    body = body_of(request)
    model = body.get("model") or request.match.get("model") or ""
    if "does-not-exist" in model:
        missing = {"type": "not_found_error", "message": f"model: {model}"}
        return Answer(status=404, body={"type": "error", "error": missing}, content_type="application/json")
    whole = message(body, model, reply)
    if body.get("stream") is not True and "stream" not in request.path:
        return Answer(body=whole, content_type="application/json")
    return Answer(chunks=events(whole), frame=sse, filler=_filler, content_type="text/event-stream; charset=utf-8")


def events(whole: Json) -> list[Json]:
    """`message_start` has a placeholder for the output, `message_delta` only what has changed."""
    spent = whole["usage"]
    begun = {**spent, "output_tokens": 1} if spent else spent
    if begun:
        begun.pop("output_tokens_details", None)
    head = {**whole, "content": [], "stop_reason": None, "usage": begun}
    found: list[Json] = [{"type": "message_start", "message": head}]
    for index, block in enumerate(whole["content"]):
        found += _block(index, block)
    delta = {name: whole[name] for name in ("stop_reason", "stop_sequence", "stop_details")}
    grown = {name: spent[name] for name in ("output_tokens", "output_tokens_details", "iterations") if name in spent}
    return [*found, {"type": "message_delta", "delta": delta, "usage": grown}, {"type": "message_stop"}]


# Of each kind of block: the field that grows, what it begins as, and the delta that it grows by.
_GROWING = {
    "text": ("text", "", "text_delta", "text"),
    "thinking": ("thinking", "", "thinking_delta", "thinking"),
    "compaction": ("content", None, "compaction_delta", "content"),
    **dict.fromkeys(("tool_use", "server_tool_use", "mcp_tool_use"), ("input", {}, "input_json_delta", "partial_json")),
}


def _block(index: int, block: Json) -> list[Json]:
    name, empty, delta, piece = _GROWING.get(block["type"], ("type", block["type"], "", ""))
    begun, whole = {**block, name: empty}, block[name] if delta else None
    deltas = [{"type": delta, piece: part} for part in _pieces(json.dumps(whole) if empty == {} else whole or "")]
    if block["type"] == "thinking":
        begun["signature"] = ""
        deltas.append({"type": "signature_delta", "signature": block["signature"]})
    if block.get("citations"):
        begun["citations"] = []
        deltas += [{"type": "citations_delta", "citation": one} for one in block["citations"]]
    return [
        {"type": "content_block_start", "index": index, "content_block": begun},
        {"type": "ping"},
        *({"type": "content_block_delta", "index": index, "delta": one} for one in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def _pieces(text: str, size: int = 16) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)]


def _filler(number: int) -> Json:
    if number == 0:
        head = {"id": serial("msg"), "type": "message", "role": "assistant", "model": "endless", "content": []}
        spent = {"input_tokens": 9, "output_tokens": 1}
        return {
            "type": "message_start",
            "message": {**head, "stop_reason": None, "stop_sequence": None, "usage": spent},
        }
    if number == 1:
        return {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    return {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": f"{number} "}}


def sse(event: Json) -> bytes:
    return f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()


def frames(request: Request, reply: Reply) -> Answer:
    """Bedrock: the same events in Amazon's framing."""
    answer = create(request, reply)
    answer.frame, answer.content_type = amazon, "application/vnd.amazon.eventstream"
    return answer


def amazon(event: Json) -> bytes:
    """One frame: total length, length of headers, checksum; headers; payload; checksum."""
    if event.get("type") == "error":
        kind = {"message-type": "exception", "exception-type": "throttlingException"}
        payload = json.dumps({"message": event["error"]["message"]})
    else:
        kind = {"message-type": "event", "event-type": "chunk"}
        payload = json.dumps({"bytes": base64.b64encode(json.dumps(event).encode()).decode(), "p": "abcd"})
    headers = b"".join(_header(name, value) for name, value in {**kind, "content-type": "application/json"}.items())
    prelude = struct.pack(">II", len(headers) + len(payload) + 16, len(headers))
    frame = prelude + struct.pack(">I", zlib.crc32(prelude)) + headers + payload.encode()
    return frame + struct.pack(">I", zlib.crc32(frame))


def _header(name: str, value: str) -> bytes:
    return struct.pack(">B", len(name) + 1) + b":" + name.encode() + struct.pack(">BH", 7, len(value)) + value.encode()


def complete(request: Request, reply: Reply) -> Answer:
    """The older text completions, which report no usage."""
    body = body_of(request)
    head = {"type": "completion", "id": serial("compl"), "model": body.get("model"), "stop": None}
    text = answer_text(body, reply)
    if body.get("stream") is not True:
        whole = {**head, "completion": text, "stop_reason": "stop_sequence"}
        return Answer(body=whole, content_type="application/json")
    chunks = [{**head, "completion": piece, "stop_reason": None} for piece in _pieces(text)]
    chunks.append({**head, "completion": "", "stop_reason": "stop_sequence"})
    return Answer(chunks=chunks, frame=sse, content_type="text/event-stream")
