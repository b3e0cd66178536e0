"""google-genai: requests in the forms that programs write, and replies shaped like recorded ones."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

from google import genai
from google.genai import types

from benchmarks.providers import gemini_floor
from genspan.gemini import GeminiInstrumentor

try:
    import httpx2 as httpx  # what google-genai 3 uses
except ImportError:
    import httpx

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.floor import Floor

MODEL = "gemini-2.5-flash"
_TEXT = "The capital of France is Paris."
_FINISHED = {
    "promptTokenCount": 9,
    "candidatesTokenCount": 8,
    "totalTokenCount": 17,
    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 9}],
    "candidatesTokensDetails": [{"modality": "TEXT", "tokenCount": 8}],
}
_STREAMING = {
    "promptTokenCount": 9,
    "totalTokenCount": 9,
    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 9}],
}


def _reply(text: str, usage: dict[str, Any], finish: str | None) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"parts": [{"text": text}], "role": "model"}, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    return {
        "candidates": [candidate],
        "usageMetadata": usage,
        "modelVersion": MODEL,
        "responseId": "kdcEatqVKunY1LsP272MiAo",
    }


def _frames(chunks: int) -> bytes:
    replies = [_reply(f"word {number} ", _STREAMING, None) for number in range(chunks - 1)]
    replies.append(_reply("end.", _FINISHED, "STOP"))
    return b"".join(f"data: {json.dumps(reply)}\r\n\r\n".encode() for reply in replies)


def instrumentor() -> GeminiInstrumentor:
    return GeminiInstrumentor()


def client(chunks: int = 1) -> genai.Client:
    plain, frames = json.dumps(_reply(_TEXT, _FINISHED, "STOP")).encode(), _frames(chunks)
    plain_headers, stream_headers = {"content-type": "application/json"}, {"content-type": "text/event-stream"}

    def answer(request: Any) -> Any:
        if request.url.path.endswith(":streamGenerateContent"):
            return httpx.Response(200, headers=stream_headers, content=frames)
        return httpx.Response(200, headers=plain_headers, content=plain)

    transport = httpx.Client(transport=httpx.MockTransport(answer))
    return genai.Client(api_key="key-of-the-benchmarks", http_options=types.HttpOptions(httpx_client=transport))


def call(client: genai.Client, case: str) -> Any:
    contents, config = request(case)
    return client.models.generate_content(model=MODEL, contents=contents, config=config)


def stream(client: genai.Client) -> Iterable[Any]:
    contents, config = request("short")
    return client.models.generate_content_stream(model=MODEL, contents=contents, config=config)


def floor_call(floor: Floor, client: genai.Client, case: str) -> Any:
    return gemini_floor.floor_call(floor, client, MODEL, *request(case))


def floor_stream(floor: Floor, client: genai.Client) -> Iterable[Any]:
    return gemini_floor.floor_stream(floor, client, MODEL, *request("short"))


@cache
def request(case: str) -> tuple[Any, types.GenerateContentConfig]:
    """Contents and config, made once, as a program that keeps its history has them."""
    if case == "short":
        return "What is the capital of France?", types.GenerateContentConfig(temperature=0.2, max_output_tokens=256)
    if case == "image":
        image = types.Part.from_bytes(data=bytes(range(256)) * 3072, mime_type="image/png")  # 1 MB as base64
        question = types.Part.from_text(text="What is in this picture?")
        contents = [types.Content(role="user", parts=[question, image])]
        return contents, types.GenerateContentConfig(max_output_tokens=256)
    return _history(), types.GenerateContentConfig(
        system_instruction="You plan trips. Use the tools for facts that change.",
        temperature=0.2,
        max_output_tokens=1024,
        tools=[types.Tool(function_declarations=[_declaration(name) for name in ("get_weather", "find_train")])],
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
    )


def _history() -> list[types.Content]:
    """20 messages: five rounds of a question, a function call, its result and an answer."""
    messages: list[types.Content] = []
    for number in range(5):
        arguments = {"city": "Paris", "day": number}
        answer = f"On day {number} it will be clear, at {21 + number} degrees. "
        found = {"temperature": 21 + number, "sky": "clear", "source": "station 7"}
        messages += [
            _content("user", types.Part.from_text(text=f"How will the weather in Paris be on day {number}? " * 3)),
            _content("model", types.Part.from_function_call(name="get_weather", args=arguments)),
            _content("user", types.Part.from_function_response(name="get_weather", response=found)),
            _content("model", types.Part.from_text(text=answer)),
        ]
    return messages


def _content(role: str, part: types.Part) -> types.Content:
    return types.Content(role=role, parts=[part])


def _declaration(name: str) -> types.FunctionDeclaration:
    return types.FunctionDeclaration(
        name=name,
        description="Looks up a fact of a city and a day.",
        parameters_json_schema={
            "type": "object",
            "properties": {"city": {"type": "string"}, "day": {"type": "integer"}},
            "required": ["city", "day"],
        },
    )
