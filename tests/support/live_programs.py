"""Programs of live sessions, and what their spans say."""

from __future__ import annotations

import json

from tests.support import verdict

BACKENDS = ("gemini", "vertex-credentials")
TEXT = {"response_modalities": ["TEXT"], "system_instruction": "Be brief", "temperature": 0.5}


def connect(client, model="gemini-live-2.5-flash", **config):
    return client.aio.live.connect(model=model, config={**TEXT, **config})


async def ask(session, text, complete=True):
    await session.send_client_content(turns={"role": "user", "parts": [{"text": text}]}, turn_complete=complete)


async def read(session):
    return [message async for message in session.receive()]


async def one_turn(client):
    """A program that asks one question and reads the answer."""
    async with connect(client) as session:
        await ask(session, "the question")
        await read(session)


async def one_answer(socket):
    """A service that answers it."""
    await socket.receive()
    await socket.answer("the answer", usage=socket.usage(5, 2))


def turns(telemetry):
    """The turns, in order; each is in the session's span."""
    (session,) = telemetry.named("invoke_agent")
    assert [span.parent.span_id for span in telemetry.leaves] == [session.context.span_id] * len(telemetry.leaves)
    verdict.sound(telemetry)
    return telemetry.leaves


def used(span):
    return tuple(span.attributes.get(f"gen_ai.usage.{side}_tokens") for side in ("input", "output"))


def said(span, side):
    """Role and parts of each message, shortened."""
    messages = json.loads(span.attributes.get(f"gen_ai.{side}.messages", "[]"))
    return [(one["role"], [part.get("content", part) for part in one["parts"]]) for one in messages]
