"""Twelve requests in one running event loop, each with a client of its own that is not closed.

`python -W always::ResourceWarning -m tests.core.programs.client_per_request SDK plain|stream URL bare|traced` warns of
what is left, on its standard error; on its standard output is how many sockets the process has at the end.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys


async def one(sdk: str, kind: str, url: str) -> None:
    stream = kind == "stream"
    messages = [{"role": "user", "content": "hello"}]
    if sdk == "openai":
        import openai

        client = openai.AsyncOpenAI(api_key="a-key-for-tests", base_url=f"{url}/v1")
        answer = await client.chat.completions.create(model="gpt-4.1-mini", messages=messages, stream=stream)
    elif sdk == "anthropic":
        import anthropic

        client = anthropic.AsyncAnthropic(api_key="a-key-for-tests", base_url=url)
        answer = await client.messages.create(model="claude-haiku-4-5", max_tokens=9, messages=messages, stream=stream)
    else:
        from google import genai

        client = genai.Client(api_key="a-key-for-tests", http_options={"base_url": url})
        models = client.aio.models
        method = models.generate_content_stream if stream else models.generate_content
        answer = await method(model="gemini-2.5-flash", contents="hello")
    if stream:
        [chunk async for chunk in answer]


async def many(sdk: str, kind: str, url: str) -> None:
    gc.collect()
    gc.disable()
    for _ in range(12):
        await one(sdk, kind, url)
        await asyncio.sleep(0.01)
    sockets = [name for name in os.listdir("/proc/self/fd") if _target(name).startswith("socket:")]
    sys.stdout.write(f"{len(sockets)}\n")


def _target(name: str) -> str:
    try:
        return os.readlink(f"/proc/self/fd/{name}")
    except OSError:
        return ""


def main(sdk: str, kind: str, url: str, how: str) -> None:
    if how == "traced":
        from opentelemetry.sdk.trace import TracerProvider

        import genspan

        genspan.instrument(tracer_provider=TracerProvider())
    asyncio.run(many(sdk, kind, url))


if __name__ == "__main__":
    main(*sys.argv[1:])
