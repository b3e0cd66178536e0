"""The wire format of the Gemini API and of Vertex AI: routes, errors, usage and what it costs."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

from tests.support.provider import gemini_content as content
from tests.support.provider import gemini_other as other
from tests.support.provider import gemini_shape as shape
from tests.support.provider.ledger import Bill
from tests.support.provider.script import UNSET, Reply
from tests.support.provider.wire import Answer, Json, Request, Route, Wire

_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_MODELS = re.compile(r"^(gemini|gemma|imagen|veo|text-embedding|embedding|multimodalembedding|models?$|\d)")


def error(status: int, message: str) -> Json:
    return {"error": {"code": status, "message": message, "status": _STATUS.get(status, "UNKNOWN")}}


def sse(chunk: Json) -> bytes:
    return b"data: " + json.dumps(chunk).encode() + b"\r\n\r\n"


def model_of(request: Request) -> str | None:
    if "model" in request.match:
        return request.match["model"]
    body = request.body if isinstance(request.body, dict) else {}
    named = body.get("model") or body.get("agent")
    return named.rpartition("/")[2] if isinstance(named, str) else None


def streams(request: Request) -> bool:
    asked = isinstance(request.body, dict) and request.body.get("stream") is True
    return asked or request.match.get("verb", "").startswith("stream")


def generate(request: Request, reply: Reply) -> Answer:
    missing = _no_such_model(request)
    if missing:
        return missing
    turns = content.turns(request, reply)
    model = model_of(request) or ""
    usage = shape.usage(request.body, turns, model) if reply.usage is UNSET else reply.usage
    head = shape.head(request, model)
    if not streams(request):
        return Answer(body=shape.whole(head, turns, usage))
    answer = Answer(
        chunks=shape.chunks(head, turns, usage),
        frame=sse,
        filler=lambda number: shape.filler(head, turns, usage, number),
        content_type="text/event-stream",
    )
    return answer if request.query.get("alt") == "sse" else _as_array(answer)


def _as_array(answer: Answer) -> Answer:
    """Without alt=sse a stream is one JSON array, an element at a time."""
    first = True

    def frame(chunk: Json) -> bytes:
        nonlocal first
        start, first = (b"[" if first else b",\r\n"), False
        return start + json.dumps(chunk).encode()

    answer.frame, answer.last_frame, answer.content_type = frame, b"]", "application/json; charset=UTF-8"
    return answer


def _no_such_model(request: Request) -> Answer | None:
    model = model_of(request) or ""
    if _MODELS.match(model) and "does-not-exist" not in model:
        return None
    version, verb = request.match.get("version"), request.match.get("verb")
    message = f"models/{model} is not found for API version {version}, or is not supported for {verb}."
    return Answer(body=error(404, message), status=404)


def usage_of(payload: Json) -> Json | None:
    """`usageMetadata`; for interactions `usage`; for embeddings through predict the statistics."""
    if not isinstance(payload, dict):
        return None
    if isinstance(payload.get("usageMetadata"), dict):
        return payload["usageMetadata"]
    for holder in (payload, payload.get("interaction"), payload.get("metadata")):
        if isinstance(holder, dict) and isinstance(holder.get("usage"), dict):
            return holder["usage"]
    predictions = payload.get("predictions")
    statistics = [
        prediction["embeddings"]["statistics"]
        for prediction in (predictions if isinstance(predictions, list) else [])
        if isinstance(prediction, dict) and "statistics" in prediction.get("embeddings", {})
    ]
    return {"statistics": statistics} if statistics else None


def bill(usage: Json) -> Bill:
    """Input is prompt and tool use, output is candidates and thoughts, cached is part of the prompt."""

    def count(*names: str) -> int:
        return sum(usage[name] for name in names if isinstance(usage.get(name), int))

    if "statistics" in usage:
        return Bill(input=int(sum(item.get("token_count", 0) for item in usage["statistics"])))
    if "total_input_tokens" in usage:
        return Bill(
            count("total_input_tokens", "total_tool_use_tokens"),
            count("total_output_tokens", "total_thought_tokens"),
            count("total_cached_tokens"),
        )
    return Bill(
        count("promptTokenCount", "toolUsePromptTokenCount"),
        count("candidatesTokenCount", "thoughtsTokenCount"),
        count("cachedContentTokenCount"),
    )


_MODEL = r"/(?P<version>v\d\w*)/(?:.+/)?(?:models|tunedModels|endpoints)/(?P<model>[^/:]+):"


def _route(verbs: str, handler: Any, api: str) -> Route:
    return Route("POST", re.compile(rf"{_MODEL}(?P<verb>{verbs})$"), api, handler)


def _resource(method: str, pattern: str, handler: Any, api: str) -> Route:
    path = re.compile(rf"/(?P<version>v\d\w*)/(?:.+/)?{pattern}$")
    return Route(method, path, api, handler, bills=api == "interactions")


def _of_google(route: Route) -> Route:
    return replace(route, header="x-goog-api-client")


WIRE = Wire(
    name="gemini",
    routes=(
        _route("generateContent", generate, "generateContent"),
        _route("streamGenerateContent", generate, "streamGenerateContent"),
        _route("batchEmbedContents", other.batch_embed, "batchEmbedContents"),
        _route("embedContent", other.embed, "embedContent"),
        _route("predict", other.predict, "predict"),
        _route("predictLongRunning", other.predict_later, "predictLongRunning"),
        _route("batchGenerateContent", other.create_batch, "batchGenerateContent"),
        _route("countTokens", other.count_tokens, "countTokens"),
        _route("computeTokens", other.compute_tokens, "computeTokens"),
        _resource("POST", "cachedContents", other.create_cache, "cachedContents"),
        _resource("GET", r"cachedContents/(?P<name>[^/:]+)", other.get_cache, "cachedContents"),
        _resource("PATCH", r"cachedContents/(?P<name>[^/:]+)", other.get_cache, "cachedContents"),
        _resource("DELETE", r"cachedContents/(?P<name>[^/:]+)", other.nothing, "cachedContents"),
        _of_google(_resource("GET", r"(?:batches|batchPredictionJobs)(?:/[^/:]+)?", other.nothing, "batches")),
        _resource("POST", r"(?:batches|batchPredictionJobs)/[^/:]+:cancel", other.nothing, "batches"),
        _resource("POST", "batchPredictionJobs", other.nothing, "batches"),
        _route("asyncBatchEmbedContent", other.create_batch, "batchGenerateContent"),
        _resource("GET", r"files/[^/:]+:download", other.nothing, "files"),
        _resource("GET", r"models/[^/:]+/operations/[^/:]+", other.nothing, "operations"),
        _route("fetchPredictOperation", other.nothing, "operations"),
        _of_google(replace(_resource("POST", "decisions", other.decide, "decisions"), bills=True)),
        _resource("POST", "interactions", other.interact, "interactions"),
        _resource("GET", r"interactions/(?P<name>[^/:]+)", other.interact, "interactions"),
        _resource("GET", r"(?:publishers/google/)?models/(?P<model>[^/:]+)", other.describe_model, "models"),
    ),
    prompt=content.newest_prompt,
    model=model_of,
    streams=streams,
    error=error,
    usage=usage_of,
    bill=bill,
)
