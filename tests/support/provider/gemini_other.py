"""The other calls of the Gemini API and Vertex AI: embeddings, token counts, images, caches, interactions."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from tests.support.provider import gemini_content as content
from tests.support.provider import gemini_shape as shape
from tests.support.provider.script import UNSET, Reply
from tests.support.provider.wire import Answer, Json, Request


def _with_usage(body: dict[str, Json], reply: Reply, usage: Json, name: str = "usageMetadata") -> dict[str, Json]:
    chosen = usage if reply.usage is UNSET else reply.usage
    return body if chosen is None else {**body, name: chosen}


def _vector(value: Any, size: int) -> list[float]:
    seed = hashlib.sha256(json.dumps(value, sort_keys=True).encode()).digest()
    return [seed[index % len(seed)] / 255 for index in range(size)]


def batch_embed(request: Request, reply: Reply) -> Answer:
    requests = request.body.get("requests", []) if isinstance(request.body, dict) else []
    vectors = [
        {"values": _vector(one.get("content"), content.get(one, "outputDimensionality") or 8)} for one in requests
    ]
    count = sum(content.tokens(content.text_of(content.contents_of(one))) for one in requests)
    usage = {"promptTokenCount": count, "promptTokenDetails": shape.details({"TEXT": count})}
    return Answer(body=_with_usage({"embeddings": vectors}, reply, usage))


def embed(request: Request, reply: Reply) -> Answer:
    body = request.body if isinstance(request.body, dict) else {}
    count = content.tokens(content.text_of(content.contents_of(body)))
    usage = {
        "promptTokenCount": count,
        "promptTokensDetails": shape.details({"TEXT": count}),
        "totalTokenCount": count,
    }
    values = _vector(body.get("content"), content.get(body, "outputDimensionality") or 8)
    return Answer(body=_with_usage({"embedding": {"values": values}}, reply, usage))


def predict(request: Request, reply: Reply) -> Answer:
    """Embeddings on Vertex AI, or images: which, the model's name says."""
    body = request.body if isinstance(request.body, dict) else {}
    instances = body.get("instances") or []
    if "imagen" in request.match["model"]:
        number = content.get(body.get("parameters"), "sampleCount") or 1
        picture = {"mimeType": "image/png", "bytesBase64Encoded": content.png(content.text_of(instances))}
        return Answer(body={"predictions": [picture] * number})
    texts = [str(instance.get("content", "")) for instance in instances]
    predictions = [
        {
            "embeddings": {
                "values": _vector(text, 8),
                "statistics": {"token_count": content.tokens(text), "truncated": False},
            }
        }
        for text in texts
    ]
    return Answer(body={"predictions": predictions, "metadata": {"billableCharacterCount": sum(map(len, texts))}})


def predict_later(request: Request, _: Reply) -> Answer:
    """A video, finished at once."""
    video = {"video": {"uri": "https://example.com/video.mp4", "mimeType": "video/mp4"}}
    response = {"generateVideoResponse": {"generatedSamples": [video]}, "videos": [{"mimeType": "video/mp4"}]}
    name = f"models/{request.match['model']}/operations/1"
    return Answer(body={"name": name, "done": True, "response": response})


def create_batch(request: Request, _: Reply) -> Answer:
    """A batch that waits: its tokens are billed when it has run, not by this request."""
    metadata = {"state": "BATCH_STATE_PENDING", "model": f"models/{request.match['model']}"}
    return Answer(body={"name": "batches/1", "metadata": metadata})


def count_tokens(request: Request, _: Reply) -> Answer:
    details = shape.prompt_details(request.body)
    total = sum(item["tokenCount"] for item in details)
    return Answer(body={"totalTokens": total, "promptTokensDetails": details})


