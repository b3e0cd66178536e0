"""What must not happen to the user's program, and what must not leave it."""

from __future__ import annotations

import asyncio
import json
import logging

import httpx
import openai
import pytest

from tests.openai.conftest import catch_up
from tests.support import stainless_program, verdict
from tests.support.endings import exhausted
from tests.support.openai_surfaces import API_KEY, SURFACES, arguments, make_client, program, run
from tests.support.provider import Reply
from tests.support.stainless_program import *  # noqa: F403
from tests.support.telemetry import Counts

MODEL = "gpt-4.1-mini"
SECRET_PROMPT = "the-prompt-that-nobody-may-see"
CHAT = {"model": MODEL, "messages": [{"role": "user", "content": "Hello there"}]}
SUBJECT = stainless_program.Subject(
    make_client,
    lambda client: client.chat.completions,
    CHAT,
    {"stream": True, "stream_options": {"include_usage": True}},
    API_KEY,
    openai.APIStatusError,
    {"GENSPAN_OPENAI_STREAM_USAGE": "true"},
)


@pytest.fixture
def subject():
    return SUBJECT


def test_what_is_not_given_is_not_there(install, client):
    telemetry = install(CAPTURE="true", GENSPAN_DIALECTS="genai,mlflow")
    client.chat.completions.create(**CHAT, temperature=openai.NOT_GIVEN, stop=openai.omit, user=openai.NOT_GIVEN)
    (span,) = telemetry.spans
    assert not [value for value in span.attributes.values() if "openai." in str(value) or "NOT_GIVEN" in str(value)]
    verdict.sound(telemetry)


# Secrets and content


@pytest.mark.parametrize("surface", SURFACES, ids=str)
@pytest.mark.parametrize(
    "reply", [Reply(), Reply(status=400, echo="prompt"), Reply(text="{")], ids=["ok", "400", "no text"]
)
def test_no_content_leaves_where_it_is_off(install, provider, client, surface, reply):
    telemetry = install()
    passed = arguments(surface, SECRET_PROMPT)
    if surface.api == "chat":
        passed["tools"] = [
            {
                "type": "function",
                "function": {"name": "f", "description": SECRET_PROMPT, "strict": True, "parameters": {}},
            }
        ]
    work = program(surface, False, exhausted, **passed)
    run(provider, (reply,), False, work, client)
    catch_up()
    assert len(telemetry.spans) == 1
    assert SECRET_PROMPT.encode() not in telemetry.exported()
    assert API_KEY.encode() not in telemetry.exported()


# Answers that no provider should send

GOOD = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": MODEL}
_MESSAGE = {"role": "assistant", "content": "Hello"}


def _choice(**fields):
    return {**GOOD, "choices": [{"index": 0, "message": _MESSAGE, "finish_reason": "stop", **fields}]}


ODD = {
    "null": None,
    "list": [],
    "text": "text",
    "number": 7,
    "empty": {},
    "choices null": {**GOOD, "choices": None},
    "choices text": {**GOOD, "choices": "x"},
    "choice null": {**GOOD, "choices": [None]},
    "message null": _choice(message=None),
    "message text": _choice(message="x"),
    "content null": _choice(message={"role": "assistant", "content": None}),
    "content list": _choice(message={"role": "assistant", "content": [{"type": "text", "text": "x"}, 3, None]}),
    "content object": _choice(message={"role": "assistant", "content": {"a": 1}}),
    "role number": _choice(message={"role": 5, "content": "x"}),
    "calls null": _choice(message={**_MESSAGE, "tool_calls": None}),
    "malformed calls": _choice(message={**_MESSAGE, "tool_calls": [None, 1, {}, {"function": None}, {"id": 3}]}),
    "malformed arguments": _choice(
        message={**_MESSAGE, "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": {"a": 1}}}]}
    ),
    "arguments deep": _choice(
        message={**_MESSAGE, "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": "[" * 100_000}}]}
    ),
    "empty function": _choice(message={**_MESSAGE, "function_call": {"name": ""}}),
    "reason number": _choice(finish_reason=3),
    "reason new": _choice(finish_reason="brand_new"),
    "index text": _choice(index="zero"),
    "usage null": {**_choice(), "usage": None},
    "usage text": {**_choice(), "usage": "many"},
    "malformed usage": {**_choice(), "usage": {"prompt_tokens": "1", "completion_tokens": None, "total_tokens": []}},
    "usage negative": {**_choice(), "usage": {"prompt_tokens": -5, "completion_tokens": 2**80}},
    "usage details": {**_choice(), "usage": {"prompt_tokens": 5, "prompt_tokens_details": [], "completion_tokens": 1}},
    "model number": {**_choice(), "model": 5},
    "id object": {**_choice(), "id": {"a": 1}},
    "error beside": {"error": {"message": "x", "code": 429}},
    "error text": {"error": "no"},
    "surrogates": _choice(message={"role": "assistant", "content": "\ud800"}),
}


