"""The wire format of Anthropic's API, of Bedrock and of Vertex AI: routes, framing, errors, usage and its cost."""

from __future__ import annotations

import re
from typing import Any

from tests.support.provider import anthropic_messages as messages
from tests.support.provider import anthropic_other as other
from tests.support.provider.ledger import Bill
from tests.support.provider.openai_chat import newest_text
from tests.support.provider.wire import Json, Request, Route, Wire, usage_in

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}


def error(status: int, message: str) -> Json:
    kind = _TYPES.get(status, "api_error" if status >= 500 else "invalid_request_error")
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_fake"}


def model_of(request: Request) -> str | None:
    return messages.body_of(request).get("model") or request.match.get("model")


def streams(request: Request) -> bool:
    return messages.body_of(request).get("stream") is True or "stream" in request.path


def newest_prompt(body: Json) -> str:
    """The last text of the user."""
    return newest_text((body or {}).get("messages") or (body or {}).get("prompt")) if isinstance(body, dict) else ""


def usage_of(payload: Json) -> Json | None:
    """The usage object of a message or of an event; of a job, what all of it costs."""
    if isinstance(payload, other.Job):
        return payload.spent
    if not isinstance(payload, dict):
        return None
    return usage_in(payload, payload.get("message"))


def bill(usage: Json) -> Bill:
    """Cache reads and writes are beside the input on the wire. Iterations of compaction are not part of it."""
    cached = usage.get("cache_read_input_tokens") or 0
    written = usage.get("cache_creation_input_tokens") or 0
    return Bill((usage.get("input_tokens") or 0) + cached + written, usage.get("output_tokens") or 0, cached)


def merge(before: Json, now: Json) -> Json:
    """What an event leaves out stays as it was."""
    return {**before, **{name: value for name, value in now.items() if value is not None}}


def _route(method: str, path: str, handler: Any, api: str, bills: bool = True) -> Route:
    return Route(method, re.compile(f"^(?:/anthropic)?/v1/{path}$"), api, handler, bills=bills)


_ID = "(?P<id>[^/]+)"
_VERTEX = "projects/[^/]+/locations/[^/]+/publishers/anthropic/models/"
_EVENTS = f"sessions/{_ID}(?:/threads/[^/]+)?/"

WIRE = Wire(
    name="anthropic",
    routes=(
        _route("POST", "messages", messages.create, "messages"),
        _route("POST", "messages/count_tokens", messages.count, "messages.count_tokens", bills=False),
        _route("POST", f"{_VERTEX}count-tokens:rawPredict", messages.count, "messages.count_tokens", bills=False),
        _route("POST", f"{_VERTEX}(?P<model>[^/:]+):(?:r|streamR)awPredict", messages.create, "messages"),
        Route("POST", re.compile("^/model/(?P<model>[^/]+)/invoke$"), "messages", messages.create),
        Route("POST", re.compile("^/model/(?P<model>[^/]+)/invoke-with-response-stream$"), "messages", messages.frames),
        _route("POST", "complete", messages.complete, "complete"),
        _route("POST", "messages/batches", other.create_batch, "messages.batches"),
        _route("GET", f"messages/batches/{_ID}", other.fetch_batch, "messages.batches", bills=False),
        _route("GET", f"messages/batches/{_ID}/results", other.results, "messages.batches", bills=False),
        _route("POST", "sessions", other.create_session, "sessions"),
        _route("GET", f"sessions/{_ID}(?:/threads/[^/]+)?", other.fetch_session, "sessions", bills=False),
        _route("GET", f"{_EVENTS}(?:events/)?stream", other.stream_session, "sessions", bills=False),
        _route("GET", f"{_EVENTS}events", other.list_events, "sessions", bills=False),
        _route("POST", f"{_EVENTS}events", other.send_events, "sessions", bills=False),
        *(_route(verb, "environments/.*", other.nothing, "environments", bills=False) for verb in ("GET", "POST")),
    ),
    prompt=newest_prompt,
    model=model_of,
    streams=streams,
    error=error,
    usage=usage_of,
    bill=bill,
    merge=merge,
)
