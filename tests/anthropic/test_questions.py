"""Requests of every kind, whole: as the conventions' messages and as MLflow's."""

from __future__ import annotations

import io
import json

import pytest

from tests.anthropic.calls import attributes_of, call, client, message, telemetry
from tests.support.anthropic_surfaces import MODEL
from tests.support.provider import Reply

__all__ = ["client", "telemetry"]

pytestmark = pytest.mark.filterwarnings("ignore:Pydantic serializer warnings:UserWarning")

PNG = "iVBORw0KGgo="
SHORT, LONG = {"type": "ephemeral"}, {"type": "ephemeral", "ttl": "1h"}


def base64(kind, mime, data=PNG):
    return {"type": kind, "source": {"type": "base64", "media_type": mime, "data": data}}


def blob(modality, mime, data=PNG):
    return {"type": "blob", "modality": modality, "mime_type": mime, "content": data}


IMAGE, PDF = base64("image", "image/png"), base64("document", "application/pdf")
PAGE = {"type": "document", "source": {"type": "url", "url": "https://example.com/a.pdf"}}
NOTES = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "Some notes."}}
RESULT = {"type": "search_result", "source": "https://example.com", "title": "A page"}

# Blocks of a request in the same way.
QUESTIONS = {
    "image": (IMAGE, blob("image", "image/png")),
    "image-url": (
        {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}, "cache_control": SHORT},
        {"type": "uri", "modality": "image", "uri": "https://example.com/a.png", "cache_control": SHORT},
    ),
    "image-file": (
        {"type": "image", "source": {"type": "file", "file_id": "file_1"}},
        {"type": "file", "modality": "image", "file_id": "file_1"},
    ),
    "pdf": (
        {**PDF, "title": "Report", "context": "of 2026", "citations": {"enabled": True}, "cache_control": LONG},
        {
            **blob("document", "application/pdf"),
            "title": "Report",
            "context": "of 2026",
            "citations": {"enabled": True},
            "cache_control": LONG,
        },
    ),
    "page": (PAGE, {"type": "uri", "modality": "document", "uri": "https://example.com/a.pdf"}),
    "notes": (
        {**NOTES, "title": "Notes"},
        {"type": "text", "content": "Some notes.", "title": "Notes"},
    ),
    "blocks": (
        {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "One"}, IMAGE]}},
        [{"type": "text", "content": "One"}, blob("image", "image/png")],
    ),
    "blocks-text": (
        {"type": "document", "source": {"type": "content", "content": "One"}},
        {"type": "text", "content": "One"},
    ),
    "upload": (
        {"type": "container_upload", "file_id": "file_1"},
        {"type": "file", "modality": "document", "file_id": "file_1"},
    ),
    "search-result": (
        {**RESULT, "content": [{"type": "text", "text": "Sunny."}], "citations": {"enabled": True}},
        {**RESULT, "content": [{"type": "text", "text": "Sunny."}], "citations": {"enabled": True}},
    ),
    "result": (
        {"type": "tool_result", "tool_use_id": "toolu_1", "content": "It is sunny."},
        {"type": "tool_call_response", "id": "toolu_1", "response": "It is sunny."},
    ),
    "result-blocks": (
        {
            "type": "tool_result",
            "tool_use_id": "toolu_1",
            "content": [{"type": "text", "text": "Look: "}, IMAGE],
            "is_error": True,
            "cache_control": SHORT,
        },
        {
            "type": "tool_call_response",
            "id": "toolu_1",
            "response": [{"type": "text", "content": "Look: "}, blob("image", "image/png")],
            "is_error": True,
            "cache_control": SHORT,
        },
    ),
    "result-empty": (
        {"type": "tool_result", "tool_use_id": "toolu_1"},
        {"type": "tool_call_response", "id": "toolu_1", "response": ""},
    ),
}


@pytest.mark.parametrize("kind", QUESTIONS)
def test_questions(telemetry, provider, kind):
    block, part = QUESTIONS[kind]
    parts = part if isinstance(part, list) else [part]
    asked = [
        {"role": "user", "content": [block]},
        {"role": "assistant", "content": [{"type": "text", "text": "So?", "cache_control": SHORT}]},
        {"role": "user", "content": "Go on."},
    ]
    found = attributes_of(telemetry, provider, message([]), messages=asked)
    assert json.loads(found["gen_ai.input.messages"]) == [
        {"role": "tool" if block["type"] == "tool_result" else "user", "parts": parts},
        {"role": "assistant", "parts": [{"type": "text", "content": "So?", "cache_control": SHORT}]},
        {"role": "user", "parts": [{"type": "text", "content": "Go on."}]},
    ]
    first, *rest = json.loads(found["mlflow.spanInputs"])["messages"]
    assert rest == [{"role": "assistant", "content": "So?"}, {"role": "user", "content": "Go on."}]
    if kind == "image":
        assert first["content"] == [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}]
    if kind == "result":
        assert first == {"role": "tool", "tool_call_id": "toolu_1", "content": "It is sunny."}


