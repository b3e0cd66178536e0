"""A recorded Gemini or Vertex AI request, sent again through google-genai against a replaying server."""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING, Any

from google import genai
from google.genai import types
from google.oauth2.credentials import Credentials

from tests.support.gemini_http import one_user_agent

if TYPE_CHECKING:
    from tests.support.recordings import Recording

Json = Any

_NO_BODY = {"contents": [{"role": "user", "parts": [{"text": "The request's body was not recorded."}]}]}

VARIANTS = ("sync", "async")
API_KEY = "fake-key-for-tests"

_INTEGERS = "asked for enums as integers ($alt=json;enum-encoding=int), which only the older SDKs do and read"

NOT_DRIVEN = {
    "2c5c69be8d989f74": _INTEGERS,
    "33cb5bfb07361a99": _INTEGERS,
    "7ad65c962d0cf3aa": _INTEGERS,
    "b7832002b394c1cd": _INTEGERS,
    "d25d82f7549b2981": _INTEGERS,
    "06fc19b2fbed9936": _INTEGERS,
}
"""Recordings that google-genai cannot be made to read, and why."""


def client_for(url: str, recording: Recording) -> genai.Client:
    """A client that sends to `url` what the recording's client sent to Google: same API, version, project, location."""
    version, project, location = _where(recording.path)
    clients = one_user_agent() if recording.api == "interactions" else {}
    options = types.HttpOptions(base_url=url, api_version=version, **clients)
    if recording.provider == "vertex":
        credentials = Credentials(token="fake-token-for-tests")
        return genai.Client(
            vertexai=True, project=project, location=location, credentials=credentials, http_options=options
        )
    return genai.Client(api_key=API_KEY, http_options=options)


def _where(path: str) -> tuple[str, str, str]:
    project = re.search(r"/projects/([^/]+)/locations/([^/]+)/", path)
    version = path.split("/")[1]
    return (version, project[1], project[2]) if project else (version, "", "")


def call_gemini(client: genai.Client, recording: Recording, variant: str = "sync") -> list[Any]:
    """The SDK's responses for a recorded request: one for a plain call, one per chunk for a stream.

    Whether it is a stream, the recording's response says: `recording.as_stream()` makes one of a plain answer, and
    frames of a stream that was recorded as one JSON array, which google-genai does not ask for. Errors come out as
    the SDK raises them. After "async" a client cannot be used for interactions again.
    """
    if variant == "async":
        return asyncio.run(_closing(client, recording))
    method, arguments = _call(client, recording)
    result = method(**arguments)
    return list(result) if _streams(recording) else [result]


async def acall_gemini(client: genai.Client, recording: Recording) -> list[Any]:
    """The same through the asynchronous methods."""
    method, arguments = _call(client.aio, recording)
    result = await method(**arguments)
    return [chunk async for chunk in result] if _streams(recording) else [result]


async def _closing(client: genai.Client, recording: Recording) -> list[Any]:
    try:
        return await acall_gemini(client, recording)
    finally:
        await client.aio.aclose()


def _streams(recording: Recording) -> bool:
    return "sse" in recording.response or recording.stream


def _call(client: Any, recording: Recording) -> tuple[Any, dict[str, Any]]:
    """The SDK's method and its arguments; `client` is the client or its `aio`."""
    if recording.api == "interactions":
        return client.interactions.create, recording.body
    if recording.api == "cachedContents":
        return client.caches.delete, {"name": recording.path.partition("/v1beta/")[2]}
    models = client.models
    generate = models.generate_content_stream if _streams(recording) else models.generate_content
    methods = {
        "batchEmbedContents": models.embed_content,
        "embedContent": models.embed_content,
        "countTokens": models.count_tokens,
    }
    return methods.get(recording.api, generate), arguments_of(recording)


def arguments_of(recording: Recording) -> dict[str, Any]:
    """What a program gives to the method of ``client.models`` that sends such a request."""
    readers = {"batchEmbedContents": _embedding, "embedContent": _embedding, "countTokens": _counting}
    model = re.findall(r"/models/([^/:]+):", recording.path)[0]
    return {"model": model, **readers.get(recording.api, _generation)(recording.body or _NO_BODY)}


# Requests


def _generation(body: dict[str, Json]) -> dict[str, Any]:
    top = {_camel(name): value for name, value in body.items()}
    contents = [_validated(types.Content, content) for content in _list(top.pop("contents", []))]
    fields = {_camel(name): value for name, value in top.pop("generationConfig", {}).items()}
    fields.update({name: _list(value) if name == "tools" else value for name, value in top.items()})
    config = _validated(types.GenerateContentConfig, fields)
    config.automatic_function_calling = types.AutomaticFunctionCallingConfig(disable=True)
    return {"contents": contents, "config": config}


def _embedding(body: dict[str, Json]) -> dict[str, Any]:
    requests = body.get("requests") or [body]
    config = {
        _camel(name): value
        for name, value in requests[0].items()
        if _camel(name) in {"taskType", "title", "outputDimensionality"}
    }
    contents = [_validated(types.Content, request["content"]) for request in requests]
    return {"contents": contents, "config": _validated(types.EmbedContentConfig, config)}


def _counting(body: dict[str, Json]) -> dict[str, Any]:
    body = body.get("generateContentRequest", body)
    return {"contents": [_validated(types.Content, content) for content in _list(body.get("contents", []))]}


def _validated(kind: Any, value: Json) -> Any:
    # From JSON, so that base64 becomes bytes as the SDK's own types say.
    return kind.model_validate_json(json.dumps(value))


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else [value]


def _camel(name: str) -> str:
    return re.sub(r"_(\w)", lambda match: match[1].upper(), name)
