"""The wire format of the OpenAI API, of Azure OpenAI and of compatible servers: routes, errors, usage and its cost."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from tests.support.provider import openai_agents as agents
from tests.support.provider import openai_chat as chat
from tests.support.provider import openai_other as other
from tests.support.provider import openai_responses as responses
from tests.support.provider import openai_sockets as sockets
from tests.support.provider.ledger import Bill
from tests.support.provider.wire import Json, Request, Route, Wire, usage_in

_TYPES = {401: "authentication_error", 429: "rate_limit_error"}
_CODES = {400: "invalid_value", 401: "invalid_api_key", 404: "model_not_found", 429: "rate_limit_exceeded"}


def error(status: int, message: str) -> Json:
    kind = _TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")
    return {"error": {"message": message, "type": kind, "param": None, "code": _CODES.get(status)}}


def model_of(request: Request) -> str | None:
    body = request.body if isinstance(request.body, dict) else {}
    return body.get("model") or request.match.get("model") or other.field(request, "model")


def streams(request: Request) -> bool:
    body = request.body if isinstance(request.body, dict) else {}
    asked = (request.query.get("stream"), other.field(request, "stream"))
    return body.get("stream") is True or "true" in asked


def newest_prompt(body: Json) -> str:
    """The last text of the user, in whichever field the API has it."""
    if not isinstance(body, dict):
        return ""
    for name in ("messages", "input", "prompt"):
        if name in body:
            return chat.newest_text(body[name])
    return ""


def usage_of(payload: Json) -> Json | None:
    """The usage object of a body or an event; of what was billed before, none."""
    if not isinstance(payload, dict) or isinstance(payload, responses.Billed):
        return None
    return usage_in(payload, payload.get("response"), payload.get("x_groq"))


def bill(usage: Json) -> Bill:
    """Both spellings; details are parts of the two sums. Sound billed by the second costs no tokens."""
    details = usage.get("prompt_tokens_details") or usage.get("input_tokens_details") or {}
    return Bill(
        usage.get("prompt_tokens", usage.get("input_tokens", 0)),
        usage.get("completion_tokens", usage.get("output_tokens", 0)),
        details.get("cached_tokens") or 0,
    )


def _route(method: str, path: str, handler: Any, api: str) -> Route:
    """Under /v1 and, for Azure, under a deployment's name."""
    around = r"^(?:/[^/]+)*?/(?:v1|openai(?:/deployments/(?P<model>[^/]+))?(?:/v1)?)/"
    return Route(method, re.compile(around + path + "$"), api, handler)


_ID = "(?P<id>[^/]+)"

WIRE = Wire(
    name="openai",
    routes=(
        _route("POST", "chat/completions", chat.complete, "chat.completions"),
        _route("GET", f"chat/completions/{_ID}", chat.fetch, "chat.completions"),
        _route("POST", "completions", chat.complete_text, "completions"),
        _route("POST", "responses", responses.create, "responses"),
        _route("POST", "responses/compact", responses.compact, "responses.compact"),
        _route("POST", "responses/input_tokens", responses.count, "responses.input_tokens"),
        _route("GET", f"responses/{_ID}", responses.fetch, "responses"),
        _route("POST", f"responses/{_ID}/cancel", responses.cancel, "responses"),
        _route("DELETE", f"responses/{_ID}", other.nothing, "responses"),
        replace(_route("GET", "responses", sockets.handshake, "responses.connect"), socket=sockets.responses),
        replace(_route("GET", "realtime", sockets.handshake, "realtime"), socket=sockets.realtime),
        replace(_route("GET", "live/sessions", sockets.handshake, "live"), socket=sockets.live),
        _route("POST", "embeddings", other.embed, "embeddings"),
        _route("POST", "images/(?:generations|edits|variations)", other.draw, "images"),
        _route("POST", "audio/speech", other.speak, "audio.speech"),
        _route("POST", "audio/(?P<task>transcriptions|translations)", other.listen, "audio.transcriptions"),
        _route("POST", "moderations", other.moderate, "moderations"),
        _route("POST", "videos(?:/[^/]+/remix|/edits|/extensions)?", other.film, "videos"),
        _route("GET", "videos/[^/]+", other.film, "videos"),
        _route("POST", "decisions", other.decide, "decisions"),
        _route("POST", "batches", other.create_batch, "batches"),
        _route("GET", f"batches/{_ID}", other.fetch_batch, "batches"),
        _route("GET", f"evals/[^/]+/runs/{_ID}", agents.run, "evals"),
        _route("POST", "agents/sessions", agents.start, "agents"),
        _route("GET", "agents/sessions/(?P<session>[^/]+)/turns", agents.turns, "agents"),
        _route("GET", f"agents/sessions/(?P<session>[^/]+)/turns/{_ID}", agents.turn, "agents"),
        _route("GET", "models", other.models, "models"),
    ),
    prompt=newest_prompt,
    model=model_of,
    streams=streams,
    error=error,
    usage=usage_of,
    bill=bill,
)
