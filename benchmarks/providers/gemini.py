"""google-genai: requests in the forms that programs write, and replies shaped like recorded ones."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from google import genai
from google.genai import types

from benchmarks.floor import start
from benchmarks.providers import conversation, gemini_floor, transport
from genspan.gemini import GeminiInstrumentor

if TYPE_CHECKING:
    from collections.abc import Iterable


MODEL = "gemini-2.5-flash"
START = start("generate_content", "gcp.gemini", MODEL, "generativelanguage.googleapis.com")
FLOOR = gemini_floor
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


def _events(chunks: int) -> list[bytes]:
    *texts, last = conversation.pieces(chunks)
    replies = [*(_reply(text, _STREAMING, None) for text in texts), _reply(last, _FINISHED, "STOP")]
    return [transport.event(reply) for reply in replies]


def instrumentor() -> GeminiInstrumentor:
    return GeminiInstrumentor()


def client(chunks: int = 0) -> genai.Client:
    answers = (
        transport.streaming(_events(chunks))
        if chunks
        else transport.plain(_reply(conversation.ANSWER, _FINISHED, "STOP"))
    )
    return genai.Client(api_key="key-of-the-benchmarks", http_options=types.HttpOptions(httpx_client=answers))


def call(client: genai.Client, case: str) -> Any:
    return client.models.generate_content(**request(case))


def stream(client: genai.Client) -> Iterable[Any]:
    return client.models.generate_content_stream(**request("short"))


@cache
def request(case: str) -> dict[str, Any]:
    """The arguments of a call, made once, as a program that keeps its history has them."""
    if case == "short":
        config = types.GenerateContentConfig(
            temperature=conversation.TEMPERATURE, max_output_tokens=conversation.MAX_TOKENS
        )
        return {"model": MODEL, "contents": conversation.QUESTION, "config": config}
    if case == "image":
        image = types.Part.from_bytes(data=conversation.image(), mime_type=conversation.IMAGE_TYPE)
        contents = [types.Content(role="user", parts=[types.Part.from_text(text=conversation.ABOUT_IMAGE), image])]
        config = types.GenerateContentConfig(max_output_tokens=conversation.MAX_TOKENS)
        return {"model": MODEL, "contents": contents, "config": config}
    config = types.GenerateContentConfig(
        system_instruction=conversation.SYSTEM,
        temperature=conversation.TEMPERATURE,
        max_output_tokens=conversation.MAX_TOKENS_OF_HISTORY,
        tools=[types.Tool(function_declarations=[_declaration(name) for name in conversation.TOOLS])],
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
    )
    return {"model": MODEL, "contents": _history(), "config": config}


def _history() -> list[types.Content]:
    messages: list[types.Content] = []
    for question, arguments, found, answer in conversation.ROUNDS:
        messages += [
            _content("user", types.Part.from_text(text=question)),
            _content("model", types.Part.from_function_call(name=conversation.TOOL, args=arguments)),
            _content("user", types.Part.from_function_response(name=conversation.TOOL, response=found)),
            _content("model", types.Part.from_text(text=answer)),
        ]
    return messages


def _content(role: str, part: types.Part) -> types.Content:
    return types.Content(role=role, parts=[part])


def _declaration(name: str) -> types.FunctionDeclaration:
    description, schema = conversation.TOOLS[name]
    return types.FunctionDeclaration(name=name, description=description, parameters_json_schema=schema)
