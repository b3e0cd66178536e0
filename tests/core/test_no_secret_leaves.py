"""No credential leaves, wherever a request has it and an answer repeats it: on each SDK, plain and streamed."""

from __future__ import annotations

import json
from base64 import b64encode
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import anthropic
import openai
import pytest
from google import genai

from genspan import AnthropicInstrumentor, GeminiInstrumentor, OpenAIInstrumentor
from tests.support.canary import PROMPT, leaks
from tests.support.provider import Reply

SECRET = "mcp-9a8b7c6d+5e4f/3a2b"
USER, PASSWORD = "gateway-user-7", "pass-9f8e7d6c5b4a"
FIXED = frozenset(("type", "object", "role"))
"""Fields without which an SDK does not know what it has got."""

TOOL = {"id": "call", "type": "function", "function": {"name": "f", "arguments": "{}"}}
SAID = {"role": "assistant", "content": "t", "tool_calls": [{**TOOL, "index": 0}]}
CHAT = {
    "id": "c", "object": "chat.completion", "created": 1, "model": "m", "system_fingerprint": "fp", "service_tier": "x",
    "choices": [{"index": 0, "finish_reason": "s", "message": SAID}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}  # fmt: skip
CHUNK = {**CHAT, "object": "chat.completion.chunk", "choices": [{"index": 0, "finish_reason": "s", "delta": SAID}]}
RESPONSE = {
    "id": "r", "object": "response", "created_at": 1, "model": "m", "status": "completed", "service_tier": "x",
    "conversation": {"id": "v"}, "parallel_tool_calls": True, "tool_choice": "auto", "tools": [],
    "output": [
        {"type": "message", "role": "assistant", "id": "m", "content": [{"type": "output_text", "text": "t"}]},
        {"type": "function_call", "id": "f", "call_id": "c", "name": "n", "arguments": "{}"},
        {"type": "mcp_call", "id": "f", "name": "n", "arguments": "{}", "output": "o", "error": "e"},
        {"type": "something_new", "deep": [{"text": "t"}]},
    ],
    "usage": {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2},
}  # fmt: skip
MESSAGE = {
    "id": "m", "type": "message", "role": "assistant", "model": "m", "stop_reason": "s", "stop_sequence": None,
    "content": [
        {"type": "text", "text": "t"},
        {"type": "tool_use", "id": "t", "name": "n", "input": {"a": "b"}},
        {"type": "mcp_tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": "t"}]},
    ],
    "usage": {"input_tokens": 1, "output_tokens": 1, "service_tier": "x"},
}  # fmt: skip
PARTS = [{"text": "t"}, {"functionCall": {"name": "n", "args": {"a": "b"}}}, {"somethingNew": {"a": ["b"]}}]
CONTENT = {
    "responseId": "r", "modelVersion": "m", "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 1},
    "candidates": [{"finishReason": "s", "content": {"role": "model", "parts": PARTS}}],
}  # fmt: skip


def _events(api: str, answer: dict[str, Any]) -> list[dict[str, Any]]:
    """The events of a stream that has this answer."""
    if api == "responses":
        return [{"type": "response.completed", "sequence_number": 1, "response": answer}]
    if api != "messages":
        return [answer]
    blocks = [
        {"type": "content_block_start", "index": i, "content_block": block} for i, block in enumerate(answer["content"])
    ]
    begun = {"type": "message_start", "message": {**answer, "content": [], "stop_reason": None}}
    ended = {"type": "message_delta", "delta": {"stop_reason": answer["stop_reason"]}, "usage": {"output_tokens": 1}}
    return [begun, *blocks, ended, {"type": "message_stop"}]


def _frame(event: dict[str, Any]) -> bytes:
    name = f"event: {event['type']}\n" if "type" in event else ""
    return f"{name}data: {json.dumps(event)}\n\n".encode()