def test_the_whole_of_a_request(telemetry, provider):
    """System blocks, tools of the program, of Anthropic and of an MCP server, parameters; and what a turn answered."""
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    weather = {"name": "get_weather", "description": "The weather", "input_schema": schema, "cache_control": LONG}
    asked = [
        {"role": "user", "content": "?"},
        {"role": "assistant", "content": [call("tool_use", "get_weather", {"city": "Paris"}, "toolu_1")]},
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "toolu_1", "content": "Sunny."},
                {"type": "text", "text": "So?"},
            ],
        },
    ]
    found = attributes_of(
        telemetry,
        provider,
        message([]),
        messages=asked,
        system=[{"type": "text", "text": "Be brief.", "cache_control": LONG}, {"type": "text", "text": "Be kind."}],
        tools=[weather, {"type": "web_search_20250305", "name": "web_search", "max_uses": 2}],
        stop_sequences=["END"],
        extra_body={
            "mcp_servers": [
                {"type": "url", "url": "https://mcp.example", "name": "files", "authorization_token": "t0ken"}
            ],
            "temperature": 0.5,
            "top_p": 0.9,
            "top_k": 4,
            "output_config": {"effort": "high", "format": {"type": "json_schema", "schema": schema}},
            "speed": "fast",
            "service_tier": "auto",
        },
    )
    assert json.loads(found["gen_ai.system_instructions"]) == [
        {"type": "text", "content": "Be brief.", "cache_control": LONG},
        {"type": "text", "content": "Be kind."},
    ]
    assert json.loads(found["gen_ai.input.messages"]) == [
        {"role": "user", "parts": [{"type": "text", "content": "?"}]},
        {
            "role": "assistant",
            "parts": [{"type": "tool_call", "id": "toolu_1", "name": "get_weather", "arguments": {"city": "Paris"}}],
        },
        {
            "role": "user",
            "parts": [
                {"type": "tool_call_response", "id": "toolu_1", "response": "Sunny."},
                {"type": "text", "content": "So?"},
            ],
        },
    ]
    assert json.loads(found["gen_ai.tool.definitions"]) == [
        {"type": "function", "name": "get_weather", "description": "The weather", "parameters": schema},
        {"type": "web_search_20250305", "name": "web_search"},
        {"type": "mcp", "name": "files"},
    ]
    shown = json.loads(found["mlflow.spanInputs"])
    assert shown["messages"] == [
        {"role": "system", "content": "Be brief.\n\nBe kind."},
        {"role": "user", "content": "?"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {
                    "id": "toolu_1",
                    "type": "function",
                    "function": {"name": "get_weather", "arguments": '{"city":"Paris"}'},
                }
            ],
        },
        {"role": "tool", "tool_call_id": "toolu_1", "content": "Sunny."},
        {"role": "user", "content": "So?"},
    ]
    assert "t0ken" not in str(found)
    expected = {
        "max_tokens": 50, "temperature": 0.5, "top_p": 0.9, "top_k": 4, "stop_sequences": ("END",),
        "reasoning.level": "high",
    }  # fmt: skip
    assert {name: found[f"gen_ai.request.{name}"] for name in expected} == expected
    assert found["gen_ai.output.type"] == "json"
    assert (found["anthropic.request.service_tier"], found["anthropic.request.speed"]) == ("auto", "fast")


@pytest.mark.parametrize("where", ["message", "result", "answer"])
def test_large_data_is_named_and_not_kept(install, provider, where):
    telemetry = install(CAPTURE="true", GENSPAN_DIALECTS="genai,mlflow", GENSPAN_MAX_BLOB_BYTES="100")
    image, data = base64("image", "image/png", "A" * 400), {"data": "A" * 400, "media_type": "application/pdf"}
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": [image]}
    fetched = {"type": "web_fetch_result", "content": {"type": "document", "source": {"type": "base64", **data}}}
    blocks = [{"type": "web_fetch_tool_result", "tool_use_id": "srvtoolu_1", "content": fetched}]
    block = result if where == "result" else image
    asked = [{"role": "user", "content": [block if where != "answer" else {"type": "text", "text": "?"}]}]
    found = attributes_of(telemetry, provider, message(blocks if where == "answer" else []), messages=asked)
    assert b"A" * 300 not in telemetry.exported()
    kind = "mlflow.spanOutputs" if where == "answer" else "mlflow.spanInputs"
    assert "300" in found[kind]
    assert '"size":300' in found["gen_ai.output.messages" if where == "answer" else "gen_ai.input.messages"]


@pytest.mark.parametrize("beta", [False, True])
def test_what_a_program_passes_for_json(telemetry, provider, client, tmp_path, beta):
    """The SDK's objects of an answer, a path, an open file, a tuple, a generator: shown as they were sent."""
    (tmp_path / "a.png").write_bytes(b"\x89PNG")
    resource = (client.beta if beta else client).messages
    provider.script(Reply(body=message([call("tool_use", "get_weather", {"city": "Paris"}, "toolu_1")])))
    answer = resource.create(model=MODEL, max_tokens=5, messages=[{"role": "user", "content": "?"}])
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": tmp_path / "a.png"}}
    opened = {"type": "image", "source": {**image["source"], "data": io.BytesIO(b"\x89PNG")}}
    asked = (
        {"role": "assistant", "content": answer.content},
        {"role": "user", "content": (block for block in [{"type": "text", "text": "Look:"}, image, opened])},
    )
    resource.create(model=MODEL, max_tokens=5, messages=asked)
    shown = json.loads(telemetry.spans[-1].attributes["gen_ai.input.messages"])
    assert shown == [
        {
            "role": "assistant",
            "parts": [{"type": "tool_call", "id": "toolu_1", "name": "get_weather", "arguments": {"city": "Paris"}}],
        },
        {
            "role": "user",
            "parts": [{"type": "text", "content": "Look:"}, *[blob("image", "image/png", "iVBORw==")] * 2],
        },
    ]
    assert provider.ledger[-1].body["messages"][0]["content"][0]["id"] == "toolu_1"
