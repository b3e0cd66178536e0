"""No secret leaves in any signal, and with capture off no content does, also where the provider echoes them."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from google import genai
from google.genai import types
from google.oauth2.credentials import Credentials
from opentelemetry import baggage
from opentelemetry import context as otel

from tests.support import surfaces
from tests.support.canary import ANSWER, ARGUMENT, CONTENT, PROMPT, RESULT, SYSTEM, leaks
from tests.support.provider import Reply

KEY = "AIzaSyD-secret-key-0123456789"
TOKEN = "ya29.secret-token-0123456789"
MINE = "my-own-header-secret-42"
USER, PASSWORD = "gateway-user-secret", "gateway/pass word-secret"
SECRETS = (KEY, TOKEN, MINE, USER, PASSWORD)

FULL = {"CAPTURE": "SPAN_AND_EVENT", "GENSPAN_DIALECTS": "genai,mlflow"}


def _get_weather(city: str) -> str:
    """Get the weather of a city."""
    return f"{RESULT} {city}"


def _broken(city: str) -> str:
    """Get the weather of a city."""
    raise ValueError(f"{RESULT} {PROMPT} {KEY}")


def _client(url, kind, **options):
    headers = {"x-my-token": MINE, "Cookie": f"session={MINE}"}
    http = {"base_url": url, "headers": headers, **options}
    if kind == "vertex":
        credentials = Credentials(token=TOKEN)
        return genai.Client(vertexai=True, project="p", location="l", credentials=credentials, http_options=http)
    if kind == "bearer":
        http["headers"] = {"Authorization": f"Bearer {TOKEN}", **headers}
    if kind == "url":
        http["base_url"] = url.replace("://", f"://{USER}:{PASSWORD.replace('/', '%2F').replace(' ', '%20')}@")
    return genai.Client(api_key=KEY, http_options=http)


def _everywhere(text):
    """Replies that repeat a text wherever a provider can put one."""
    part = {"text": text}
    call = {"functionCall": {"name": "_get_weather", "args": {"city": text}}}
    good = {"candidates": [{"content": {"parts": [part], "role": "model"}, "finishReason": "STOP"}]}
    return {
        "error": Reply(status=400, message=text),
        "unauthorised": Reply(status=401, echo="key", message=text),
        "answer": Reply(body={**good, "modelVersion": "m", "responseId": "r"}),
        "tool-call": Reply(body={"candidates": [{"content": {"parts": [call], "role": "model"}}]}),
        "feedback": Reply(body={"promptFeedback": {"blockReason": "SAFETY", "blockReasonMessage": text}}),
        "html": Reply(body=f"<html>{text}</html>".encode()),
        "error-object": Reply(body={"error": {"code": 7, "message": text, "status": "NO"}}),
    }


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("dialects", ["genai", "mlflow"])
@pytest.mark.parametrize("kind", ["key", "bearer", "vertex", "url"])
@pytest.mark.parametrize("where", _everywhere(""))
def test_secrets_are_scrubbed_where_content_is_kept(provider, install, where, kind, dialects):
    telemetry = install(**{**FULL, "GENSPAN_DIALECTS": dialects})
    text = " ".join(SECRETS)
    provider.script(_everywhere(text)[where])
    client = _client(provider.url, kind)
    config = types.GenerateContentConfig(tools=[_get_weather, _broken])
    with contextlib.suppress(Exception):  # some of these answers the SDK refuses
        client.models.generate_content(model="gemini-2.5-flash", contents=f"{PROMPT} {text}", config=config)
    sent = {
        "key": (KEY, MINE),
        "bearer": (KEY, TOKEN, MINE),
        "vertex": (TOKEN, MINE),
        "url": (KEY, MINE, USER, PASSWORD),
    }
    assert telemetry.spans
    assert leaks(telemetry, sent[kind]) == []
    client.close()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("is_async", [False, True])
def test_secrets_of_per_call_options(provider, install, stream, is_async):
    """A header of one call's own config, repeated by the provider in an error and in a chunk."""
    telemetry = install(**FULL)
    provider.script(Reply(status=403, message=f"no {MINE} {KEY}"))
    client = genai.Client(api_key=KEY, http_options={"base_url": provider.url})
    config = types.GenerateContentConfig(http_options=types.HttpOptions(headers={"Authorization": f"Bearer {MINE}"}))
    arguments = {"model": "gemini-2.5-flash", "contents": f"{PROMPT} {MINE}", "config": config}

    async def call():
        if stream:
            return [one async for one in await client.aio.models.generate_content_stream(**arguments)]
        return await client.aio.models.generate_content(**arguments)

    with pytest.raises(genai.errors.ClientError, match=MINE):
        if is_async:
            asyncio.run(call())
        elif stream:
            list(client.models.generate_content_stream(**arguments))
        else:
            client.models.generate_content(**arguments)
    assert leaks(telemetry, (MINE, KEY)) == []
    assert leaks(telemetry, (PROMPT,)) == [PROMPT], "content is kept, or this test shows nothing"
    client.close()


