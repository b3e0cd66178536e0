"""What Anthropic does by itself for a while: batches of messages, and sessions of agents."""

from __future__ import annotations

import json
from typing import Any

from tests.support.provider.anthropic_messages import body_of, message, sse
from tests.support.provider.openai_chat import serial
from tests.support.provider.script import Reply
from tests.support.provider.wire import Answer, Json, Request

_WHEN = "2026-08-01T10:00:00Z"
_batches: dict[str, list[Json]] = {}
_sessions: dict[str, list[Json]] = {}


class Job(dict[str, Any]):
    """What creates a job answers: the job, which is billed then, once, whoever reads its results how often."""

    spent: Json = None


def _total(usages: list[Json]) -> Json:
    names = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    return {name: sum(usage.get(name) or 0 for usage in usages) for name in names}


def create_batch(request: Request, reply: Reply) -> Answer:
    """A request whose `custom_id` begins with "bad" fails."""
    results = []
    for one in body_of(request)["requests"]:
        result: Json = {"type": "errored", "error": {"type": "error", "error": {"type": "invalid_request_error"}}}
        if not one["custom_id"].startswith("bad"):
            result = {"type": "succeeded", "message": message(one["params"], one["params"]["model"], reply)}
        results.append({"custom_id": one["custom_id"], "result": result})
    identity = serial("msgbatch")
    _batches[identity] = results
    job = Job(_batch(identity))
    job.spent = _total([one["result"]["message"]["usage"] for one in results if "message" in one["result"]])
    return Answer(body=job, content_type="application/json")


def _batch(identity: str) -> Json:
    counts = {"processing": 0, "succeeded": len(_batches[identity]), "errored": 0, "canceled": 0, "expired": 0}
    return {
        "id": identity,
        "type": "message_batch",
        "processing_status": "ended",
        "request_counts": counts,
        "created_at": _WHEN,
        "expires_at": _WHEN,
        "ended_at": _WHEN,
        "archived_at": None,
        "cancel_initiated_at": None,
        "results_url": f"/v1/messages/batches/{identity}/results",
    }


def fetch_batch(request: Request, reply: Reply) -> Answer:
    return Answer(body=_batch(request.match["id"]), content_type="application/json")


def results(request: Request, reply: Reply) -> Answer:
    """JSON lines."""
    lines = _batches.get(request.match["id"], [])
    return Answer(chunks=lines, frame=_line, content_type="application/x-jsonl")


def provider_lines(batch: str) -> list[bytes]:
    """The results of a batch, as they are sent."""
    return [_line(line) for line in _batches[batch]]


def _line(value: Json) -> bytes:
    return json.dumps(value).encode() + b"\n"


def create_session(request: Request, reply: Reply) -> Answer:
    """A session in which the model is asked twice."""
    identity = serial("sesn")
    usages = [
        {"input_tokens": 40, "output_tokens": 7, "cache_read_input_tokens": 0, "cache_creation_input_tokens": 30},
        {"input_tokens": 5, "output_tokens": 9, "cache_read_input_tokens": 70, "cache_creation_input_tokens": 0},
    ]
    events: list[Json] = [{"type": "session.status_running", "id": serial("sevt"), "processed_at": _WHEN}]
    for usage in usages:
        start = {"type": "span.model_request_start", "id": serial("sevt"), "processed_at": _WHEN}
        end = {"type": "span.model_request_end", "id": serial("sevt"), "processed_at": _WHEN, "is_error": False}
        events += [start, {**end, "model_request_start_id": start["id"], "model_usage": usage}]
    idle = {"type": "session.status_idle", "id": serial("sevt"), "processed_at": _WHEN}
    _sessions[identity] = [*events, {**idle, "stop_reason": {"type": "end_turn"}}]
    job = Job(_session(identity))
    job.spent = _total(usages)
    return Answer(body=job, content_type="application/json")


def _session(identity: str) -> Json:
    agent = {
        "id": "agent-00000001",
        "type": "agent",
        "name": "Fake",
        "model": {"id": "claude-fake-agent"},
        "version": 1,
    }
    return {
        "id": identity,
        "type": "session",
        "agent": agent,
        "status": "idle",
        "created_at": _WHEN,
        "updated_at": _WHEN,
    }


def fetch_session(request: Request, reply: Reply) -> Answer:
    return Answer(body=_session(request.match["id"]), content_type="application/json")


def stream_session(request: Request, reply: Reply) -> Answer:
    return Answer(chunks=_sessions.get(request.match["id"], []), frame=sse, content_type="text/event-stream")


def list_events(request: Request, reply: Reply) -> Answer:
    events = _sessions.get(request.match["id"], [])
    return Answer(body={"data": events, "next_page": None}, content_type="application/json")


def send_events(request: Request, reply: Reply) -> Answer:
    return Answer(body={"data": body_of(request).get("events", [])}, content_type="application/json")


def nothing(request: Request, reply: Reply) -> Answer:
    """An environment has no work, unless a test says so."""
    return Answer(body=None, content_type="application/json")
