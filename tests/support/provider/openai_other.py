"""Everything of OpenAI's API that is no conversation: embeddings, images, sound, video, moderation, batches."""

from __future__ import annotations

import base64
import json
import re

from tests.support.provider.openai_chat import CREATED, DONE, Billed, serial, sse, tokens
from tests.support.provider.script import UNSET, Reply
from tests.support.provider.wire import Answer, Json, Request

_PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"\0" * 40).decode()
_polls: dict[str, int] = {}
_seen: set[str] = set()


def field(request: Request, name: str) -> str | None:
    """A field of a multipart form."""
    found = re.search(rb'name="%s"\r\n\r\n(.*?)\r\n--' % name.encode(), request.raw, re.DOTALL)
    return found[1].decode("utf-8", "replace") if found else None


def _json(body: Json) -> Answer:
    return Answer(body=body, content_type="application/json")


def embed(request: Request, reply: Reply) -> Answer:
    body = request.body or {}
    given = body.get("input")
    texts = given if isinstance(given, list) and given and not isinstance(given[0], int) else [given]
    vector = [0.25] * (body.get("dimensions") or 8)
    data = [{"object": "embedding", "index": index, "embedding": _encoded(vector, body)} for index in range(len(texts))]
    usage = {"prompt_tokens": tokens(given), "total_tokens": tokens(given)} if reply.usage is UNSET else reply.usage
    return _json({"object": "list", "data": data, "model": body.get("model"), "usage": usage})


def _encoded(vector: list[float], body: Json) -> Json:
    import struct

    if body.get("encoding_format") != "base64":
        return vector
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def draw(request: Request, reply: Reply) -> Answer:
    body = request.body or {}
    prompt = body.get("prompt") or field(request, "prompt") or ""
    sent = tokens(prompt)
    usage = {
        "input_tokens": sent,
        "output_tokens": 1056,
        "total_tokens": sent + 1056,
        "input_tokens_details": {"text_tokens": sent, "image_tokens": 0},
    }
    usage = usage if reply.usage is UNSET else reply.usage
    if body.get("stream") is True or field(request, "stream") == "true":
        kind = "image_edit" if "edits" in request.path else "image_generation"
        common = {"b64_json": _PNG, "created_at": CREATED, "size": "1024x1024", "quality": "low"}
        common |= {"background": "opaque", "output_format": "png"}
        chunks = [
            {"type": f"{kind}.partial_image", **common, "partial_image_index": 0},
            {"type": f"{kind}.completed", **common, "usage": usage},
        ]
        return Answer(chunks=chunks, frame=_event, content_type="text/event-stream")
    count = int(body.get("n") or field(request, "n") or 1)
    return _json({"created": CREATED, "data": [{"b64_json": _PNG}] * count, "usage": usage})


def _event(event: Json) -> bytes:
    return f"event: {event.get('type', 'error')}\ndata: {json.dumps(event)}\n\n".encode()


def speak(request: Request, reply: Reply) -> Answer:
    body = request.body or {}
    if body.get("stream_format") == "sse":
        sent = tokens(body["input"])
        usage = {"input_tokens": sent, "output_tokens": 101, "total_tokens": sent + 101}
        chunks = [{"type": "speech.audio.delta", "audio": _PNG}, {"type": "speech.audio.done", "usage": usage}]
        return Answer(chunks=chunks, frame=sse, content_type="text/event-stream")
    return Answer(body=b"RIFF" + b"\0" * 400, content_type="audio/mpeg")


def listen(request: Request, reply: Reply) -> Answer:
    model = field(request, "model") or ""
    text = reply.text or "The recording says this."
    usage = {"type": "duration", "seconds": 7}
    if "whisper" not in model:
        details = {"text_tokens": 0, "audio_tokens": 70}
        usage = {"type": "tokens", "input_tokens": 70, "input_token_details": details}
        usage |= {"output_tokens": tokens(text), "total_tokens": 70 + tokens(text)}
    usage = usage if reply.usage is UNSET else reply.usage
    if field(request, "response_format") in ("text", "srt", "vtt"):
        return Answer(body=text.encode(), content_type="text/plain")
    if field(request, "stream") == "true":
        words = [{"type": "transcript.text.delta", "delta": f"{word} "} for word in text.split()]
        done = {"type": "transcript.text.done", "text": text, "usage": usage}
        return Answer(chunks=[*words, done], frame=sse, last_frame=DONE, content_type="text/event-stream")
    return _json({"text": text, "usage": usage})


def moderate(request: Request, reply: Reply) -> Answer:
    result = {"flagged": False, "categories": {}, "category_scores": {}, "category_applied_input_types": {}}
    return _json({"id": serial("modr"), "model": "omni-moderation-latest", "results": [result]})


def film(request: Request, reply: Reply) -> Answer:
    done = request.method == "GET"
    body = request.body or {}
    return _json(
        {
            "id": serial("video"),
            "object": "video",
            "created_at": CREATED,
            "status": "completed" if done else "queued",
            "progress": 100 if done else 0,
            "model": body.get("model") or field(request, "model") or "sora-2",
            "seconds": "4",
            "size": "720x1280",
        }
    )


def decide(request: Request, reply: Reply) -> Answer:
    body = request.body or {}
    sent = tokens(body)
    usage = {
        "input_tokens": sent,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": 3,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": sent + 3,
    }
    answers = [{"type": "predicate", "probability": 0.75, "name": "question"}]
    decision = {"id": serial("dec"), "object": "decision", "created_at": CREATED, "model": body.get("model")}
    return _json({**decision, "answers": answers, "usage": usage, "status": "completed"})


def create_batch(request: Request, reply: Reply) -> Answer:
    identity = serial("batch")
    _polls[identity] = 1
    return _json(_batch(identity, "validating"))


def fetch_batch(request: Request, reply: Reply) -> Answer:
    identity = request.match["id"]
    if _polls.get(identity, 0) > 0:
        _polls[identity] -= 1
        return _json(_batch(identity, "in_progress"))
    usage = {
        "input_tokens": 1200,
        "input_tokens_details": {"cached_tokens": 100},
        "output_tokens": 340,
        "output_tokens_details": {"reasoning_tokens": 40},
        "total_tokens": 1540,
    }
    done = {**_batch(identity, "completed"), "usage": usage, "model": "gpt-4.1-mini-2026-08-01"}
    if identity in _seen:
        return _json(Billed(done))
    _seen.add(identity)
    return _json(done)


def _batch(identity: str, status: str) -> Json:
    return {
        "id": identity,
        "object": "batch",
        "endpoint": "/v1/chat/completions",
        "input_file_id": "file-1",
        "completion_window": "24h",
        "status": status,
        "created_at": CREATED,
    }


def models(request: Request, reply: Reply) -> Answer:
    return _json({"object": "list", "data": []})


def nothing(request: Request, reply: Reply) -> Answer:
    return _json({"id": request.match.get("id"), "object": "response", "deleted": True})