def compute_tokens(request: Request, _: Reply) -> Answer:
    words = content.text_of(content.contents_of(request.body)).split()
    info = {
        "tokens": [base64.b64encode(word.encode()).decode() for word in words],
        "tokenIds": [str(len(word)) for word in words],
        "role": "user",
    }
    return Answer(body={"tokensInfo": [info]})


def create_cache(request: Request, _: Reply) -> Answer:
    body = request.body if isinstance(request.body, dict) else {}
    return Answer(body=_cache("cachedContents/1", body))


def get_cache(request: Request, _: Reply) -> Answer:
    return Answer(body=_cache(f"cachedContents/{request.match['name']}", {"model": "models/gemini-2.5-flash"}))


def _cache(name: str, body: dict[str, Json]) -> Json:
    return {
        "name": name,
        "model": body.get("model"),
        "displayName": content.get(body, "displayName") or "",
        "createTime": "2026-01-31T12:00:00Z",
        "updateTime": "2026-01-31T12:00:00Z",
        "expireTime": "2026-01-31T13:00:00Z",
        # The tokens stored. Storage is billed by time, not as input of a model call: no usage for the ledger.
        "usageMetadata": {"totalTokenCount": 2048},
    }


def nothing(_: Request, __: Reply) -> Answer:
    return Answer(body={})


def describe_model(request: Request, _: Reply) -> Answer:
    return Answer(body={"name": f"models/{request.match['model']}", "displayName": request.match["model"]})


# Interactions


def interact(request: Request, reply: Reply) -> Answer:
    body = request.body if isinstance(request.body, dict) else {}
    text = f"You asked: {content.text_of(body.get('input'))[:80]}. That is all." if reply.text is None else reply.text
    counts = {
        "total_input_tokens": content.tokens(json.dumps(body.get("input"))),
        "total_cached_tokens": 0,
        "total_output_tokens": content.tokens(text),
        "total_tool_use_tokens": 0,
        "total_thought_tokens": 13,
    }
    counts["total_tokens"] = sum(counts.values())
    base = {"id": f"interaction-{next(content.serial)}", "object": "interaction", "model": body.get("model")}
    steps = [{"type": "model_output", "content": [{"type": "text", "text": text}]}]
    done = _with_usage({**base, "status": "completed", "role": "model", "steps": steps}, reply, counts, "usage")
    if body.get("stream") is not True:
        return Answer(body=done)
    return Answer(
        chunks=list(_events(base, text, {name: value for name, value in done.items() if name != "steps"})),
        frame=_frame,
        last_frame=b"event: done\ndata: [DONE]\n\n",
        content_type="text/event-stream",
    )


def decide(request: Request, reply: Reply) -> Answer:
    """An answer of the first kind to each question."""
    questions = request.body.get("questions") or {}
    answers = {
        name: {"type": "choice", "choice": "yes", "confidence": 0.75, "probabilities": {"yes": 0.75, "no": 0.25}}
        for name in questions
    }
    count = content.tokens(json.dumps(request.body.get("input")))
    usage = {"total_input_tokens": count, "total_output_tokens": 2, "total_tokens": count + 2}
    return Answer(body=_with_usage({"answers": answers}, reply, usage, "usage"))


def _events(base: dict[str, Json], text: str, done: Json) -> list[Json]:
    half = len(text) // 2
    deltas = [{"delta": {"type": "text", "text": piece}} for piece in (text[:half], text[half:])]
    if "usage" in done:
        deltas[-1]["metadata"] = {"usage": done["usage"]}
    return [
        {"event_type": "interaction.created", "interaction": {**base, "status": "in_progress"}},
        {"event_type": "step.start", "index": 0, "step": {"type": "model_output"}},
        *({"event_type": "step.delta", "index": 0, **delta} for delta in deltas),
        {"event_type": "step.stop", "index": 0},
        {"event_type": "interaction.completed", "interaction": done},
    ]


def _frame(event: Json) -> bytes:
    return f"event: {event.get('event_type', 'error')}\ndata: {json.dumps(event)}\n\n".encode()
