"""What mistralai's calls ask and answer, what each costs, and what the SDK's own tracing adds to it: nothing."""

from __future__ import annotations

import asyncio
import json

import pytest
from mistralai.client import Mistral, models
from opentelemetry import trace

from tests.support import verdict
from tests.support.mistral_surfaces import API_KEY, MODEL
from tests.support.provider import Reply
from tests.support.telemetry import Counts

FULL = {"CAPTURE": "true", "GENSPAN_DIALECTS": "genai,mlflow"}
ASK = {"model": MODEL, "messages": [{"role": "user", "content": "Weather?"}]}
USAGE = {"prompt_tokens": 20, "completion_tokens": 9, "total_tokens": 29}


@pytest.fixture(params=[False, True], ids=["sync", "async"])
def call(request, provider, install):
    """`call("chat.complete", reply, **arguments)`: the span of the call."""
    telemetry = install(**FULL)

    async def run(name, arguments):
        async with Mistral(api_key=API_KEY, server_url=f"{provider.url}/mistral") as client:
            with client:
                method = client
                for part in (f"{name}_async" if request.param else name).split("."):
                    method = getattr(method, part)
                result = method(**arguments)
                result = await result if request.param else result
                if "stream" in name:
                    return [one async for one in result] if request.param else list(result)
                return result

    def call_(name, reply, **arguments):
        provider.script(reply)
        asyncio.run(run(name, arguments))
        verdict.sound(telemetry)
        (span,) = telemetry.spans
        return span

    call_.telemetry = telemetry
    return call_


def _chat(message, finish="stop", **more):
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}
    return Reply(
        body={"id": "c1", "object": "chat.completion", "created": 1, "model": MODEL, "choices": [choice], **more}
    )


def _chunks(*deltas, usage=USAGE, finish="stop"):
    head = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": MODEL}
    chunks = [{**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    chunks.append(
        {**head, "choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": finish}], "usage": usage}
    )
    frames = [f"data: {json.dumps(one)}\n\n".encode() for one in chunks]
    return Reply(frames=[*frames, b"data: [DONE]\n\n"])


def _parts(span):
    (message,) = json.loads(span.attributes["gen_ai.output.messages"])
    return message["parts"]


def _tokens(span):
    return span.attributes["gen_ai.usage.input_tokens"], span.attributes["gen_ai.usage.output_tokens"]


THINKING = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}
CALL = {"id": "call00001", "function": {"name": "get_weather", "arguments": '{"city": "Paris"}'}}
REASONED = [{"type": "reasoning", "content": "Hm."}, {"type": "text", "content": "Sunny."}]
CALLED = [{"type": "tool_call", "name": "get_weather", "arguments": {"city": "Paris"}, "id": "call00001"}]


def test_thinking(call):
    span = call("chat.complete", _chat({"content": [THINKING, {"type": "text", "text": "Sunny."}]}, usage=USAGE), **ASK)
    assert _parts(span) == REASONED
    assert _tokens(span) == (20, 9)
    assert span.attributes["gen_ai.provider.name"] == "mistral_ai"
    assert span.attributes["mlflow.llm.provider"] == "mistral"
    assert span.attributes["gen_ai.response.finish_reasons"] == ("stop",)


def test_thinking_in_a_stream(call):
    half = {"type": "thinking", "thinking": [{"type": "text", "text": "H"}]}
    rest = {"type": "thinking", "thinking": [{"type": "text", "text": "m."}]}
    text = [{"type": "text", "text": "Sunny."}]
    span = call("chat.stream", _chunks({"content": [half]}, {"content": [rest]}, {"content": text}), **ASK)
    assert _parts(span) == REASONED
    assert _tokens(span) == (20, 9)


