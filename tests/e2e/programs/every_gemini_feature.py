"""A program that uses every feature of google-genai that is traced, against the fake provider. Knows nothing of tracing
but the session, which is the program's to name.
"""

from __future__ import annotations

import asyncio
import base64

from google import genai
from google.genai import types
from pydantic import BaseModel

from genspan import session

MODEL = "gemini-2.5-flash"
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAFElEQVR4nGP8z8Dwn4EIwDiqEAAqJQQB2qZ4BwAAAABJRU5ErkJggg=="
)


class City(BaseModel):
    name: str
    country: str


def get_weather(city: str) -> dict:
    """The weather in a city."""
    return {"city": city, "sky": "sunny"}


def broken_tool(city: str) -> str:
    """A tool that fails."""
    raise LookupError(f"no weather for {city}")


def generate(client: genai.Client, contents: object, **config: object) -> types.GenerateContentResponse:
    return client.models.generate_content(model=MODEL, contents=contents, config=config or None)


def plain(client: genai.Client) -> None:
    generate(client, "plain call", system_instruction="You are terse.", temperature=0.2, max_output_tokens=100, seed=7)
    for chunk in client.models.generate_content_stream(model=MODEL, contents="streamed call"):
        chunk.text  # noqa: B018
    generate(client, "structured call", response_mime_type="application/json", response_schema=City)
    generate(client, "thinking call", thinking_config={"include_thoughts": True, "thinking_budget": 64})
    generate(client, "several candidates", candidate_count=2)
    generate(client, "cached call", cached_content="cachedContents/abc")


def media(client: genai.Client) -> None:
    generate(client, [types.Part.from_bytes(data=PNG, mime_type="image/png"), "image call"])
    uris = {"image/jpeg": "cat.jpg", "audio/mpeg": "song.mp3", "video/mp4": "film.mp4", "application/pdf": "paper.pdf"}
    parts = [types.Part.from_uri(file_uri=f"gs://bucket/{name}", mime_type=mime) for mime, name in uris.items()]
    generate(client, [*parts, "uri call"])
    generate(client, "image output call", response_modalities=["TEXT", "IMAGE"])


def tools(client: genai.Client) -> None:
    generate(client, "function call", tools=[get_weather])
    generate(client, "failing function call", tools=[broken_tool])
    declared = types.FunctionDeclaration.from_callable(client=client._api_client, callable=get_weather)
    manual = generate(client, "manual function call", tools=[types.Tool(function_declarations=[declared])])
    call = manual.function_calls[0]
    answer = types.Part.from_function_response(name=call.name, response=get_weather(**call.args))
    turns = [types.UserContent("manual function call"), manual.candidates[0].content, types.UserContent(answer)]
    generate(client, turns, tools=[types.Tool(function_declarations=[declared])])
    generate(client, "search call", tools=[{"google_search": {}}])
    generate(client, "code call", tools=[{"code_execution": {}}])


def chats(client: genai.Client) -> None:
    with session("conversation-1", user="ada", tags={"tenant": "acme"}):
        chat = client.chats.create(model=MODEL, config={"tools": [get_weather]})
        chat.send_message("chat turn one")
        for chunk in chat.send_message_stream("chat turn two"):
            chunk.text  # noqa: B018


def endings(client: genai.Client) -> None:
    for contents in ("[[status=429]] too many", "[[status=400]] a bad request"):
        try:
            generate(client, contents)
        except genai.errors.ClientError as error:
            print(error.code)
    generate(client, "BLOCK this prompt")
    stream = client.models.generate_content_stream(model=MODEL, contents="[[hold=1]] left early")
    next(stream)
    stream.close()


def others(client: genai.Client) -> None:
    client.models.embed_content(model="gemini-embedding-001", contents=["one", "two"])
    client.models.count_tokens(model=MODEL, contents="how many")
    vertex = genai.Client(vertexai=True, api_key="express-key-1", http_options=client._api_client._http_options)
    vertex.models.generate_content(model=MODEL, contents="vertex call")


async def asynchronous(client: genai.Client) -> None:
    await client.aio.models.generate_content(model=MODEL, contents="async call")
    async for chunk in await client.aio.models.generate_content_stream(model=MODEL, contents="async streamed call"):
        chunk.text  # noqa: B018
    chat = client.aio.chats.create(model=MODEL, config={"tools": [get_weather]})
    await chat.send_message("async chat turn")


def main() -> None:
    client = genai.Client()
    for part in (plain, media, tools, chats, endings, others):
        part(client)
    asyncio.run(asynchronous(client))


main()
