"""A program that uses every feature of groq that is traced, against the fake provider. Knows nothing of tracing."""

from __future__ import annotations

import asyncio
import contextlib

from groq import AsyncGroq, Groq, GroqError

MODEL = "llama-3.3-70b-versatile"
TOOL = {"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}


def said(text: str) -> dict:
    return {"model": MODEL, "messages": [{"role": "user", "content": text}]}


def chats(client: Groq) -> None:
    system = {"role": "system", "content": "You are terse."}
    messages = [system, *said("plain call")["messages"]]
    client.chat.completions.create(model=MODEL, messages=messages, temperature=0.2, seed=7)
    list(client.chat.completions.create(**said("streamed call"), stream=True))
    client.chat.completions.with_raw_response.create(**said("raw call")).parse()
    with client.chat.completions.with_streaming_response.create(**said("bytes call")) as response:
        b"".join(response.iter_bytes())
    client.chat.completions.create(**said("function call"), tools=[{"type": "function", "function": TOOL}])
    with contextlib.suppress(GroqError):
        client.chat.completions.create(**said("[[status=429]] too many"))


def media(client: Groq) -> None:
    client.embeddings.create(model="nomic-embed-text-v1_5", input=["one", "two"])
    client.audio.transcriptions.create(model="whisper-large-v3", file=("speech.wav", b"RIFF....", "audio/wav"))
    client.audio.speech.create(model="playai-tts", voice="Fritz-PlayAI", input="Hi")
    client.models.list()


async def asynchronous() -> None:
    async with AsyncGroq(max_retries=0) as client:
        await client.chat.completions.create(**said("async call"))
        async for _ in await client.chat.completions.create(**said("async stream"), stream=True):
            pass


with Groq(max_retries=0) as client:
    chats(client)
    media(client)
asyncio.run(asynchronous())