def test_tool_call(call):
    tools = [{"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}]
    reply = _chat({"content": "", "tool_calls": [CALL]}, "tool_calls", usage=USAGE)
    span = call("chat.complete", reply, **ASK, tools=tools)
    assert [part for part in _parts(span) if part["type"] == "tool_call"] == CALLED
    assert json.loads(span.attributes["gen_ai.tool.definitions"]) == [
        {"type": "function", "name": "get_weather", "parameters": {"type": "object"}}
    ]


def test_tool_call_in_a_stream(call):
    span = call(
        "chat.stream", _chunks({"content": "", "tool_calls": [{**CALL, "index": 0}]}, finish="tool_calls"), **ASK
    )
    assert [part for part in _parts(span) if part["type"] == "tool_call"] == CALLED


def test_agent(call):
    span = call("agents.complete", _chat({"content": "Hi"}, usage=USAGE), agent_id="ag-1", messages=ASK["messages"])
    assert span.name == "chat ag-1"
    assert span.attributes["gen_ai.response.model"] == MODEL


def test_parameters(call):
    span = call(
        "chat.complete",
        _chat({"content": "Hi"}, usage=USAGE),
        **ASK,
        temperature=0.2,
        top_p=0.9,
        max_tokens=7,
        random_seed=5,
        stop=["x"],
        n=1,
        response_format={"type": "json_object"},
    )
    expected = {
        "gen_ai.request.temperature": 0.2,
        "gen_ai.request.top_p": 0.9,
        "gen_ai.request.max_tokens": 7,
        "gen_ai.request.seed": 5,
        "gen_ai.request.stop_sequences": ("x",),
        "gen_ai.output.type": "json",
    }
    assert {name: span.attributes.get(name) for name in expected} == expected


def test_fill_in_the_middle(call):
    span = call(
        "fim.complete",
        _chat({"content": "c = a + b"}, usage=USAGE),
        model="codestral",
        prompt="def f():",
        suffix="return",
    )
    assert span.name == "text_completion codestral"
    (message,) = json.loads(span.attributes["gen_ai.input.messages"])
    assert [part["content"] for part in message["parts"]] == ["def f():", "return"]


def test_parsing_that_fails_keeps_the_tokens(provider, install):
    telemetry = install()
    provider.script(_chat({"content": "no json"}, usage=USAGE))
    with (
        Mistral(api_key=API_KEY, server_url=f"{provider.url}/mistral") as client,
        pytest.raises(Exception, match="Expecting value"),
    ):
        client.chat.parse(**ASK, response_format=models.Function)
    (span,) = telemetry.spans
    assert _tokens(span) == (20, 9)
    assert verdict.failed(span)


OUTPUTS = [
    {
        "type": "tool.execution",
        "object": "entry",
        "id": "t1",
        "name": "web_search",
        "arguments": '{"query": "weather"}',
        "info": {"results": 3},
    },
    {"type": "message.output", "object": "entry", "id": "m1", "role": "assistant", "model": MODEL, "content": "Sunny."},
    {
        "type": "function.call",
        "object": "entry",
        "id": "f1",
        "tool_call_id": "call00001",
        "name": "get_weather",
        "arguments": '{"city": "Paris"}',
    },
]
CONVERSED = {"prompt_tokens": 188, "completion_tokens": 55, "total_tokens": 7355, "connector_tokens": 7112}
USED = {**CONVERSED, "connectors": {"web_search": 1}}


def _conversation(outputs=OUTPUTS, usage=USED):
    found = {"object": "conversation.response", "conversation_id": "conv-1", "outputs": outputs, "usage": usage}
    return Reply(body=found)


def _checked(span, telemetry):
    assert span.name == f"chat {MODEL}"
    assert telemetry.usage() == telemetry.measured() == Counts(7300, 55)
    assert "genspan.usage.total_tokens" not in span.attributes
    assert span.attributes["genspan.usage.web_search.requests"] == 1
    assert span.attributes["gen_ai.conversation.id"] == "conv-1"
    parts = _parts(span)
    assert [part["content"] for part in parts if part["type"] == "text"] == ["Sunny."]
    assert [part for part in parts if part["type"] == "tool_call"] == CALLED
    (executed,) = [part for part in parts if part["type"] not in ("text", "tool_call")]
    assert "web_search" in json.dumps(executed)


@pytest.mark.parametrize("way", ["start", "append", "restart"])
def test_conversation(call, way):
    which = {"model": MODEL} if way == "start" else {"conversation_id": "conv-1"}
    entry = {"from_entry_id": "m0"} if way == "restart" else {}
    _checked(call(f"beta.conversations.{way}", _conversation(), inputs="Weather?", **which, **entry), call.telemetry)


@pytest.mark.parametrize("way", ["start_stream", "append_stream"])
def test_conversation_in_a_stream(call, way):
    which = {"model": MODEL} if way == "start_stream" else {"conversation_id": "conv-1"}
    delta = {"type": "message.output.delta", "id": "m1", "output_index": 1, "role": "assistant", "model": MODEL}
    called = {"type": "function.call.delta", "id": "f1", "output_index": 2, "tool_call_id": "call00001"}
    events = [
        {"type": "conversation.response.started", "conversation_id": "conv-1"},
        {"type": "tool.execution.started", "id": "t1", "name": "web_search", "arguments": "", "output_index": 0},
        {"type": "tool.execution.done", "id": "t1", "name": "web_search", "info": {"results": 3}, "output_index": 0},
        {**delta, "content": "Sun"},
        {**delta, "content": {"type": "text", "text": "ny."}},
        {**called, "name": "get_weather", "arguments": '{"city": '},
        {**called, "name": "get_weather", "arguments": '"Paris"}'},
        {"type": "conversation.response.done", "usage": USED},
    ]
    frames = [f"event: {one['type']}\ndata: {json.dumps(one)}\n\n".encode() for one in events]
    _checked(call(f"beta.conversations.{way}", Reply(frames=frames), inputs="Weather?", **which), call.telemetry)


def test_connector_tokens_inside_the_prompt_are_not_added(call):
    usage = {**USED, "total_tokens": 243, "connector_tokens": 100}
    span = call("beta.conversations.start", _conversation(usage=usage), inputs="x", model=MODEL)
    assert _tokens(span) == (188, 55)


def test_conversation_that_fails_in_a_stream(call):
    events = [
        {"type": "conversation.response.started", "conversation_id": "conv-1"},
        {"type": "conversation.response.error", "message": "Overloaded.", "code": 529},
    ]
    frames = [f"event: {one['type']}\ndata: {json.dumps(one)}\n\n".encode() for one in events]
    span = call("beta.conversations.start_stream", Reply(frames=frames), inputs="x", model=MODEL)
    assert verdict.failed(span) == "529"


def test_entries_of_a_conversation(call):
    inputs = [
        {"type": "message.input", "role": "user", "content": "Weather?"},
        OUTPUTS[2],
        {"type": "function.result", "tool_call_id": "call00001", "result": "21"},
    ]
    span = call("beta.conversations.start", _conversation(), inputs=inputs, model=MODEL, instructions="Be brief.")
    assert json.loads(span.attributes["gen_ai.input.messages"]) == [
        {"role": "user", "parts": [{"type": "text", "content": "Weather?"}]},
        {"role": "assistant", "parts": CALLED},
        {"role": "tool", "parts": [{"type": "tool_call_response", "response": "21", "id": "call00001"}]},
    ]
    assert json.loads(span.attributes["gen_ai.system_instructions"]) == [{"type": "text", "content": "Be brief."}]


def test_document(call):
    page = {"index": 0, "markdown": "# Title", "images": [], "dimensions": None}
    body = {"pages": [page], "model": "mistral-ocr-latest", "usage_info": {"pages_processed": 1}}
    document = {"type": "document_url", "document_url": "https://example.com/a.pdf"}
    span = call("ocr.process", Reply(body=body), model="mistral-ocr-latest", document=document)
    assert _parts(span) == [{"type": "text", "content": "# Title"}]
    (message,) = json.loads(span.attributes["gen_ai.input.messages"])
    assert message["parts"] == [{"type": "uri", "modality": "document", "uri": "https://example.com/a.pdf"}]


def test_moderation(call):
    body = {"id": "m1", "model": "mistral-moderation-latest", "results": [{"categories": {}, "category_scores": {}}]}
    span = call("classifiers.moderate", Reply(body=body), model="mistral-moderation-latest", inputs=["so bad"])
    assert span.name == "moderation mistral-moderation-latest"


SPOKEN = {"model": "voxtral-mini", "text": "Hello.", "language": "en", "segments": []}


def test_transcription(call):
    reply = Reply(body={**SPOKEN, "usage": {**USAGE, "prompt_audio_seconds": 4}})
    span = call("audio.transcriptions.complete", reply, model="voxtral-mini", file_url="https://example.com/a.wav")
    assert _tokens(span) == (20, 9)
    assert span.attributes["genspan.usage.audio.seconds"] == 4.0
    assert _parts(span) == [{"type": "text", "content": "Hello."}]


def test_transcription_in_a_stream(call):
    done = {**SPOKEN, "type": "transcription.done", "usage": {**USAGE, "prompt_audio_seconds": 4}}
    events = [{"type": "transcription.text.delta", "text": "Hello."}, done]
    frames = [f"event: {one['type']}\ndata: {json.dumps(one)}\n\n".encode() for one in events]
    span = call(
        "audio.transcriptions.stream", Reply(frames=frames), model="voxtral-mini", file_url="https://e.com/a.wav"
    )
    assert _tokens(span) == (20, 9)
    assert verdict.ended(span) is None


def test_the_sdks_own_tracing_makes_no_span_beside_ours(provider, install, monkeypatch):
    telemetry = install()
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", telemetry.tracer_provider)
    with Mistral(api_key=API_KEY, server_url=f"{provider.url}/mistral") as client:
        client.chat.complete(**ASK)
        list(client.chat.stream(**ASK))
        asyncio.run(_twice(client))
    assert [span.instrumentation_scope.name for span in telemetry.spans] == ["genspan.mistralai"] * 4
    assert not [entry for entry in provider.ledger if "traceparent" in {name.lower() for name in entry.headers}]
    verdict.billed(telemetry, provider)


async def _twice(client):
    await client.chat.complete_async(**ASK)
    stream = await client.chat.stream_async(**ASK)
    assert [one async for one in stream]
    await client.sdk_configuration.async_client.aclose()


def test_credentials_do_not_leave(provider, install):
    telemetry = install(**FULL)
    provider.script({"status": 401, "echo": "key"})
    with (
        Mistral(api_key=API_KEY, server_url=f"{provider.url}/mistral") as client,
        pytest.raises(Exception, match=API_KEY),
    ):
        client.chat.complete(**ASK)
    assert API_KEY.encode() not in telemetry.exported()
    assert telemetry.spans[0].attributes["http.response.status_code"] == 401
