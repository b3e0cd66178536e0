"""The Responses API: whole, as events, in the background, compacted, and over a websocket."""

from __future__ import annotations

import json
from typing import Any

from tests.support.provider.openai_chat import (
    CREATED,
    Billed,
    answer_text,
    missing,
    newest_text,
    serial,
    tokens,
    wanted_tools,
)
from tests.support.provider.script import UNSET, Reply
from tests.support.provider.wire import Answer, Json, Request, snapshot

__all__ = ["Billed", "cancel", "compact", "count", "create", "fetch"]

_POLLS = 2
"""How often a background response is read before it is done."""

_stored: dict[str, Json] = {}
_polls: dict[str, int] = {}
_billed: set[str] = set()


def frame(event: Json) -> bytes:
    return f"event: {event.get('type', 'error')}\ndata: {json.dumps(event)}\n\n".encode()


def _usage(body: Json, output: Json, model: str) -> Json:
    sent = tokens([body.get("instructions"), body.get("input"), body.get("tools")])
    reasoned = 64 if model.startswith("o") or "-5" in model else 0
    received = tokens(output) + reasoned
    return {
        "input_tokens": sent,
        "input_tokens_details": {"cached_tokens": sent // 2 if sent > 100 else 0, "cache_write_tokens": 0},
        "output_tokens": received,
        "output_tokens_details": {"reasoning_tokens": reasoned},
        "total_tokens": sent + received,
    }


def response(body: Json, reply: Reply) -> Json:
    """The finished response to a request."""
    given, model = body.get("input") or "", body.get("model") or ""
    items = given if isinstance(given, list) else []
    done = sum(1 for item in items if isinstance(item, dict) and item.get("type") == "function_call_output")
    calls = wanted_tools(body.get("tools"), newest_text(given), done, reply)
    output: list[Json] = [
        {
            "type": "function_call",
            "id": serial("fc"),
            "call_id": serial("call"),
            "name": name,
            "arguments": json.dumps(arguments),
            "status": "completed",
        }
        for name, arguments in calls
    ]
    if not calls:
        part = {"type": "output_text", "text": answer_text(body, reply), "annotations": [], "logprobs": []}
        message = {"type": "message", "id": serial("msg"), "role": "assistant", "content": [part]}
        output.append({**message, "status": "completed"})
    conversation = body.get("conversation")
    return {
        "id": serial("resp"),
        "object": "response",
        "created_at": CREATED,
        "status": "completed",
        "background": bool(body.get("background")),
        "error": None,
        "incomplete_details": None,
        "instructions": body.get("instructions"),
        "model": snapshot(model, "2026-08-01"),
        "output": output,
        "parallel_tool_calls": True,
        "previous_response_id": body.get("previous_response_id"),
        "conversation": {"id": conversation} if isinstance(conversation, str) else conversation,
        "service_tier": body.get("service_tier") or "default",
        "text": body.get("text") or {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": body.get("tools") or [],
        "metadata": {},
        "usage": _usage(body, output, model) if reply.usage is UNSET else reply.usage,
    }


def create(request: Request, reply: Reply) -> Answer:
    body = request.body or {}
    made = response(body, reply)
    _stored[made["id"]] = made
    if body.get("stream") is True:
        if made["background"]:
            _polls[made["id"]] = 0
        filler = _filler
        return Answer(chunks=events(made), frame=frame, filler=filler, content_type="text/event-stream")
    if made["background"]:
        _polls[made["id"]] = _POLLS
        return _json({**made, "status": "queued", "usage": None, "output": []})
    return _json(made)


def fetch(request: Request, reply: Reply) -> Answer:
    """A background response is done at the second reading, and billed when it is first seen done."""
    made = _stored.get(request.match["id"])
    if made is None:
        return missing("no such response")
    left = _polls.get(made["id"], -1)
    if left > 0:
        _polls[made["id"]] = left - 1
        return _json({**made, "status": "in_progress", "usage": None, "output": []})
    if request.query.get("stream") == "true":
        after = int(request.query.get("starting_after", -1))
        found = [event for event in events(made) if event["sequence_number"] > after]
        return Answer(chunks=[_once(made, event) for event in found], frame=frame, content_type="text/event-stream")
    return _json(_once(made, made))


def _once(made: Json, payload: Json) -> Json:
    """The payload with its usage if nobody was billed for this background response yet."""
    terminal = payload is made or payload["type"] == "response.completed"
    if terminal and made["background"] and made["id"] not in _billed:
        _billed.add(made["id"])
        return payload
    return Billed(payload)


def cancel(request: Request, reply: Reply) -> Answer:
    made = _stored[request.match["id"]]
    return _json({**made, "status": "cancelled", "usage": None, "output": []})


def compact(request: Request, reply: Reply) -> Answer:
    body = request.body or {}
    output = [{"type": "compaction", "id": serial("cmp"), "encrypted_content": "gAAAA"}]
    usage = _usage(body, output, body.get("model") or "")
    made = {"id": serial("resp"), "object": "response.compaction", "created_at": CREATED}
    return _json({**made, "output": output, "usage": usage})


def count(request: Request, reply: Reply) -> Answer:
    return _json({"object": "response.input_tokens", "input_tokens": tokens((request.body or {}).get("input"))})


def _json(body: Json) -> Answer:
    return Answer(body=body, content_type="application/json")


def _filler(number: int) -> Json:
    place = {"item_id": "msg-0", "output_index": 0, "content_index": 0}
    delta = {"delta": f"{number} ", "sequence_number": number, "logprobs": []}
    return {"type": "response.output_text.delta", **place, **delta}


def events(made: Json) -> list[Json]:
    """The events of a stream, numbered."""
    empty = {**made, "status": "in_progress", "output": [], "usage": None}
    found: list[Json] = [
        {"type": "response.created", "response": empty},
        {"type": "response.in_progress", "response": empty},
    ]
    for index, item in enumerate(made["output"]):
        found.extend(_item_events(index, item))
    found.append({"type": "response.completed", "response": made})
    return [{**event, "sequence_number": number} for number, event in enumerate(found)]


def _item_events(index: int, item: Json) -> Any:
    place = {"item_id": item["id"], "output_index": index}
    if item["type"] == "function_call":
        yield {"type": "response.output_item.added", "output_index": index, "item": {**item, "arguments": ""}}
        for start in range(0, len(item["arguments"]), 7):
            delta = item["arguments"][start : start + 7]
            yield {"type": "response.function_call_arguments.delta", **place, "delta": delta}
        done = {"arguments": item["arguments"], "name": item["name"]}
        yield {"type": "response.function_call_arguments.done", **place, **done}
    else:
        part = item["content"][0]
        within = {**place, "content_index": 0}
        yield {"type": "response.output_item.added", "output_index": index, "item": {**item, "content": []}}
        yield {"type": "response.content_part.added", **within, "part": {**part, "text": ""}}
        for start in range(0, len(part["text"]), 16):
            delta = part["text"][start : start + 16]
            yield {"type": "response.output_text.delta", **within, "delta": delta, "logprobs": []}
        yield {"type": "response.output_text.done", **within, "text": part["text"], "logprobs": []}
        yield {"type": "response.content_part.done", **within, "part": part}
    yield {"type": "response.output_item.done", "output_index": index, "item": item}