def _repeated(value: Any, text: str, name: str = "") -> Any:
    """An answer that repeats a text in everything that is one."""
    if isinstance(value, dict):
        return {key: _repeated(inner, text, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [_repeated(inner, text) for inner in value]
    if not isinstance(value, str) or name in FIXED:
        return value
    return json.dumps({"a": text}) if value == "{}" else f"{value} {text}"


def _ask(
    api: str, url: str, stream: bool, headers: Any = None, query: Any = None, body: Any = None, key: str = "unused"
):
    headers, query, body = headers or {}, query or {}, body or {}
    messages = [{"role": "user", "content": PROMPT}]
    if api == "generate_content":
        http: dict[str, Any] = {"base_url": url, "headers": headers, "extra_body": body}
        with genai.Client(api_key=key, http_options=http) as client:
            call = client.models.generate_content_stream if stream else client.models.generate_content
            found: Any = call(model="m", contents=PROMPT)
            return list(found) if stream else found
    common: dict[str, Any] = {"api_key": key, "max_retries": 0, "default_headers": headers, "default_query": query}
    with (anthropic.Anthropic if api == "messages" else openai.OpenAI)(
        base_url=url if api == "messages" else f"{url}/v1", **common
    ) as client:
        if api == "messages":
            found = client.messages.create(model="m", max_tokens=9, messages=messages, stream=stream, extra_body=body)
        elif api == "responses":
            found = client.responses.create(model="m", input=PROMPT, stream=stream, extra_body=body)
        else:
            found = client.chat.completions.create(model="m", messages=messages, stream=stream, extra_body=body)
        return list(found) if stream else found


APIS = {
    "chat": (OpenAIInstrumentor, CHAT),
    "responses": (OpenAIInstrumentor, RESPONSE),
    "messages": (AnthropicInstrumentor, MESSAGE),
    "generate_content": (GeminiInstrumentor, CONTENT),
}
MCP = {"type": "mcp", "server_label": "x", "name": "x"}
SENT: dict[str, dict[str, Any]] = {
    "key": {"key": SECRET},
    "header": {"headers": {"X-My-Token": SECRET}},
    "cookie": {"headers": {"Cookie": f"theme=dark; session={SECRET}"}},
    "basic": {"headers": {"Proxy-Authorization": "Basic " + b64encode(f"{USER}:{SECRET}".encode()).decode()}},
    "query": {"query": {"access_token": SECRET}},
    "authorization in the body": {"body": {"tools": [{**MCP, "authorization": SECRET}]}},
    "authorization token in the body": {"body": {"mcp_servers": [{**MCP, "authorization_token": SECRET}]}},
    "headers in the body": {"body": {"tools": [{**MCP, "headers": {"Authorization": f"Bearer {SECRET}"}}]}},
    "headers nested in the body": {"body": {"a": {"tools": [{"b": {"headers": {"X-Api-Key": SECRET}}}]}}},
    "query of a URL in the body": {
        "body": {"tools": [{**MCP, "server_url": f"https://m.example/?token={quote(SECRET, '')}"}]}
    },
    "user of a URL in the body": {
        "body": {"tools": [{**MCP, "server_url": f"https://u:{quote(SECRET, '')}@m.example"}]}
    },
}


@pytest.fixture
def instrumentor(api):
    return APIS[api][0]()


def _stated() -> str:
    """The secret, as a provider may write it."""
    return f"{SECRET} {quote(SECRET, '')} {quote(SECRET)} {json.dumps(SECRET)} Bearer {SECRET}"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("capture", ["NO_CONTENT", "SPAN_AND_EVENT"])
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("sent", SENT)
@pytest.mark.parametrize("api", APIS)
def test_repeated_in_an_answer(provider, install, api, sent, stream, capture):
    if (api, sent) == ("generate_content", "query"):
        pytest.skip("the SDK has no option for it")
    telemetry = install(CAPTURE=capture, GENSPAN_DIALECTS="genai,mlflow")
    answer = _repeated(APIS[api][1], _stated())
    if stream:
        answer = _repeated(CHUNK, _stated()) if api == "chat" else answer
        provider.script(Reply(frames=[_frame(one) for one in _events(api, answer)]))
    else:
        provider.script(Reply(body=answer))
    with suppress(Exception):  # an SDK may mind a name that is none
        _ask(api, provider.url, stream, **SENT[sent])
    assert len(telemetry.leaves) == 1
    assert leaks(telemetry, (SECRET, quote(SECRET, ""), quote(SECRET))) == []
    assert (b"[redacted]" in telemetry.exported()) is True
    assert leaks(telemetry, (PROMPT,)) == ([PROMPT] if capture != "NO_CONTENT" else [])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("capture", ["NO_CONTENT", "SPAN_AND_EVENT"])
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("sent", SENT)
@pytest.mark.parametrize("api", APIS)
def test_repeated_in_an_error(provider, install, api, sent, stream, capture):
    if (api, sent) == ("generate_content", "query"):
        pytest.skip("the SDK has no option for it")
    telemetry = install(CAPTURE=capture, GENSPAN_DIALECTS="genai,mlflow")
    gemini = api == "generate_content"
    code = 400 if gemini else _stated()
    error = {"type": _stated(), "code": code, "message": f"refused {_stated()}", "status": _stated()}
    body = {"error": error} if gemini else {"type": "error", "error": error}
    provider.script(Reply(frames=[_frame(body)]) if stream else Reply(status=400, body=body))
    with pytest.raises(Exception, match=r"refused|mcp-"):
        _ask(api, provider.url, stream, **SENT[sent])
    (span,) = telemetry.leaves
    assert span.attributes["error.type"]
    assert leaks(telemetry, (SECRET, quote(SECRET, ""), quote(SECRET))) == []
    if capture != "NO_CONTENT":
        assert "[redacted]" in span.status.description
        assert "[redacted]" in span.events[0].attributes["exception.message"]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("api", "path", "kind"), [("chat", "/v1", openai.OpenAI), ("messages", "", anthropic.Anthropic)]
)
def test_a_model_of_that_name(provider, install, api, path, kind):
    """Neither in the span's name nor in metrics."""
    telemetry = install(CAPTURE="NO_CONTENT")
    headers = {"X-My-Token": SECRET}
    with kind(api_key="x", base_url=provider.url + path, max_retries=0, default_headers=headers) as client:
        messages = [{"role": "user", "content": PROMPT}]
        create = client.messages.create if api == "messages" else client.chat.completions.create
        with suppress(Exception):
            create(model=f"deployment-{SECRET}", max_tokens=9, messages=messages)
    (span,) = telemetry.leaves
    assert span.name == "chat deployment-[redacted]"
    assert span.attributes["gen_ai.request.model"] == "deployment-[redacted]"
    assert leaks(telemetry, (SECRET,)) == []


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("key", ["ollama", "lm-studio", "banana", "hunter2"])
@pytest.mark.parametrize("api", APIS)
def test_words_stay_where_a_key_is_one(provider, install, api, key):
    telemetry = install(CAPTURE="SPAN_ONLY", GENSPAN_DIALECTS="genai,mlflow")
    provider.script(Reply(body=_repeated(APIS[api][1], f"To install {key}, run its installer.")))
    headers = {"Helicone-Property-Author": "installer", "Idempotency-Key": "install"}
    _ask(api, provider.url, False, headers=headers, key=key)
    (span,) = telemetry.leaves
    for name in ("gen_ai.output.messages", "mlflow.spanOutputs"):
        assert f"To install {key}, run its installer." in span.attributes[name]
    assert b"[redacted]" not in telemetry.exported()