def _program(provider, tools, status=200, **reply):
    """Chat, stream, tools, embeddings, token count: every place where content passes."""
    client = _client(provider.url, "key")
    config = types.GenerateContentConfig(system_instruction=SYSTEM, tools=tools)

    def attempt(call):
        with contextlib.suppress(Exception):  # errors of the provider, and a configuration that the SDK refuses
            call()
        provider._script.clear()

    def script(first=None):
        call = {"functionCall": {"name": tools[0].__name__, "args": {"city": ARGUMENT}}}
        body = {"candidates": [{"content": {"parts": [call], "role": "model"}, "finishReason": "STOP"}]}
        last = Reply(status=status, message=f"{PROMPT} {SYSTEM} {KEY}", text=ANSWER, **reply)
        provider.script(*([Reply(body=body)] if first == "plain" else [Reply(chunks=[body])] if first else []), last)

    model = "gemini-2.5-flash"
    for first in (None, "plain"):
        script(first)
        attempt(lambda: client.models.generate_content(model=model, contents=PROMPT, config=config))
        script(first)
        attempt(lambda: client.chats.create(model=model, config=config).send_message(PROMPT))
    for first in (None, "stream"):
        script(first)
        attempt(lambda: list(client.models.generate_content_stream(model=model, contents=PROMPT, config=config)))
    script()
    attempt(lambda: client.models.embed_content(model="gemini-embedding-001", contents=PROMPT))
    script()
    attempt(lambda: client.models.count_tokens(model=model, contents=PROMPT))
    attempt(lambda: client.models.generate_content(model=model, contents=PROMPT, config={PROMPT: SYSTEM}))
    attempt(lambda: client.models.generate_content(model=model, contents={PROMPT: ANSWER}))
    client.close()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("status", [200, 400, 500])
@pytest.mark.parametrize("tool", [_get_weather, _broken])
@pytest.mark.parametrize("dialects", ["genai", "mlflow", "genai,mlflow"])
def test_with_capture_off_no_content_leaves(provider, install, status, tool, dialects):
    telemetry = install(CAPTURE="NO_CONTENT", GENSPAN_DIALECTS=dialects)
    _program(provider, [tool], status)
    assert len(telemetry.leaves) >= 10
    assert leaks(telemetry, (*CONTENT, *SECRETS)) == []


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("faults", [{"cut": 1}, {"cut_mid": 1}, {"error_in_stream": 1}])
def test_with_capture_off_no_content_leaves_of_broken_answers(provider, install, faults):
    telemetry = install(CAPTURE="NO_CONTENT", GENSPAN_DIALECTS="genai,mlflow")
    _program(provider, [_get_weather], **faults)
    assert leaks(telemetry, (*CONTENT, *SECRETS)) == []


@pytest.mark.filterwarnings("ignore")
def test_with_capture_on_content_is_there(provider, install):
    """Or the tests above show nothing."""
    telemetry = install(**FULL)
    _program(provider, [_get_weather])
    assert leaks(telemetry, CONTENT) == list(CONTENT)
    assert leaks(telemetry, (KEY, MINE)) == []


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("content", ["SPAN_ONLY", "EVENT_ONLY"])
def test_content_goes_where_it_was_asked_for(provider, install, content):
    telemetry = install(CAPTURE=content, GENSPAN_DIALECTS="genai,mlflow")
    _program(provider, [_get_weather])
    shown = [span for span in telemetry.spans if any(PROMPT in str(value) for value in span.attributes.values())]
    events = [one for one in telemetry.logs if PROMPT in str(dict(one.attributes))]
    assert bool(shown) == (content == "SPAN_ONLY")
    assert bool(events) == (content == "EVENT_ONLY")


def test_baggage_stays_here(provider, install):
    """Nothing is sent to the provider that was not sent without tracing, and no baggage is exported."""
    client = surfaces.make_client(provider.url)
    call = {"model": "gemini-2.5-flash", "contents": "hi"}
    client.models.generate_content(**call)
    telemetry = install(**FULL)
    token = otel.attach(baggage.set_baggage("customer", MINE))
    try:
        client.models.generate_content(**call)
    finally:
        otel.detach(token)
    bare, traced = provider.ledger
    assert traced.headers == bare.headers
    assert traced.raw == bare.raw
    assert leaks(telemetry, (MINE, "customer")) == []
    client.close()
