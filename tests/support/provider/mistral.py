"""The wire format of Mistral's API, whose chat is OpenAI's with another error and with usage in every stream."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

from tests.support.provider import openai, openai_chat
from tests.support.provider.script import UNSET, Reply
from tests.support.provider.wire import Answer, Json, Request, Route, Wire


def error(status: int, message: str) -> Json:
    kind = "server_error" if status >= 500 else "invalid_request_error"
    return {"object": "error", "message": message, "type": kind, "param": None, "code": None}


def _complete(request: Request, reply: Reply) -> Answer:
    return openai_chat.complete(_reporting(request), reply)


def _reporting(request: Request) -> Request:
    """Mistral's streams always end with usage; FIM has a prompt, and agents are named in place of a model."""
    body = request.body if isinstance(request.body, dict) else {}
    messages = body.get("messages") or [{"role": "user", "content": body.get("prompt") or ""}]
    model = body.get("model") or "mistral-large"
    return replace(
        request, body={**body, "model": model, "messages": messages, "stream_options": {"include_usage": True}}
    )


def _embed(request: Request, reply: Reply) -> Answer:
    inputs = request.body["input"]
    texts = [inputs] if isinstance(inputs, str) else inputs
    tokens = sum(len(one) for one in texts)
    data = [{"object": "embedding", "index": index, "embedding": [0.5] * 8} for index in range(len(texts))]
    usage = {"prompt_tokens": tokens, "completion_tokens": 0, "total_tokens": tokens}
    found = {"id": "embedding-1", "object": "list", "model": request.body["model"], "data": data}
    return Answer(body={**found, "usage": usage if reply.usage is UNSET else reply.usage})


def _converse(request: Request, reply: Reply) -> Answer:
    body = request.body
    text = reply.text or "Here is an answer."
    tokens = len(json.dumps(body.get("inputs"))), len(text)
    usage = {"prompt_tokens": tokens[0], "completion_tokens": tokens[1], "total_tokens": sum(tokens) + 100}
    usage.update(connector_tokens=100, connectors={"web_search": 1})
    usage = usage if reply.usage is UNSET else reply.usage
    about = {"model": "mistral-medium-latest", "role": "assistant", "id": "msg-1"}
    if body.get("stream") is not True:
        outputs = [{**about, "object": "entry", "type": "message.output", "content": text}]
        found = {"object": "conversation.response", "conversation_id": "conv-1", "outputs": outputs}
        return Answer(body={**found, "usage": usage})
    half = len(text) // 2
    delta = {**about, "type": "message.output.delta", "output_index": 0, "content_index": 0}
    return Answer(
        chunks=[
            {"type": "conversation.response.started", "conversation_id": "conv-1"},
            {**delta, "content": text[:half]},
            {**delta, "content": text[half:]},
            {"type": "conversation.response.done", "usage": usage},
        ],
        frame=lambda event: f"event: {event.get('type', 'error')}\ndata: {json.dumps(event)}\n\n".encode(),
        content_type="text/event-stream",
    )


def _prompt(body: Json) -> str:
    return openai.newest_prompt(body) if not isinstance(body, dict) or "inputs" not in body else str(body["inputs"])


def _bill(usage: Json) -> Any:
    billed = openai.bill(usage)
    return replace(billed, input=billed.input + (usage.get("connector_tokens") or 0))


def _route(path: str, handler: Any, api: str) -> Route:
    return Route("POST", re.compile(f"^/mistral/v1/{path}$"), api, handler)


WIRE = Wire(
    name="mistral",
    routes=(
        _route("(?:chat|agents|fim)/completions", _complete, "chat.completions"),
        _route("embeddings", _embed, "embeddings"),
        _route("conversations(?:/[^/]+(?:/restart)?)?", _converse, "conversations"),
        _route("ocr", _complete, "ocr"),
        _route("(?:chat/)?(?:moderations|classifications)", _complete, "moderations"),
        _route("audio/(?:transcriptions|speech)", _complete, "audio"),
    ),
    prompt=_prompt,
    model=openai.model_of,
    streams=openai.streams,
    error=error,
    usage=openai.usage_of,
    bill=_bill,
)