@pytest.mark.parametrize("content", ["true", "false"])
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("name", ODD)
def test_odd_answers(install, provider, client, name, stream, content):
    def notice():
        provider.reset()
        value = ODD[name]
        if stream and isinstance(value, dict) and isinstance(value.get("choices"), list):
            choices = [
                {**one, "delta": one.get("message")} if isinstance(one, dict) else one for one in value["choices"]
            ]
            value = {**value, "choices": choices}
        body = json.dumps(value).encode()
        provider.script({"frames": [b"data: " + body + b"\n\n"]} if stream else {"body": body})
        try:
            answer = client.chat.completions.create(**CHAT, stream=stream)
            return [repr(one) for one in answer] if stream else repr(answer)
        except Exception as error:
            return type(error), str(error)

    bare = notice()
    telemetry = install(CAPTURE=content, GENSPAN_DIALECTS="genai,mlflow")
    assert notice() == bare
    catch_up()
    (span,) = telemetry.spans
    assert telemetry.unbalanced() == {}
    assert verdict.violations(span) == []


# Settings


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize(
    "surface", [one for one in SURFACES if one.stream and one.api in ("chat", "completions")], ids=str
)
def test_stream_usage_is_asked_for_and_hidden(install, provider, surface, mode):
    is_async = mode == "async"
    work = program(surface, is_async, exhausted, stream_options=openai.omit)
    bare = run(provider, (), is_async, work, make_client(provider.url, is_async))
    telemetry = install(GENSPAN_OPENAI_STREAM_USAGE="true")
    traced = run(provider, (), is_async, work, make_client(provider.url, is_async))
    assert traced.notes == bare.notes
    total = provider.ledger.total()
    assert (total == type(total)()) is (surface.way == "streaming")  # who reads bytes would see what we asked for
    assert telemetry.usage() == Counts(total.input, total.output)


def test_a_program_that_asks_for_usage_sees_it(install, provider, client):
    install(GENSPAN_OPENAI_STREAM_USAGE="true")
    asked = list(client.chat.completions.create(**CHAT, stream=True, stream_options={"include_usage": True}))
    assert asked[-1].usage is not None
    refused = list(client.chat.completions.create(**CHAT, stream=True, stream_options={"include_usage": False}))
    assert not [chunk for chunk in refused if chunk.usage]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://api.openai.com/v1", "openai"),
        ("https://eu.api.openai.com/v1", "openai"),
        ("https://one.openai.azure.com/openai/v1", "azure.ai.openai"),
        ("https://api.groq.com/openai/v1", "groq"),
        ("https://api.deepseek.com", "deepseek"),
        ("https://api.mistral.ai/v1", "mistral_ai"),
        ("https://api.x.ai/v1", "x_ai"),
        ("https://openrouter.ai/api/v1", "openrouter"),
        ("https://generativelanguage.googleapis.com/v1beta/openai/", "gcp.gemini"),
        ("https://europe-west1-aiplatform.googleapis.com/v1", "gcp.vertex_ai"),
        ("https://bedrock-runtime.us-east-1.amazonaws.com/openai/v1", "aws.bedrock"),
        ("https://models.company.example/v1", "company"),
        ("https://company.example/v1", "openai"),
    ],
)
def test_the_provider_is_named_by_the_host(install, url, expected):
    telemetry = install(GENSPAN_OPENAI_PROVIDERS="models.company.example=company")
    answer = httpx.MockTransport(lambda request: httpx.Response(200, json=_choice()))
    client = openai.OpenAI(api_key="k", base_url=url, http_client=_mocked(answer))
    client.chat.completions.create(**CHAT)
    assert telemetry.spans[0].attributes["gen_ai.provider.name"] == expected


