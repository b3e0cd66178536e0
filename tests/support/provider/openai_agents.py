"""What OpenAI runs by itself and tells of later: turns of its agents, and runs of evaluations."""

from __future__ import annotations

from tests.support.provider.openai_chat import CREATED, Billed, serial, sse
from tests.support.provider.script import Reply
from tests.support.provider.wire import Answer, Json, Request

_turns: dict[str, list[Json]] = {}
_told: set[str] = set()


def _usage(number: int) -> Json:
    return {
        "input_tokens": 100 * number,
        "input_tokens_details": {"cached_tokens": 40},
        "output_tokens": 30 + number,
        "output_tokens_details": {"reasoning_tokens": 10},
        "total_tokens": 100 * number + 30 + number,
    }


def _turn(session: str, status: str, usage: Json = None) -> Json:
    turn = {"id": serial("turn"), "object": "agent.session.turn", "agent_id": "agent_1", "session_id": session}
    return {**turn, "status": status, "created_at": CREATED, "usage": usage}


def _once(event: Json) -> Json:
    """Usage that is shown again is not billed again."""
    identity = event.get("turn", event)["id"]
    if identity in _told:
        return Billed(event)
    _told.add(identity)
    return event


def start(request: Request, reply: Reply) -> Answer:
    """A session with one turn that is over when its stream is, and another that nobody waits for."""
    body = request.body or {}
    identity = serial("session")
    done, failed = _turn(identity, "completed", _usage(1)), _turn(identity, "failed", _usage(2))
    failed["error"] = {"code": "rate_limit_exceeded", "message": "too much"}
    _turns[identity] = [done, failed]
    agent = {"id": "agent_1", "model": "gpt-5.2", "name": "helper", "tools": []}
    session = {
        "id": identity,
        "object": "agent.session",
        "agent": agent,
        "status": "in_progress",
        "created_at": CREATED,
    }
    if body.get("stream") is not True:
        return Answer(body=session, content_type="application/json")
    head = {"event_id": "e", "session_id": identity, "turn_id": done["id"]}
    events = [
        {"type": "agent.session.created", "event_id": "e", "session": session},
        {"type": "agent.session.turn.created", **head, "turn": {**done, "status": "in_progress", "usage": None}},
        {"type": "agent.session.turn.output_text.delta", **head, "delta": "Hi", "item_id": "i", "content_index": 0},
        _once({"type": "agent.session.turn.completed", **head, "turn": done, "usage": done["usage"]}),
    ]
    return Answer(chunks=events, frame=sse, content_type="text/event-stream")


def turn(request: Request, reply: Reply) -> Answer:
    found = next(one for one in _turns[request.match["session"]] if one["id"] == request.match["id"])
    return Answer(body=_once(found), content_type="application/json")


def turns(request: Request, reply: Reply) -> Answer:
    """A listing; nothing in it is billed as such."""
    found = {"object": "list", "data": _turns[request.match["session"]], "has_more": False}
    return Answer(body=found, content_type="application/json")


def run(request: Request, reply: Reply) -> Answer:
    """A run of an evaluation, over when it is first asked for."""
    models = [
        {"model_name": "gpt-5.2", "prompt_tokens": 700, "completion_tokens": 90, "cached_tokens": 5},
        {"model_name": "gpt-5-nano", "prompt_tokens": 60, "completion_tokens": 8, "cached_tokens": 0},
    ]
    models = [{**one, "invocation_count": 3, "total_tokens": 0} for one in models]
    for one in models:
        one["total_tokens"] = one["prompt_tokens"] + one["completion_tokens"]
    body = {"id": request.match["id"], "object": "eval.run", "eval_id": "eval_1", "status": "completed"}
    return Answer(body={**body, "model": "gpt-5.2", "per_model_usage": models}, content_type="application/json")
