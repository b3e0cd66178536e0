"""A program that uses every feature of openai that is traced, against the fake provider. Knows nothing of tracing but
the session, which is the program's to name.
"""

from __future__ import annotations

import asyncio
import base64
import io
import json

from openai import AsyncOpenAI, AzureOpenAI, OpenAI, OpenAIError
from pydantic import BaseModel

from genspan import session

MODEL = "gpt-4.1-mini"
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAFElEQVR4nGP8z8Dwn4EIwDiqEAAqJQQB2qZ4BwAAAABJRU5ErkJggg=="
)
TOOL = {
    "name": "get_weather",
    "description": "The weather.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}


class City(BaseModel):
    name: str
    country: str


def said(text: object) -> dict:
    return {"model": MODEL, "messages": [{"role": "user", "content": text}]}


def chats(client: OpenAI) -> None:
    system = {"role": "system", "content": "You are terse."}
    plain = said("plain call")
    client.chat.completions.create(model=MODEL, messages=[system, *plain["messages"]], temperature=0.2, seed=7)
    list(client.chat.completions.create(**said("streamed call"), stream=True, stream_options={"include_usage": True}))
    list(client.chat.completions.create(**said("streamed call without usage"), stream=True))
    client.chat.completions.parse(**said("structured call"), response_format=City)
    with client.chat.completions.stream(**said("managed call"), stream_options={"include_usage": True}) as stream:
        stream.until_done()
    client.chat.completions.with_raw_response.create(**said("raw call")).parse()
    with client.chat.completions.with_streaming_response.create(**said("bytes call")) as response:
        b"".join(response.iter_bytes())
    client.chat.completions.create(**said("several choices"), n=2)
    url = "data:image/png;base64," + base64.b64encode(PNG).decode()
    client.chat.completions.create(
        **said([{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": "image call"}])
    )


def functions(client: OpenAI) -> None:
    asked = said("function call about Paris")
    tools = [{"type": "function", "function": TOOL}]
    answer = client.chat.completions.create(**asked, tools=tools).choices[0].message
    result = {"role": "tool", "tool_call_id": answer.tool_calls[0].id, "content": json.dumps({"sky": "sunny"})}
    client.chat.completions.create(model=MODEL, messages=[*asked["messages"], answer, result], tools=tools)


def responses(client: OpenAI) -> None:
    first = client.responses.create(model=MODEL, input="response call", instructions="You are terse.")
    client.responses.retrieve(first.id)
    list(client.responses.create(model=MODEL, input="streamed response", stream=True))
    client.responses.parse(model=MODEL, input="structured response", text_format=City)
    background = client.responses.create(model=MODEL, input="background response", background=True)
    for _ in range(4):
        client.responses.retrieve(background.id)
    with client.responses.connect() as connection:
        connection.response.create(model=MODEL, input="socket response")
        for event in connection:
            if event.type == "response.completed":
                break


def others(client: OpenAI) -> None:
    client.embeddings.create(model="text-embedding-3-small", input=["one", "two"])
    client.completions.create(model="gpt-3.5-turbo-instruct", prompt="plain completion")
    client.images.generate(model="gpt-image-1", prompt="image generation")
    client.images.edit(model="gpt-image-1", prompt="image edit", image=io.BytesIO(PNG))
    client.audio.speech.create(model="tts-1", voice="alloy", input="speech call")
    client.audio.transcriptions.create(model="gpt-4o-transcribe", file=("speech.wav", b"RIFF"))
    client.moderations.create(model="omni-moderation-latest", input="moderated text")
    batch = client.batches.create(input_file_id="file-1", endpoint="/v1/chat/completions", completion_window="24h")
    for _ in range(3):
        client.batches.retrieve(batch.id)


def failures(client: OpenAI) -> None:
    for words in ("[[status=429]] too many", "[[status=401]] [[echo=key]] not allowed"):
        try:
            client.chat.completions.create(**said(words))
        except OpenAIError as error:
            print(type(error).__name__)
    try:
        client.chat.completions.parse(**said("[[text=no JSON]] failed parse"), response_format=City)
    except ValueError as error:
        print(type(error).__name__)


def conversation(client: OpenAI) -> None:
    with session("conversation-1", user="ada", tags={"tenant": "acme"}):
        client.chat.completions.create(**said("first turn"))
        client.responses.create(model=MODEL, input="second turn")


async def asynchronous() -> None:
    async with AsyncOpenAI(max_retries=0) as client:
        calls = (client.chat.completions.create(**said(f"async call {number}")) for number in range(3))
        await asyncio.gather(*calls)
        stream = await client.responses.create(model=MODEL, input="async stream", stream=True)
        async for _ in stream:
            pass


def main() -> None:
    with OpenAI(max_retries=0) as client:
        for part in (chats, functions, responses, others, failures, conversation):
            part(client)
        azure = AzureOpenAI(
            api_key="azure-key-of-the-test",
            api_version="2025-04-01",
            azure_endpoint=str(client.base_url).removesuffix("/v1/"),
        )
        azure.chat.completions.create(**said("azure call"))
    asyncio.run(asynchronous())


main()
