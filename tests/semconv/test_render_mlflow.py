"""The model as MLflow's attributes."""

from __future__ import annotations

import json

import pytest

from genspan_semconv import render_mlflow
from genspan_semconv.model import Prompt, Response, Usage


def usage(operation="chat", **fields):
    into: dict[str, object] = {}
    render_mlflow.usage(operation, Usage(**fields), into)
    return json.loads(str(into["mlflow.chat.tokenUsage"])) if into else None


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"input": 3, "output": 4}, {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}),
        ({"input": 0, "output": 0}, {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}),
        ({"output": 5}, {"output_tokens": 5, "total_tokens": 5}),
        ({"input": 8}, {"input_tokens": 8, "total_tokens": 8}),
        ({"total": 9}, None),
        ({"cache_read": 9}, None),
    ],
)
def test_what_is_absent_is_not_zero(fields, expected):
    assert usage(**fields) == expected


def test_embeddings_have_no_output():
    assert usage("embeddings", input=8) == {"input_tokens": 8, "output_tokens": 0, "total_tokens": 8}


def test_caches():
    found = usage(input=9, output=1, cache_read=0, cache_write=7, cache_write_by_ttl={"5m": 1, "1h": 2, "12h": 4})
    assert found == {
        "input_tokens": 9,
        "output_tokens": 1,
        "total_tokens": 10,
        "cache_read_input_tokens": 0,
        "cache_creation_input_tokens": 7,
        "cache_creation_input_tokens_above_1hr": 6,
    }
    assert "cache_creation_input_tokens_above_1hr" not in usage(input=1, cache_write_by_ttl={"5m": 1, "30m": 1})


def test_parameters_of_a_provider_under_the_names_that_the_program_passed():
    params = {
        "temperature": 0.5,
        "openai.request.service_tier": "flex",
        "openai.api.type": "responses",
        "response_id": "r",
    }
    inputs = render_mlflow.inputs("chat", "m", params, Prompt([], [], []))
    assert inputs == {"messages": [], "model": "m", "temperature": 0.5, "service_tier": "flex"}


def text(content):
    return {"type": "text", "content": content}


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        ("chat", "CHAT_MODEL"),
        ("generate_content", "CHAT_MODEL"),
        ("embeddings", "EMBEDDING"),
        ("execute_tool", "TOOL"),
        ("invoke_agent", "AGENT"),
        ("invoke_workflow", "CHAIN"),
        ("retrieval", "RETRIEVER"),
        ("text_completion", "LLM"),
    ],
)
def test_span_types(operation, kind):
    assert render_mlflow.start(operation, None) == {"mlflow.spanType": kind}


@pytest.mark.parametrize(
    ("provider", "name"),
    [
        ("gcp.gemini", "gemini"),
        ("gcp.vertex_ai", "vertex_ai"),
        ("azure.ai.openai", "azure"),
        ("azure.ai.inference", "azure_ai"),
        ("aws.bedrock", "bedrock"),
        ("x_ai", "xai"),
        ("mistral_ai", "mistral"),
        ("moonshot_ai", "moonshot"),
        ("ibm.watsonx.ai", "watsonx"),
        ("openai", "openai"),
    ],
)
def test_providers(provider, name):
    assert render_mlflow.start("chat", provider)["mlflow.llm.provider"] == name


def test_names_and_tags():
    assert render_mlflow.root("chat m") == {"mlflow.traceTag.mlflow.traceName": "chat m"}
    assert render_mlflow.tags({"a": "b"}) == {"mlflow.traceTag.a": "b"}
    assert render_mlflow.trace_name("chat", "m", "Why\n is it?") == "chat m: Why is it?"
    assert render_mlflow.trace_name("chat", None, "") == "chat"
    assert render_mlflow.trace_name("chat", "m", "x" * 80) == "chat m: " + "x" * 80
    assert render_mlflow.trace_name("chat", "m", "x" * 81) == "chat m: " + "x" * 79 + "…"


def test_the_model():
    for requested, answered, expected in (("a", "b", "b"), ("a", None, "a"), (None, None, None)):
        into: dict[str, object] = {}
        render_mlflow.model(requested, Response(model=answered), into)
        assert into.get("mlflow.llm.model") == expected


