"""Calls in which google-genai could run a function and runs none: one span, no parent. And those in which it does."""

from __future__ import annotations

import asyncio

import pytest
from google.genai import types

from tests.support import surfaces, verdict

DECLARED = types.Tool(function_declarations=[types.FunctionDeclaration(name="other", description="Another")])
SERVER = types.Tool(
    mcp_servers=[
        types.McpServer(
            name="docs", streamable_http_transport=types.StreamableHttpTransport(url="https://mcp.example/mcp")
        )
    ]
)
SEARCH = types.Tool(google_search=types.GoogleSearch())


def get_weather(city: str) -> str:
    """Get the weather of a city."""
    return "sunny"


def _calling(**more):
    return types.AutomaticFunctionCallingConfig(**more)


NONE = {
    "no tools": {},
    "declared": {"tools": [DECLARED]},
    "beside a declared one": {"tools": [get_weather, DECLARED]},
    "after a declared one": {"tools": [DECLARED, get_weather]},
    "server's MCP": {"tools": [SERVER]},
    "beside a server's MCP": {"tools": [get_weather, SERVER]},
    "search": {"tools": [SEARCH]},
    "switched off": {"tools": [get_weather], "automatic_function_calling": _calling(disable=True)},
    "no remote calls": {"tools": [get_weather], "automatic_function_calling": _calling(maximum_remote_calls=0)},
    "negative": {"tools": [get_weather], "automatic_function_calling": _calling(maximum_remote_calls=-1)},
    "one remote call": {"tools": [get_weather], "automatic_function_calling": _calling(maximum_remote_calls=1)},
    "dict, declared": {"tools": [get_weather, {"function_declarations": [{"name": "other"}]}]},
    "dict, camel case": {
        "tools": [get_weather],
        "automaticFunctionCalling": {"maximumRemoteCalls": 0},
    },
    "dict, declared in camel case": {"tools": [get_weather, {"functionDeclarations": [{"name": "other"}]}]},
}
SOME = {
    "callable": {"tools": [get_weather]},
    "beside search": {"tools": [get_weather, SEARCH]},
    "switched on": {"tools": [get_weather], "automatic_function_calling": _calling(disable=False)},
    "two remote calls": {"tools": [get_weather], "automatic_function_calling": _calling(maximum_remote_calls=2)},
    "empty declarations": {"tools": [get_weather, {"function_declarations": []}]},
}
WAYS = ("generate_content", "generate_content_stream", "send_message", "send_message_stream")


async def _call(client, way, config, is_async, in_chat):
    side = client.aio if is_async else client
    if way.startswith("send"):
        chat = side.chats.create(model=surfaces.MODEL, config=config if in_chat else None)
        result = getattr(chat, way)("weather in Paris?", *([] if in_chat else [config]))
    else:
        result = getattr(side.models, way)(model=surfaces.MODEL, contents="weather in Paris?", config=config)
    result = await result if is_async else result
    if way.endswith("stream"):
        [one async for one in result] if is_async else list(result)
    await client.aio.aclose()


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", [*NONE, *SOME])
def test_parent_only_where_functions_run(provider, install, name, way, is_async):
    telemetry = install()
    config = {**NONE, **SOME}[name]
    config = (
        config if name.startswith("dict") or name == "empty declarations" else types.GenerateContentConfig(**config)
    )
    asyncio.run(_call(surfaces.make_client(provider.url), way, config, is_async, in_chat=len(name) % 2 == 0))
    operations = sorted(verdict.operation(span) for span in telemetry.spans)
    expected = ["generate_content"]
    if name in SOME:
        expected = ["execute_tool", "generate_content", "generate_content", "invoke_agent"]
    assert operations == expected
    verdict.billed(telemetry, provider)


@pytest.mark.parametrize("path", ["/projects/team-a/genai", "/publishers/x", "/v1/projects/p/locations/l/publishers/g"])
@pytest.mark.parametrize("way", ["generate_content", "generate_content_stream"])
@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_provider_behind_a_gateway_is_the_clients(provider, install, path, way, is_async):
    telemetry = install()
    client = surfaces.make_client(provider.url, base_url=provider.url + path)
    asyncio.run(_call(client, way, None, is_async, in_chat=False))
    (span,) = telemetry.spans
    assert span.attributes["gen_ai.provider.name"] == "gcp.gemini"
    assert span.attributes["mlflow.llm.provider"] == "gemini"
