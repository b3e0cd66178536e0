"""Four calls with a document of 20 MB; prints the peak of traced memory in bytes.

`python -m tests.core.programs.large_prompts SDK plain|stream|interaction bare|traced`
"""

from __future__ import annotations

import base64
import gc
import json
import os
import sys
import threading
import tracemalloc
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

CHOICE = {"index": 0, "finish_reason": "stop"}
CHAT = {"id": "c", "model": "g", "choices": [{**CHOICE, "message": {"role": "assistant", "content": "fine"}}]}
CHUNK = {"id": "c", "model": "g", "choices": [{**CHOICE, "delta": {"role": "assistant", "content": "fine"}}]}
USED = {"input_tokens": 1, "output_tokens": 1}
MESSAGE = {"id": "m", "type": "message", "role": "assistant", "model": "c", "content": [], "usage": USED}
EVENTS = (
    {"type": "message_start", "message": {**MESSAGE, "stop_reason": None}},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}},
    {"type": "message_stop"},
)
CONTENT = {"candidates": [{"content": {"role": "model", "parts": [{"text": "fine"}]}, "finishReason": "STOP"}]}
INTERACTION = {"id": "i", "object": "interaction", "status": "completed", "model": "g", "steps": [], "role": "model"}


def sse(*events: dict[str, Any]) -> bytes:
    return b"".join(
        (f"event: {event['type']}\n" if "type" in event else "").encode() + f"data: {json.dumps(event)}\n\n".encode()
        for event in events
    )


ANSWERS = {
    ("openai", "plain"): json.dumps(CHAT).encode(),
    ("openai", "stream"): sse(CHUNK) + b"data: [DONE]\n\n",
    ("anthropic", "plain"): json.dumps({**MESSAGE, "stop_reason": "end_turn"}).encode(),
    ("anthropic", "stream"): sse(*EVENTS),
    ("gemini", "plain"): json.dumps(CONTENT).encode(),
    ("gemini", "stream"): sse(CONTENT),
    ("gemini", "interaction"): json.dumps(INTERACTION).encode(),
}


def serve(answer: bytes, kind: str) -> str:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: Any) -> None:
            pass

        def do_POST(self) -> None:
            left = int(self.headers["content-length"])
            while left:
                left -= len(self.rfile.read(min(left, 1 << 16)))
            self.send_response(200)
            self.send_header("content-type", "text/event-stream" if kind == "stream" else "application/json")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


def openai_call(url: str, kind: str) -> Any:
    import openai

    client = openai.OpenAI(api_key="a-key-for-tests", base_url=f"{url}/v1")

    def call(data: bytes) -> None:
        document = f"data:application/pdf;base64,{base64.b64encode(data).decode()}"
        del data
        messages: Any = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": document}}]}]
        answer = client.chat.completions.create(model="g", messages=messages, stream=kind == "stream")
        list(answer)

    return call


def anthropic_call(url: str, kind: str) -> Any:
    import anthropic

    client = anthropic.Anthropic(api_key="a-key-for-tests", base_url=url)

    def call(data: bytes) -> None:
        source = {"type": "base64", "media_type": "application/pdf", "data": base64.b64encode(data).decode()}
        del data
        messages: Any = [{"role": "user", "content": [{"type": "document", "source": source}]}]
        answer = client.messages.create(model="c", max_tokens=9, messages=messages, stream=kind == "stream")
        list(answer)

    return call


def gemini_call(url: str, kind: str) -> Any:
    from google import genai
    from google.genai import types

    client = genai.Client(api_key="a-key-for-tests", http_options={"base_url": url})

    def call(data: bytes) -> None:
        if kind == "interaction":
            document = {"type": "document", "mime_type": "application/pdf", "data": base64.b64encode(data).decode()}
            del data
            client.interactions.create(model="g", input=[document])
            return
        part = types.Part.from_bytes(data=data, mime_type="application/pdf")
        del data
        models = client.models
        answer = (models.generate_content_stream if kind == "stream" else models.generate_content)(
            model="g", contents=[part]
        )
        list(answer)

    return call


def main(sdk: str, kind: str, how: str) -> None:
    url = serve(ANSWERS[sdk, kind], kind)
    if how == "traced":
        from opentelemetry.sdk.trace import TracerProvider

        import genspan

        genspan.instrument(tracer_provider=TracerProvider())
    call = {"openai": openai_call, "anthropic": anthropic_call, "gemini": gemini_call}[sdk](url, kind)
    call(os.urandom(1000))
    gc.collect()
    tracemalloc.start()
    for _ in range(4):
        call(os.urandom(20 << 20))
    sys.stdout.write(f"{tracemalloc.get_traced_memory()[1]}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
