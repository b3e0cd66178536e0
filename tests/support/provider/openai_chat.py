"""Chat completions and plain completions: what is answered, whole or in chunks, and how it is counted."""

from __future__ import annotations

import itertools
import json
from typing import Any

from tests.support.provider.schema import Values
from tests.support.provider.script import UNSET, Reply, without_directives
from tests.support.provider.wire import Answer, Json, Request, snapshot

CREATED = 1_790_000_000
DONE = b"data: [DONE]\n\n"

_numbers = itertools.count(1)
_stored: dict[str, Json] = {}


class Billed(dict):
    """A body that shows usage which was billed when the answer was made."""


def serial(prefix: str) -> str:
    return f"{prefix}-{next(_numbers):08d}"


def tokens(value: Any) -> int:
    """Four characters a token, of text or of the JSON of anything else."""
    return (len(value if isinstance(value, str) else json.dumps(value)) + 3) // 4


def newest_text(messages: Any) -> str:
    """The text of the last message of the user."""
    if isinstance(messages, str):
        return messages
    for message in reversed(messages if isinstance(messages, list) else []):
        if isinstance(message, str):
            return message
        if isinstance(message, dict) and message.get("role", "user") == "user":
            return text_of(message.get("content"))
    return ""


def text_of(content: Any) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return " ".join(str(part.get("text", "")) for part in parts if isinstance(part, dict))


def missing(message: str, code: str | None = None) -> Answer:
    return Answer(status=404, body={"error": {"message": message, "type": "invalid_request_error", "code": code}})


def sse(chunk: Json) -> bytes:
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


