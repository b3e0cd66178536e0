"""Content of every kind, whole: as the conventions' messages and as MLflow's, alike for plain answers and streams."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.anthropic.given import telemetry
from tests.support import verdict
from tests.support.anthropic_surfaces import MODEL, make_client
from tests.support.provider import Reply
from tests.support.provider.anthropic_messages import events
from tests.support.registry import violations

__all__ = ["telemetry"]

pytestmark = pytest.mark.filterwarnings("ignore:Pydantic serializer warnings:UserWarning")

PNG = "iVBORw0KGgo="
SHORT, LONG = {"type": "ephemeral"}, {"type": "ephemeral", "ttl": "1h"}
SPENT = {"input_tokens": 11, "output_tokens": 7, "cache_read_input_tokens": 3, "cache_creation_input_tokens": 2}
SEARCHED = {
    "type": "web_search_result_location",
    "url": "https://example.com",
    "title": "A page",
    "cited_text": "Sunny.",
    "encrypted_index": "c2VjcmV0",
}
FOUND = {"type": "web_search_result", "url": "https://example.com", "title": "A page", "page_age": "1 day"}
FETCHED = {
    "type": "web_fetch_result",
    "url": "https://example.com/a.pdf",
    "retrieved_at": "2026-08-01",
    "content": {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERg=="}},
}
RAN = {"type": "code_execution_result", "stdout": "4\n", "stderr": "", "return_code": 0, "content": []}
REFUSED = {"type": "refusal", "category": "cyber", "explanation": "No."}


def call(kind, name, given, identity="srvtoolu_1", **more):
    return {"type": kind, "id": identity, "name": name, "input": given, **more}


def server(name, given, kind="server_tool_use", **more):
    called = {"type": kind, "name": name, "input": given, **more}
    return {"type": "server_tool_call", "id": "srvtoolu_1", "name": name, "server_tool_call": called}


def returned(kind, content, **more):
    result = {"type": kind, "content": content, **more}
    return {"type": "server_tool_call_response", "id": "srvtoolu_1", "server_tool_call_response": result}


# Blocks of an answer, as they are on the wire, and as the conventions have them.
ANSWERS = {
    "text": (
        [{"type": "text", "text": "It is sunny.", "citations": None}],
        [{"type": "text", "content": "It is sunny."}],
    ),
    "texts": (
        [{"type": "text", "text": "One, "}, {"type": "text", "text": "two."}],
        [{"type": "text", "content": "One, "}, {"type": "text", "content": "two."}],
    ),
    "empty": ([], []),
    "thinking": (
        [
            {"type": "thinking", "thinking": "Let me think about it.", "signature": "c2ln"},
            {"type": "redacted_thinking", "data": "ZW5jcnlwdGVk"},
            {"type": "text", "text": "Yes."},
        ],
        [
            {"type": "reasoning", "content": "Let me think about it."},
            {"type": "reasoning", "content": "", "redacted": True},
            {"type": "text", "content": "Yes."},
        ],
    ),
    "tools": (
        [
            call("tool_use", "get_weather", {"city": "Paris", "days": [1, 2]}, "toolu_1"),
            call("tool_use", "get_time", {}, "toolu_2", caller={"type": "direct"}),
        ],
        [
            {
                "type": "tool_call",
                "id": "toolu_1",
                "name": "get_weather",
                "arguments": {"city": "Paris", "days": [1, 2]},
            },
            {"type": "tool_call", "id": "toolu_2", "name": "get_time", "arguments": {}},
        ],
    ),
    "citations": (
        [{"type": "text", "text": "Sunny.", "citations": [SEARCHED]}],
        [
            {
                "type": "text",
                "content": "Sunny.",
                "citations": [{k: v for k, v in SEARCHED.items() if k != "encrypted_index"}],
            }
        ],
    ),
    "search": (
        [
            call("server_tool_use", "web_search", {"query": "the weather"}),
            {
                "type": "web_search_tool_result",
                "tool_use_id": "srvtoolu_1",
                "content": [{**FOUND, "encrypted_content": "c2VjcmV0"}],
            },
        ],
        [server("web_search", {"query": "the weather"}), returned("web_search_tool_result", [FOUND])],
    ),
    "search-failed": (
        [{"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": {"type": "e", "error_code": "x"}}],
        [returned("web_search_tool_result", {"type": "e", "error_code": "x"})],
    ),
    "fetch": (
        [
            call("server_tool_use", "web_fetch", {"url": "https://example.com/a.pdf"}),
            {"type": "web_fetch_tool_result", "tool_use_id": "srvtoolu_1", "content": FETCHED},
        ],
        [
            server("web_fetch", {"url": "https://example.com/a.pdf"}),
            returned(
                "web_fetch_tool_result",
                {
                    **FETCHED,
                    "content": {
                        "type": "document",
                        "source": {
                            "type": "blob",
                            "modality": "document",
                            "mime_type": "application/pdf",
                            "content": "JVBERg==",
                        },
                    },
                },
            ),
        ],
    ),
    "code": (
        [
            call("server_tool_use", "code_execution", {"code": "print(2 + 2)"}),
            {"type": "code_execution_tool_result", "tool_use_id": "srvtoolu_1", "content": RAN},
            {"type": "container_upload", "file_id": "file_1"},
        ],
        [
            server("code_execution", {"code": "print(2 + 2)"}),
            returned("code_execution_tool_result", RAN),
            {"type": "file", "modality": "document", "file_id": "file_1"},
        ],
    ),
    "mcp": (
        [
            call("mcp_tool_use", "read", {"path": "/a"}, server_name="files"),
            {
                "type": "mcp_tool_result",
                "tool_use_id": "srvtoolu_1",
                "is_error": False,
                "content": [{"type": "text", "text": "a file"}],
            },
        ],
        [
            server("read", {"path": "/a"}, "mcp_tool_use", server_name="files"),
            returned("mcp_tool_result", [{"type": "text", "text": "a file"}], is_error=False),
        ],
    ),
    "compaction": (
        [{"type": "compaction", "content": "What was said so far.", "encrypted_content": "c2VjcmV0"}],
        [{"type": "compaction", "content": "What was said so far."}],
    ),
    "fallback": (
        [
            {"type": "fallback", "from": {"model": "a"}, "to": {"model": "b"}, "trigger": {"type": "refusal"}},
            {"type": "text", "text": "Yes."},
        ],
        [
            {"type": "fallback", "from": {"model": "a"}, "to": {"model": "b"}, "trigger": {"type": "refusal"}},
            {"type": "text", "content": "Yes."},
        ],
    ),
    "of-the-future": (
        [{"type": "hologram", "shape": "cube", "encrypted_content": "c2VjcmV0"}, {"type": "blob", "mine": 1}],
        [{"type": "hologram", "shape": "cube"}, {"type": "anthropic_blob", "mine": 1}],
    ),
}

# The same as a message of MLflow's chat view.
SHOWN = {
    "text": {"content": "It is sunny."},
    "texts": {"content": "One, two."},
    "empty": {"content": None},
    "thinking": {"content": "Yes.", "reasoning": "Let me think about it."},
    "tools": {
        "content": None,
        "tool_calls": [
            {
                "id": "toolu_1",
                "type": "function",
                "function": {"name": "get_weather", "arguments": '{"city":"Paris","days":[1,2]}'},
            },
            {"id": "toolu_2", "type": "function", "function": {"name": "get_time", "arguments": "{}"}},
        ],
    },
    "citations": {"content": "Sunny."},
    "compaction": {"content": [{"type": "text", "text": '[compaction] {"content":"What was said so far."}'}]},
    "code": {
        "content": [
            {"type": "text", "text": '[server_tool_use] {"name":"code_execution","input":{"code":"print(2 + 2)"}}'},
            {
                "type": "text",
                "text": '[code_execution_tool_result] {"content":{"type":"code_execution_result","stdout":"4\\n",'
                '"stderr":"","return_code":0,"content":[]}}',
            },
            {"type": "text", "text": "[document: file_1]"},
        ]
    },
}

# Why it stopped: on the wire, by the conventions, and what is said of it.
STOPS = {
    "end_turn": ("stop", None),
    "max_tokens": ("length", None),
    "model_context_window_exceeded": ("length", None),
    "stop_sequence": ("stop", None),
    "tool_use": ("tool_call", None),
    "pause_turn": ("pause_turn", None),
    "compaction": ("compaction", None),
    "refusal": ("content_filter", REFUSED),
}


def message(blocks, stop="end_turn", details=None, usage=SPENT):
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x-1", "content": blocks}
    return {**head, "stop_reason": stop, "stop_sequence": None, "stop_details": details, "usage": usage}


def told(telemetry, provider, answer, **asked):
    """The attributes of the one span, which are the same through every way; and they are as the registry says."""
    asked = {"model": MODEL, "max_tokens": 50, "messages": [{"role": "user", "content": "?"}], **asked}
    ways = []

    async def stream(client):
        ways.append([event async for event in await client.messages.create(**asked, stream=True)])

    async def helped(client):
        async with client.beta.messages.stream(**asked) as events:
            ways.append(await events.get_final_message())

    async def plain(client):
        ways.append(await client.beta.messages.create(**asked))

    async def main():
        async with make_client(provider.url, True) as client:
            for way in (plain, helped, stream):
                provider.script(Reply(body=answer) if way is plain else Reply(chunks=events(answer)))
                await way(client)

    asyncio.run(main())
    assert [found for span in telemetry.spans if (found := violations(span))] == []
    assert [verdict.failed(span) for span in telemetry.spans] == [None] * 3
    left_out = ("gen_ai.request.stream", "gen_ai.response.time_to_first_chunk")
    found = [
        {name: value for name, value in span.attributes.items() if name not in left_out} for span in telemetry.spans
    ]
    assert found[0] == found[1] == found[2]
    return found[0]


@pytest.mark.parametrize("kind", ANSWERS)
def test_answers(telemetry, provider, kind):
    blocks, parts = ANSWERS[kind]
    found = told(telemetry, provider, message(blocks))
    (answer,) = json.loads(found["gen_ai.output.messages"])
    assert answer == {"role": "assistant", "parts": parts, "finish_reason": "stop"}
    (choice,) = json.loads(found["mlflow.spanOutputs"])["choices"]
    if kind in SHOWN:
        assert choice == {"index": 0, "message": {"role": "assistant", **SHOWN[kind]}, "finish_reason": "stop"}
    assert "c2VjcmV0" not in found["gen_ai.output.messages"] + found["mlflow.spanOutputs"]
    assert json.loads(found["mlflow.chat.tokenUsage"]) == {
        "input_tokens": 16, "output_tokens": 7, "total_tokens": 23,
        "cache_read_input_tokens": 3, "cache_creation_input_tokens": 2,
    }  # fmt: skip


@pytest.mark.parametrize("reason", STOPS)
def test_why_it_stopped(telemetry, provider, reason):
    finish, details = STOPS[reason]
    found = told(telemetry, provider, message([{"type": "text", "text": "So."}], reason, details))
    (answer,) = json.loads(found["gen_ai.output.messages"])
    parts = [{"type": "text", "content": "So."}, *([details] if details else [])]
    assert answer == {"role": "assistant", "parts": parts, "finish_reason": finish}
    assert found["gen_ai.response.finish_reasons"] == (reason,)


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
    found = told(telemetry, provider, message([]), messages=asked)
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
    found = told(
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
    found = told(telemetry, provider, message(blocks if where == "answer" else []), messages=asked)
    assert b"A" * 300 not in telemetry.exported()
    kind = "mlflow.spanOutputs" if where == "answer" else "mlflow.spanInputs"
    assert "300" in found[kind]
    assert '"size":300' in found["gen_ai.output.messages" if where == "answer" else "gen_ai.input.messages"]


COMPACTED = {"type": "compaction", "input_tokens": 100, "output_tokens": 20}
USAGES = {
    "five-minutes-and-an-hour": (
        {**SPENT, "cache_creation": {"ephemeral_5m_input_tokens": 1, "ephemeral_1h_input_tokens": 1}},
        {"cache_write_5m.input_tokens": 1, "cache_write_1h.input_tokens": 1},
    ),
    "compaction": (
        {
            **SPENT,
            "iterations": [
                {**COMPACTED, "cache_read_input_tokens": 5, "cache_creation_input_tokens": 6},
                {"type": "compaction", "input_tokens": 1, "output_tokens": 2},
                {"type": "message", "input_tokens": 11, "output_tokens": 7},
            ],
        },
        {"compaction.input_tokens": 112, "compaction.output_tokens": 22},
    ),
    "advisor": (
        {**SPENT, "iterations": [{"type": "advisor_message", "model": "b", "input_tokens": 30, "output_tokens": 4}]},
        {"advisor.input_tokens": 30, "advisor.output_tokens": 4},
    ),
    "search": ({**SPENT, "server_tool_use": {"web_search_requests": 3}}, {"web_search.requests": 3}),
}  # fmt: skip


@pytest.mark.parametrize("kind", USAGES)
def test_usage(telemetry, provider, kind):
    """What is billed beside input and output stands beside them; nothing of it is in them."""
    usage, more = USAGES[kind]
    more = {"speed": "fast", "service_tier": "priority", "output_tokens_details": {"thinking_tokens": 4}, **usage}
    found = told(telemetry, provider, message([{"type": "text", "text": "So."}], usage=more))
    ours = {name.removeprefix("genspan.usage."): value for name, value in found.items() if "genspan.usage" in name}
    assert ours == USAGES[kind][1]
    names = ("input", "output", "cache_read.input", "cache_write.input", "reasoning.output")
    assert [found[f"gen_ai.usage.{name}_tokens"] for name in names] == [16, 7, 3, 2, 4]
    assert (found["anthropic.response.service_tier"], found["anthropic.response.speed"]) == ("priority", "fast")
    assert found.get("gen_ai.conversation.compacted", False) is (kind == "compaction")


def test_usage_of_a_batch(telemetry, provider):
    """What is billed in addition is, too, for all of its results."""
    usages = [usage for usage, _ in USAGES.values()]
    lines = [
        {"custom_id": str(number), "result": {"type": "succeeded", "message": message([], usage=usage)}}
        for number, usage in enumerate(usages)
    ]
    provider.script(Reply(body={**BATCH}), Reply(chunks=lines))
    with make_client(provider.url, False) as client:
        assert len(list(client.messages.batches.results("msgbatch_1"))) == len(usages)
    (span,) = telemetry.spans
    assert violations(span) == []
    ours = {name: value for name, value in span.attributes.items() if "usage." in name and "mlflow" not in name}
    assert ours == {
        "gen_ai.usage.input_tokens": 16 * 4,
        "gen_ai.usage.output_tokens": 7 * 4,
        "gen_ai.usage.cache_read.input_tokens": 3 * 4,
        "gen_ai.usage.cache_write.input_tokens": 2 * 4,
        "genspan.usage.cache_write_5m.input_tokens": 1,
        "genspan.usage.cache_write_1h.input_tokens": 1,
        "genspan.usage.compaction.input_tokens": 112,
        "genspan.usage.compaction.output_tokens": 22,
        "genspan.usage.advisor.input_tokens": 30,
        "genspan.usage.advisor.output_tokens": 4,
        "genspan.usage.web_search.requests": 3,
    }


BATCH = {
    "id": "msgbatch_1",
    "type": "message_batch",
    "processing_status": "ended",
    "results_url": "/v1/messages/batches/msgbatch_1/results",
}