def _mocked(transport):
    return httpx.Client(transport=transport)


def test_azure_is_azure_behind_a_gateway(install, provider):
    telemetry = install()
    client = openai.AzureOpenAI(api_key="azure-key", api_version="2025-01-01", azure_endpoint=provider.url)
    client.chat.completions.create(**CHAT)
    client.close()
    (span,) = telemetry.spans
    assert span.attributes["gen_ai.provider.name"] == "azure.ai.openai"
    assert provider.ledger[0].path.endswith("/deployments/gpt-4.1-mini/chat/completions")


def test_thoughts_of_gemini_are_in_the_total_alone(install):
    telemetry = install()
    usage = {"prompt_tokens": 35, "completion_tokens": 12, "total_tokens": 109}
    answer = httpx.MockTransport(lambda request: httpx.Response(200, json={**_choice(), "usage": usage}))
    for host in ("generativelanguage.googleapis.com/v1beta/openai", "company.example/v1"):
        client = openai.OpenAI(api_key="k", base_url=f"https://{host}", http_client=_mocked(answer))
        client.chat.completions.create(**CHAT)
    gemini, other = (dict(span.attributes) for span in telemetry.spans)
    assert (gemini["gen_ai.usage.output_tokens"], gemini["gen_ai.usage.reasoning.output_tokens"]) == (74, 62)
    assert "genspan.usage.total_tokens" not in gemini
    assert (other["gen_ai.usage.output_tokens"], other["genspan.usage.total_tokens"]) == (12, 109)


def test_an_unknown_setting_warns(install, caplog):
    with caplog.at_level(logging.WARNING, "genspan"):
        install(GENSPAN_OPENAI_STREAM_USAGE="perhaps", GENSPAN_OPENAI_PROVIDERS="nonsense")
    assert "GENSPAN_OPENAI_STREAM_USAGE" in caplog.text
    assert "GENSPAN_OPENAI_PROVIDERS" in caplog.text


# Life of the instrumentation


def test_a_coroutine_that_nobody_awaits_makes_no_span(install, provider):
    telemetry = install()
    client = make_client(provider.url, True)
    client.chat.completions.create(**CHAT).close()
    manager = client.chat.completions.stream(**CHAT)
    assert telemetry.started == 0
    manager._AsyncChatCompletionStreamManager__api_request.close()
    asyncio.run(client.close())


def test_the_module_level_client(install, provider, monkeypatch):
    telemetry = install()
    monkeypatch.setattr(openai, "api_key", API_KEY)
    monkeypatch.setattr(openai, "base_url", f"{provider.url}/v1/")
    openai.chat.completions.create(**CHAT)
    assert len(telemetry.spans) == 1
    openai._load_client().close()


def test_a_client_of_the_other_httpx(install, provider):
    telemetry = install()
    with openai.OpenAI(api_key=API_KEY, base_url=f"{provider.url}/v1", http_client=httpx.Client()) as client:
        client.chat.completions.create(**CHAT)
        list(client.chat.completions.create(**CHAT, stream=True, stream_options={"include_usage": True}))
        stream = client.chat.completions.create(**CHAT, stream=True)
        next(stream)
        stream.close()
    assert [verdict.ended(span) for span in telemetry.spans] == [None, None, "closed"]
    assert len([span for span in telemetry.spans if "gen_ai.usage.input_tokens" in span.attributes]) == 2
