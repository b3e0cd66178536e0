"""Trace context goes to the hosts that GENSPAN_PROPAGATE_HOSTS names, by every SDK and transport, and to no other."""

from __future__ import annotations

import asyncio

import anthropic
import groq
import openai
import pytest
from google import genai
from google.genai import _api_client
from mistralai.client import Mistral
from opentelemetry.baggage import set_baggage
from opentelemetry.context import attach, detach
from opentelemetry.sdk.trace import TracerProvider

import genspan
from genspan._core.emit.propagation import trace_headers
from tests.support.telemetry import Telemetry

KEY = "a-key-for-tests"
SAID = [{"role": "user", "content": "Hello?"}]
OWN = "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01"


def openai_sdk(url, headers):
    with openai.OpenAI(api_key=KEY, base_url=f"{url}/v1", default_headers=headers) as client:
        client.chat.completions.create(model="gpt-4.1-mini", messages=SAID)


def openai_stream(url, headers):
    with openai.OpenAI(api_key=KEY, base_url=f"{url}/v1", default_headers=headers) as client:
        list(client.responses.create(model="gpt-4.1-mini", input="Hello?", stream=True))


async def openai_async(url, headers):
    async with openai.AsyncOpenAI(api_key=KEY, base_url=f"{url}/v1", default_headers=headers) as client:
        await client.chat.completions.create(model="gpt-4.1-mini", messages=SAID)


def anthropic_sdk(url, headers):
    with anthropic.Anthropic(api_key=KEY, base_url=url, default_headers=headers) as client:
        client.messages.create(model="claude-haiku-4-5", max_tokens=50, messages=SAID)


def groq_sdk(url, headers):
    with groq.Groq(api_key=KEY, base_url=url, default_headers=headers) as client:
        client.chat.completions.create(model="llama-3.3-70b-versatile", messages=SAID)


def mistral_sdk(url, headers):
    with Mistral(api_key=KEY, server_url=url) as client:
        client.chat.complete(model="mistral-small-latest", messages=SAID, http_headers=headers)


def gemini_sdk(url, headers):
    with genai.Client(api_key=KEY, http_options={"base_url": url, "headers": headers}) as client:
        client.models.generate_content(model="gemini-2.5-flash", contents="Hello?")


def gemini_interaction(url, headers):
    with genai.Client(api_key=KEY, http_options={"base_url": url, "headers": headers}) as client:
        client.interactions.create(model="gemini-2.5-flash", input="Hello?")


async def gemini_aiohttp(url, headers, **options):
    client = genai.Client(api_key=KEY, http_options={"base_url": url, "headers": headers, **options}).aio
    await client.models.generate_content(model="gemini-2.5-flash", contents="Hello?")
    await client.aclose()


async def gemini_httpx(url, headers):
    library = getattr(_api_client, "httpx", None) or _api_client.httpx2
    async with library.AsyncClient() as http:
        await gemini_aiohttp(url, headers, httpx_async_client=http)


CALLS = [
    *(openai_sdk, openai_stream, openai_async, anthropic_sdk, groq_sdk, mistral_sdk),
    *(gemini_sdk, gemini_interaction, gemini_aiohttp, gemini_httpx),
]


def make(call, url, headers=None):
    done = call(url, {} if headers is None else headers)
    if asyncio.iscoroutine(done):
        asyncio.run(done)


@pytest.fixture
def traced(monkeypatch, provider):
    """Every SDK, with the fake provider's host named or not."""

    def begin(hosts):
        monkeypatch.setenv("GENSPAN_PROPAGATE_HOSTS", hosts)
        telemetry = Telemetry()
        genspan.instrument(tracer_provider=telemetry.tracer_provider)
        return telemetry

    yield begin
    genspan.uninstrument()


def sent(provider):
    (entry,) = provider.ledger
    return {name.lower(): value for name, value in entry.headers.items()}


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.__name__)
def test_a_named_host_is_sent_the_trace_context_of_the_call(traced, provider, call):
    telemetry, headers = traced("127.0.0.1"), {"x-team": "blue"}
    token = attach(set_baggage("user.email", "someone@example.com"))
    make(call, provider.url, headers)
    detach(token)
    context = telemetry.spans[0].context
    assert (
        sent(provider)["traceparent"] == f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"
    )
    assert sent(provider)["tracestate"] == "genspan=counted"
    assert "baggage" not in sent(provider)
    assert headers == {"x-team": "blue"}


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.__name__)
def test_no_other_host_is(traced, provider, call):
    telemetry = traced("gateway.internal, *.0.0.2")
    make(call, provider.url)
    assert not {"traceparent", "tracestate"} & set(sent(provider))
    assert len(telemetry.spans) == 1


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.__name__)
def test_what_the_program_sends_itself_stays(traced, provider, call):
    traced("127.0.0.1")
    make(call, provider.url, {"Traceparent": OWN})
    assert sent(provider)["traceparent"] == OWN
    assert "tracestate" not in sent(provider)


def test_each_call_of_a_client_has_its_own(traced, provider):
    telemetry = traced("127.0.0.1")
    with genai.Client(api_key=KEY, http_options={"base_url": provider.url}) as client:
        for _ in range(2):
            client.models.generate_content(model="gemini-2.5-flash", contents="Hello?")
    spans = [f"{span.context.span_id:016x}" for span in telemetry.spans]
    assert [entry.headers["traceparent"].split("-")[2] for entry in provider.ledger] == spans


@pytest.mark.parametrize(
    ("host", "port", "hosts", "allowed"),
    [
        ("gateway.internal", 5000, ("gateway.internal",), True),
        ("GATEWAY.internal", 5000, ("gateway.internal",), True),
        ("gateway.internal", 5000, ("other", "gateway.internal:5000"), True),
        ("gateway.internal", 5001, ("gateway.internal:5000",), False),
        ("ai.gateway.internal", None, ("*.internal",), True),
        ("ai.gateway.internal", None, ("gateway.internal",), False),
        ("internal", None, ("*.internal",), False),
        ("evilinternal", None, ("*.internal",), False),
        ("gateway.internal", None, (), False),
        ("lb-1.eu-west-1.elb.amazonaws.com", 80, ("*.amazonaws.com",), True),
        # Public providers, however they are named.
        ("api.openai.com", 443, ("api.openai.com",), False),
        ("api.anthropic.com", 443, ("*.anthropic.com",), False),
        ("generativelanguage.googleapis.com", 443, ("*.com",), False),
        ("europe-west1-aiplatform.googleapis.com", 443, ("*.googleapis.com",), False),
        ("bedrock-runtime.eu-west-1.amazonaws.com", 443, ("*.amazonaws.com",), False),
        ("mine.openai.azure.com", 443, ("mine.openai.azure.com",), False),
    ],
)
def test_which_hosts_are_named(host, port, hosts, allowed):
    with TracerProvider().get_tracer("test").start_as_current_span("call") as span:
        assert bool(trace_headers(span, host, port, hosts)) is allowed


@pytest.mark.parametrize("value", ["*", "http://gateway.internal", "gate*way"])
def test_what_is_no_host_is_said(monkeypatch, caplog, value):
    from genspan._core import config

    monkeypatch.setattr(config, "_refused", set())
    found = config.read_settings({"GENSPAN_PROPAGATE_HOSTS": f"gateway.internal, {value}"}).propagate_hosts
    assert found == ("gateway.internal",)
    assert "GENSPAN_PROPAGATE_HOSTS" in caplog.text