def test_what_the_user_asked_last():
    messages = [
        {"role": "user", "parts": [text("first")]},
        {"role": "user", "parts": [text("a"), {"type": "blob"}, text("b")]},
        {"role": "user", "parts": [{"type": "blob"}]},
        {"role": "assistant", "parts": [text("no")]},
    ]
    assert render_mlflow.last_question(Prompt([], messages, [])) == "a b"
    assert render_mlflow.last_question(Prompt([], messages[2:], [])) == ""


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ({"role": "user", "parts": [text("a"), text("b")]}, [{"role": "user", "content": "ab"}]),
        ({"role": "system", "parts": [text("a")]}, [{"role": "system", "content": "a"}]),
        ({"role": "developer", "parts": [text("a")]}, [{"role": "system", "content": "a"}]),
        ({"role": "critic", "parts": [text("a")]}, [{"role": "user", "content": "a"}]),
        ({"role": "user", "parts": []}, [{"role": "user", "content": ""}]),
        ({"role": "assistant", "parts": []}, []),
        (
            {
                "role": "assistant",
                "parts": [
                    {"type": "reasoning", "content": "h"},
                    {"type": "reasoning", "content": "m"},
                    text("a"),
                    {"type": "tool_call", "name": "f", "arguments": {"x": 1}, "id": "c"},
                    {"type": "tool_call", "name": "g", "arguments": None},
                    {"type": "tool_call", "name": "h", "arguments": "free"},
                ],
            },
            [
                {
                    "role": "assistant",
                    "content": "a",
                    "tool_calls": [
                        {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"x":1}'}},
                        {"id": "call_1", "type": "function", "function": {"name": "g", "arguments": "{}"}},
                        {"id": "call_2", "type": "function", "function": {"name": "h", "arguments": "free"}},
                    ],
                    "reasoning": "hm",
                }
            ],
        ),
        (
            {
                "role": "tool",
                "parts": [
                    {"type": "tool_call_response", "id": "c", "response": {"x": 1}},
                    {"type": "tool_call_response", "name": "f", "response": "42"},
                    {"type": "tool_call_response", "response": None},
                ],
            },
            [
                {"role": "tool", "tool_call_id": "c", "content": '{"x":1}'},
                {"role": "tool", "tool_call_id": "f", "content": "42"},
                {"role": "tool", "tool_call_id": "", "content": ""},
            ],
        ),
        (
            {"role": "user", "parts": [{"type": "tool_call_response", "id": "c", "response": "42"}, text("a")]},
            [{"role": "tool", "tool_call_id": "c", "content": "42"}, {"role": "user", "content": "a"}],
        ),
    ],
)
def test_messages(message, expected):
    assert render_mlflow.conversation([message]) == expected
    inputs = render_mlflow.inputs("chat", None, {}, Prompt([text("s")], [message], []))
    assert inputs == {"messages": [{"role": "system", "content": "s"}, *expected]}


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (
            {"type": "blob", "modality": "image", "mime_type": "image/jpeg", "content": "QUJD"},
            {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64,QUJD"}},
        ),
        (
            {"type": "blob", "modality": "image", "content": "QUJD"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}},
        ),
        *(
            (
                {"type": "blob", "modality": "audio", "mime_type": mime, "content": "QUJD"},
                {"type": "input_audio", "input_audio": {"data": "QUJD", "format": form}},
            )
            for mime, form in (
                *(("audio/wav", "wav"), ("audio/x-wav", "wav"), ("audio/wave", "wav")),
                *(("audio/mp3", "mp3"), ("audio/mpeg", "mp3")),
            )
        ),
        (
            {"type": "blob", "modality": "document", "mime_type": "application/pdf", "content": "QUJDQUJD"},
            {"type": "text", "text": "[application/pdf: 6 bytes]"},
        ),
        ({"type": "blob", "modality": "audio", "content": "QUJD"}, {"type": "text", "text": "[audio: 3 bytes]"}),
        (
            {"type": "uri", "modality": "image", "uri": "https://h/a"},
            {"type": "image_url", "image_url": {"url": "https://h/a"}},
        ),
        ({"type": "uri", "modality": "image", "uri": "gs://h/a"}, {"type": "text", "text": "[image: gs://h/a]"}),
        (
            {"type": "uri", "modality": "video", "mime_type": "video/mp4", "uri": "https://h/v"},
            {"type": "text", "text": "[video/mp4: https://h/v]"},
        ),
        ({"type": "file", "modality": "image", "file_id": "f"}, {"type": "text", "text": "[image: f]"}),
        (
            {"type": "blob_omitted", "modality": "image", "size": 9},
            {"type": "text", "text": "[image: 9 bytes, not kept]"},
        ),
        (
            {"type": "server_tool_call", "server_tool_call": {"type": "code_execution", "code": "1+1"}},
            {"type": "text", "text": "[code_execution] 1+1"},
        ),
        (
            {"type": "server_tool_call_response", "server_tool_call_response": {"type": "x", "output": "2"}},
            {"type": "text", "text": "[x] 2"},
        ),
        ({"type": "new", "x": 1}, {"type": "text", "text": '[new] {"x":1}'}),
    ],
)
def test_parts(part, expected):
    (message,) = render_mlflow.conversation([{"role": "user", "parts": [text("a"), part]}])
    assert message["content"] == [{"type": "text", "text": "a"}, expected]


def test_what_is_embedded():
    messages = [{"role": "user", "parts": [text("a"), text("b")]}, {"role": "user", "parts": [text("c")]}]
    assert render_mlflow.inputs("embeddings", "m", {"dimension_count": 3}, Prompt([], messages, [])) == {
        "input": ["a", "b", "c"],
        "model": "m",
        "dimension_count": 3,
    }


def test_tools():
    tools = [{"type": "function", "name": "f", "description": "d", "parameters": {"type": "object"}}, {"type": "x"}]
    assert render_mlflow.inputs("chat", None, {}, Prompt([], [], tools))["tools"] == [
        {"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object"}}},
        {"type": "function", "function": {"name": ""}},
    ]


def test_outputs():
    answer = [
        {"role": "assistant", "parts": [text("a")], "finish_reason": "stop"},
        {"role": "assistant", "parts": [], "finish_message": "why"},
    ]
    assert render_mlflow.outputs(answer, Response()) == {
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "a"}, "finish_reason": "stop"},
            {"index": 1, "message": {"role": "assistant", "content": None, "refusal": "why"}},
        ]
    }
    assert render_mlflow.outputs([], Response(summary={"embeddings": 2})) == {"embeddings": 2}
    assert render_mlflow.outputs([], Response()) is None
