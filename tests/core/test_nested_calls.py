"""Model calls that a program makes inside another call: in hooks, transports and authentication of its HTTP client.

Each is a call of its own, a child of the one around it, which stays what it is. Other requests there are no part of it.
"""

from __future__ import annotations

import asyncio
import inspect
from typing import Any, NamedTuple

import anthropic
import openai
import pytest
from google import genai
from google.genai import _api_client
from opentelemetry.instrumentation.utils import suppress_instrumentation

import genspan
from tests.support.endings import drive
from tests.support.stainless_surfaces import maybe
from tests.support.telemetry import Telemetry

INNER = {"gemini": "gemini-2.5-flash", "openai": "gpt-4.1-mini", "anthropic": "claude-haiku-4-5"}
OUTER = {"gemini": "gemini-2.5-pro", "openai": "gpt-4.1", "anthropic": "claude-sonnet-4-5"}


class Http(NamedTuple):
    """An HTTP client library, as an SDK uses it."""

    library: Any
    is_async: bool

    def client(self, **options: Any) -> Any:
        return (self.library.AsyncClient if self.is_async else self.library.Client)(**options)

    @property
    def transport(self) -> Any:
        return self.library.AsyncHTTPTransport if self.is_async else self.library.HTTPTransport


def library_of(sdk: str) -> Any:
    if sdk == "gemini":
        return getattr(_api_client, "httpx", None) or _api_client.httpx2
    kind: Any = openai.DefaultHttpxClient if sdk == "openai" else anthropic.DefaultHttpxClient
    (name,) = {base.__module__.partition(".")[0] for base in kind.__mro__ if base.__module__.startswith("httpx")}
    return __import__(name)


def make(sdk: str, url: str, is_async: bool, http: Any = None) -> Any:
    if sdk == "gemini":
        options = {} if http is None else {"httpx_async_client" if is_async else "httpx_client": http}
        client = genai.Client(api_key="a-key-for-tests", http_options={"base_url": url, **options})
        return client.aio if is_async else client
    if sdk == "openai":
        kind: Any = openai.AsyncOpenAI if is_async else openai.OpenAI
        return kind(api_key="a-key-for-tests", base_url=f"{url}/v1", max_retries=0, http_client=http)
    kind = anthropic.AsyncAnthropic if is_async else anthropic.Anthropic
    return kind(api_key="a-key-for-tests", base_url=url, max_retries=0, http_client=http)


async def ask(sdk: str, client: Any, model: str, stream: bool = False) -> None:
    if sdk == "gemini":
        method = client.models.generate_content_stream if stream else client.models.generate_content
        result = await maybe(method(model=model, contents="hello"))
    else:
        messages = [{"role": "user", "content": "hello"}]
        if sdk == "openai":
            more = {"stream_options": {"include_usage": True}} if stream else {}
            result = client.chat.completions.create(model=model, messages=messages, stream=stream, **more)
        else:
            result = client.messages.create(model=model, max_tokens=9, messages=messages, stream=stream)
        result = await maybe(result)
    if stream and hasattr(result, "__anext__"):
        [chunk async for chunk in result]
    elif stream:
        list(result)


async def close(client: Any) -> None:
    """Or its connections end in whichever test runs when they are collected."""
    await maybe(client.aclose() if hasattr(client, "aclose") else client.close())


def in_request_hook(http: Http, act: Any) -> Any:
    if http.is_async:
        return http.client(event_hooks={"request": [lambda request: act()]})
    return http.client(event_hooks={"request": [lambda request: drive(act())]})


def in_response_hook(http: Http, act: Any) -> Any:
    if http.is_async:
        return http.client(event_hooks={"response": [lambda response: act()]})
    return http.client(event_hooks={"response": [lambda response: drive(act())]})


def in_transport(http: Http, act: Any) -> Any:
    class Transport(http.transport):
        def handle_request(self, request):
            drive(act())
            return super().handle_request(request)

        async def handle_async_request(self, request):
            await act()
            return await super().handle_async_request(request)

    return http.client(transport=Transport())


def in_authentication(http: Http, act: Any) -> Any:
    class Auth(http.library.Auth):
        def sync_auth_flow(self, request):
            drive(act())
            yield request

        async def async_auth_flow(self, request):
            await act()
            yield request

    return http.client(auth=Auth())


PLACES = (in_request_hook, in_response_hook, in_transport, in_authentication)
SDKS = ("gemini", "openai", "anthropic")


@pytest.fixture
def telemetry():
    telemetry = Telemetry()
    genspan.instrument(**telemetry.providers)
    yield telemetry
    genspan.uninstrument()


def run(place: Any, sdk: str, url: str, is_async: bool, act: Any, stream: bool = False) -> None:
    async def main() -> None:
        http = place(Http(library_of(sdk), is_async), act)
        await ask(sdk, make(sdk, url, is_async, http), OUTER[sdk], stream)
        await maybe(http.aclose() if is_async else http.close())

    asyncio.run(main()) if is_async else drive(main())


def by_model(telemetry: Telemetry) -> dict[str, Any]:
    assert telemetry.unbalanced() == {}
    return {span.attributes["gen_ai.request.model"]: span for span in telemetry.spans}


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("sdk", SDKS)
def test_a_model_call_inside_another_is_its_child(telemetry, provider, sdk, place, stream, is_async):
    inner = SDKS[(SDKS.index(sdk) + (1 if stream else 0)) % 3]  # the same SDK, and another one

    async def act() -> None:
        client = make(inner, provider.url, is_async)
        await ask(inner, client, INNER[inner])
        await close(client)

    run(place, sdk, provider.url, is_async, act, stream)
    spans = by_model(telemetry)
    assert len(telemetry.spans) == len(provider.ledger) == 2
    assert spans[INNER[inner]].parent.span_id == spans[OUTER[sdk]].context.span_id
    assert spans[OUTER[sdk]].parent is None
    assert all(span.attributes["gen_ai.usage.output_tokens"] > 0 for span in telemetry.spans)
    assert telemetry.usage() == telemetry.measured()
    assert not any("error.type" in span.attributes for span in telemetry.spans)
    assert not any("genspan.response.partial" in span.attributes for span in telemetry.spans)


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("suppressed", [False, True], ids=["no-model-call", "suppressed"])
@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("sdk", SDKS)
def test_other_requests_inside_a_call_are_no_part_of_it(telemetry, provider, sdk, is_async, suppressed):
    async def act() -> None:
        client = make(sdk, provider.url, is_async)
        if suppressed:
            with suppress_instrumentation():
                await ask(sdk, client, INNER[sdk])
        else:
            listing = client.models.list()
            await maybe(listing if inspect.isawaitable(listing) else None)
        await close(client)

    run(in_request_hook, sdk, provider.url, is_async, act)
    (span,) = telemetry.spans
    billed = provider.ledger.billed[-1].bill
    assert span.attributes["gen_ai.request.model"] == OUTER[sdk]
    assert "http.request.resend_count" not in span.attributes
    assert span.attributes["gen_ai.usage.input_tokens"] == billed.input
