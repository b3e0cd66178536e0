"""Websockets of the OpenAI API: responses over one connection, and realtime sessions."""

from __future__ import annotations

import json
from typing import Any

from tests.support.provider.openai_chat import newest_text, serial, tokens
from tests.support.provider.openai_responses import events, response
from tests.support.provider.script import Reply, with_directives
from tests.support.provider.wire import Answer, Json, Request


def handshake(request: Request, reply: Reply) -> Answer:
    return Answer(status=426, body={"error": {"message": "a websocket only", "type": "invalid_request_error"}})


async def responses(socket: Any, request: Request, enter: Any) -> None:
    """Answers each `response.create` with the events of a stream."""
    async for message in socket:
        body = json.loads(message.data)
        if body.get("type") != "response.create":
            continue
        reply = with_directives(Reply(), newest_text(body.get("input")), request.headers)
        lane = {"stream_id": body["stream_id"]} if "stream_id" in body else {}
        if reply.status >= 400:
            error = {"type": "invalid_request_error", "code": "previous_response_not_found", "message": "no such"}
            await socket.send_str(json.dumps({"type": "error", "status": reply.status, "error": error, **lane}))
            continue
        made = response(body, reply)
        sent = [
            {**event, **({"stream_id": body["stream_id"]} if "stream_id" in body else {})} for event in events(made)
        ]
        for number, event in enumerate(sent):
            if number == reply.cut:
                await socket.close()
                return
            if event["type"] == "response.completed":
                enter(body, made["usage"])
            await socket.send_str(json.dumps(event))


async def realtime(socket: Any, request: Request, enter: Any) -> None:
    """A session: items are taken up, sound is written down by a model of its own, responses are spoken."""
    session: Json = {"type": "realtime", "model": request.query.get("model"), "instructions": "Be brief."}
    session["audio"] = {"input": {"transcription": {"model": "gpt-4o-transcribe"}}}

    async def send(kind: str, **fields: Json) -> None:
        await socket.send_str(json.dumps({"type": kind, "event_id": serial("event"), **fields}))

    await send("session.created", session=session)
    items: list[Json] = []
    async for message in socket:
        event = json.loads(message.data)
        if event["type"] == "session.update":
            session |= event["session"]
            await send("session.updated", session=session)
        elif event["type"] == "conversation.item.create":
            items.append({"id": serial("item"), **event["item"]})
            await send("conversation.item.added", item=items[-1], previous_item_id=None)
        elif event["type"] == "input_audio_buffer.commit":
            usage = {"type": "tokens", "input_tokens": 17, "output_tokens": 5, "total_tokens": 22}
            usage["input_token_details"] = {"audio_tokens": 17, "text_tokens": 0}
            enter(event, usage)
            kind = "conversation.item.input_audio_transcription.completed"
            await send(kind, item_id=serial("item"), content_index=0, transcript="Hello there.", usage=usage)
        elif event["type"] == "response.create" and event.get("event_id") == "refuse":
            error = {"type": "invalid_request_error", "code": "conversation_already_has_active_response"}
            await send("error", error={**error, "message": "wait", "event_id": "refuse"})
        elif event["type"] == "response.create":
            await _respond(send, items, enter, event)


async def live(socket: Any, request: Request, enter: Any) -> None:
    """A session billed by the second, which delegates a response and a decision when it is given instructions."""
    session: Json = {}

    async def send(kind: str, **fields: Json) -> None:
        await socket.send_str(json.dumps({"event_id": serial("event"), **fields, "type": kind}))

    async for message in socket:
        event = json.loads(message.data)
        if event["type"] == "session.start":
            session = {"id": serial("live"), "status": "active", "expires_at": 1, **event["session"]}
            await send("session.started", session=session)
        elif event["type"] == "session.instructions.append":
            body = {"model": "gpt-4.1-mini", "input": "what was heard"}
            reply = Reply()
            made = response(body, reply)
            await send("session.usage.updated", usage={"seconds": 4.5})
            for inner in events(made):
                if inner["type"] == "response.completed":
                    enter(body, made["usage"])
                await send("response.event", event=inner, delegation_id="d1")
            usage = {"input_tokens": 31, "output_tokens": 2, "total_tokens": 33}
            enter(body, usage)
            decision = {"id": serial("dec"), "object": "decision", "model": "gpt-5-nano", "answers": [], "usage": usage}
            await send("decision.event", event={"type": "decision.completed", "decision": decision})
            await send("session.output_audio.delta", delta="AAAA" * 50)
        elif event["type"] == "session.close":
            await send("session.closed", session=session, reason="close_requested", usage={"seconds": 9.25})


async def _respond(send: Any, items: list[Json], enter: Any, event: Json) -> None:
    identity, text = serial("resp"), "Hello, this is spoken."
    head = {"id": identity, "object": "realtime.response", "output": [], "usage": None, "conversation_id": "conv_1"}
    item = {"id": serial("item"), "type": "message", "role": "assistant", "status": "completed"}
    part = {"type": "output_audio", "transcript": text}
    place = {"response_id": identity, "item_id": item["id"], "output_index": 0, "content_index": 0}
    sent = tokens(items)
    usage = {
        "total_tokens": sent + 40,
        "input_tokens": sent,
        "output_tokens": 40,
        "input_token_details": {
            "text_tokens": sent,
            "audio_tokens": 0,
            "image_tokens": 0,
            "cached_tokens": sent // 2,
            "cached_tokens_details": {"text_tokens": sent // 2, "audio_tokens": 0, "image_tokens": 0},
        },
        "output_token_details": {"text_tokens": 10, "audio_tokens": 30},
    }
    await send("response.created", response={**head, "status": "in_progress"})
    added = {**item, "status": "in_progress", "content": []}
    await send("response.output_item.added", response_id=identity, output_index=0, item=added)
    await send("response.output_audio.delta", **place, delta="AAAA" * 50)
    await send("response.output_audio_transcript.delta", **place, delta=text)
    enter(event, usage)
    done = {**item, "content": [part]}
    await send("response.output_item.done", response_id=identity, output_index=0, item=done)
    await send("response.done", response={**head, "status": "completed", "output": [done], "usage": usage})
