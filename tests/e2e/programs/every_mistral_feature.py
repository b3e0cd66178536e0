"""A program that knows nothing of tracing, with every feature of mistralai."""

import asyncio
import os

from mistralai.client import Mistral, models

import genspan

MODEL = "mistral-large-latest"
url = os.environ["MISTRAL_SERVER_URL"]


def ask(prompt, **more):
    return {"model": MODEL, "messages": [{"role": "user", "content": prompt}], **more}


with Mistral(api_key=os.environ["MISTRAL_API_KEY"], server_url=url) as client:
    messages = [{"role": "system", "content": "You are terse."}, {"role": "user", "content": "plain call"}]
    client.chat.complete(model=MODEL, messages=messages, temperature=0.2, random_seed=7)
    list(client.chat.stream(**ask("streamed call")))
    client.agents.complete(agent_id="ag-1", messages=[{"role": "user", "content": "agent call"}])
    client.fim.complete(model="codestral-latest", prompt="fill in", suffix="return c")
    client.embeddings.create(model="mistral-embed", inputs=["one", "two"])
    client.beta.conversations.start(model=MODEL, inputs="conversation call")
    list(client.beta.conversations.append_stream(conversation_id="conv-1", inputs="conversation goes on"))
    for failing in (
        lambda: client.chat.complete(**ask("too many [[status=429]]")),
        lambda: client.chat.parse(**ask("failed parse [[text=no json]]"), response_format=models.Function),
    ):
        try:
            failing()
        except Exception as error:
            print(type(error).__name__)
    with genspan.session("conversation-1", tags={"tenant": "acme"}):
        client.chat.complete(**ask("first turn"))
        client.chat.complete(**ask("second turn"))


async def main():
    async with Mistral(api_key=os.environ["MISTRAL_API_KEY"], server_url=url) as client:
        await client.chat.complete_async(**ask("async call"))
        async for _ in await client.chat.stream_async(**ask("async stream")):
            pass


asyncio.run(main())
