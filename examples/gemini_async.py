"""Three questions at once, and then an answer that is streamed."""

from __future__ import annotations

import asyncio
import os

from google import genai

MODEL = os.environ.get("GEMINI_MODEL", "gemini-2.5-flash")
COLOURS = ("red", "green", "blue")


async def main() -> None:
    async with genai.Client().aio as client:
        questions = [f"Name one thing that is {colour}." for colour in COLOURS]
        calls = [client.models.generate_content(model=MODEL, contents=question) for question in questions]
        for response in await asyncio.gather(*calls):
            print(response.text)
        stream = await client.models.generate_content_stream(model=MODEL, contents="Say goodbye in ten words.")
        async for chunk in stream:
            print(chunk.text or "", end="", flush=True)
        print()


asyncio.run(main())