def usage(prompt: Any, answer: Any, model: str) -> Json:
    """Models whose names begin with o or have a 5 in them reason; half of a long prompt comes from the cache."""
    sent, reasoned = tokens(prompt), 64 if model.startswith("o") or "-5" in model else 0
    received = tokens(answer) + reasoned
    return {
        "prompt_tokens": sent,
        "completion_tokens": received,
        "total_tokens": sent + received,
        "prompt_tokens_details": {"cached_tokens": sent // 2 if sent > 100 else 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": reasoned,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def answer_text(body: Json, reply: Reply) -> str:
    """The text of an answer: as scripted, as the schema wants it, or about the prompt."""
    if reply.text is not None:
        return reply.text
    prompt = without_directives(newest_text(body.get("messages") or body.get("input") or body.get("prompt") or ""))
    schema = (body.get("response_format") or {}).get("json_schema") or (body.get("text") or {}).get("format") or {}
    if schema.get("schema"):
        return json.dumps(Values(prompt).of(schema["schema"]))
    return f"You asked: {prompt[:200]} Here is an answer in a few words."


def wanted_tools(tools: Any, prompt: str, done: int, reply: Reply) -> list[tuple[str, Json]]:
    """Name and arguments of the functions that the answer asks for, in the first rounds."""
    functions = [tool.get("function") or tool for tool in tools or () if tool.get("type") == "function"]
    if not functions or done >= reply.rounds:
        return []
    chosen = [functions[number % len(functions)] for number in range(reply.parallel)]
    values = Values(prompt)
    return [(one["name"], values.of(one.get("parameters") or {})) for one in chosen]


def _message(body: Json, reply: Reply) -> Json:
    messages = body.get("messages") or []
    done = sum(1 for one in messages if isinstance(one, dict) and one.get("tool_calls"))
    calls = wanted_tools(body.get("tools"), newest_text(messages), done, reply)
    if not calls:
        return {"role": "assistant", "content": answer_text(body, reply), "refusal": None}
    made = [
        {"id": serial("call"), "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
        for name, arguments in calls
    ]
    return {"role": "assistant", "content": None, "refusal": None, "tool_calls": made}


def complete(request: Request, reply: Reply) -> Answer:
    body = request.body or {}
    model = body.get("model") or request.match.get("model") or ""
    if "does-not-exist" in model:
        return missing(f"The model `{model}` does not exist", "model_not_found")
    choices = [_message(body, reply) for _ in range(body.get("n") or 1)]
    spent = usage(body.get("messages"), choices, model) if reply.usage is UNSET else reply.usage
    head = {"id": serial("chatcmpl"), "created": CREATED, "model": snapshot(model, "2026-08-01")}
    head["system_fingerprint"] = "fp_fake"
    if body.get("service_tier"):
        head["service_tier"] = "default" if body["service_tier"] == "auto" else body["service_tier"]
    whole = {**head, "object": "chat.completion", "choices": [], "usage": spent}
    for index, message in enumerate(choices):
        reason = "tool_calls" if message.get("tool_calls") else "length" if reply.text == "{" else "stop"
        whole["choices"].append({"index": index, "message": message, "logprobs": None, "finish_reason": reason})
    _stored[head["id"]] = whole
    if body.get("stream") is not True:
        return Answer(body=whole, content_type="application/json")
    chunks = list(_chunks(head, whole, bool((body.get("stream_options") or {}).get("include_usage"))))
    if spent and request.path.startswith("/openai/v1/"):  # Groq's place and way to tell usage
        chunks[-1] = {**chunks[-1], "x_groq": {"id": "req_fake", "usage": {**spent, "queue_time": 0.1}}}
    return Answer(chunks=chunks, frame=sse, last_frame=DONE, filler=_filler(head), content_type="text/event-stream")


def fetch(request: Request, reply: Reply) -> Answer:
    return Answer(body=Billed(_stored[request.match["id"]]), content_type="application/json")


def _filler(head: Json) -> Any:
    return lambda number: _chunk(head, 0, {"content": f"{number} "})


def _chunk(head: Json, index: int, delta: Json, reason: str | None = None) -> Json:
    choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": reason}
    return {**head, "object": "chat.completion.chunk", "choices": [choice]}


def _chunks(head: Json, whole: Json, with_usage: bool) -> Any:
    """The pieces of each choice, and the usage after all of them if it was asked for."""
    chunks = []
    for choice in whole["choices"]:
        message, index = choice["message"], choice["index"]
        chunks.append(_chunk(head, index, {"role": "assistant", "content": "", "refusal": None}))
        chunks.extend(_chunk(head, index, {"content": piece}) for piece in _pieces(message["content"] or ""))
        for position, call in enumerate(message.get("tool_calls") or ()):
            function = {"name": call["function"]["name"], "arguments": ""}
            first = {"index": position, "id": call["id"], "type": "function", "function": function}
            chunks.append(_chunk(head, index, {"tool_calls": [first]}))
            for piece in _pieces(call["function"]["arguments"], 7):
                part = {"index": position, "function": {"arguments": piece}}
                chunks.append(_chunk(head, index, {"tool_calls": [part]}))
        chunks.append(_chunk(head, index, {}, choice["finish_reason"]))
    if with_usage:
        chunks = [{**chunk, "usage": None} for chunk in chunks]
        chunks.append({**head, "object": "chat.completion.chunk", "choices": [], "usage": whole["usage"]})
    return chunks


def _pieces(text: str, size: int = 16) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)]


def complete_text(request: Request, reply: Reply) -> Answer:
    body = request.body or {}
    text = answer_text(body, reply)
    spent = usage(body.get("prompt"), text, body.get("model", "")) if reply.usage is UNSET else reply.usage
    head = {"id": serial("cmpl"), "object": "text_completion", "created": CREATED, "model": body.get("model")}
    choice = {"index": 0, "text": text, "logprobs": None, "finish_reason": "stop"}
    if body.get("stream") is not True:
        return Answer(body={**head, "choices": [choice], "usage": spent}, content_type="application/json")
    chunks = [{**head, "choices": [{**choice, "text": piece, "finish_reason": None}]} for piece in _pieces(text)]
    chunks.append({**head, "choices": [{**choice, "text": ""}]})
    if (body.get("stream_options") or {}).get("include_usage"):
        chunks.append({**head, "choices": [], "usage": spent})
    return Answer(chunks=chunks, frame=sse, last_frame=DONE, content_type="text/event-stream")
