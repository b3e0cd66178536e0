"""Every client of the SDK: whose model answers, where, and at which price, is on the span as for Anthropic itself."""

from __future__ import annotations

import asyncio
import json

import anthropic
import pytest

from tests.anthropic.calls import ASKED, telemetry
from tests.support import verdict
from tests.support.anthropic_surfaces import API_KEY, MODEL
from tests.support.provider import Reply
from tests.support.registry import violations
from tests.support.stainless_surfaces import maybe

__all__ = ["telemetry"]

CACHED = {"system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral", "ttl": "1h"}}]}
AWS = {"aws_access_key": "AKIA1234567890", "aws_secret_key": "secret-of-aws-0123456789", "aws_region": "us-east-1"}
WORKSPACE = {"workspace_id": "wrkspc_1"}

# How the client is made, the provider's name, what of a path precedes the route's.
CLIENTS = {
    "Anthropic": ({"api_key": API_KEY}, "anthropic", ""),
    "Anthropic-token": ({"auth_token": "token-of-the-test-0123"}, "anthropic", ""),
    "AnthropicFoundry": ({"api_key": API_KEY}, "anthropic", "/anthropic"),
    "AnthropicAWS": ({**AWS, **WORKSPACE}, "anthropic", ""),
    "AnthropicAWS-key": ({"api_key": API_KEY, "aws_region": "us-east-1", **WORKSPACE}, "anthropic", ""),
    "AnthropicGoogleCloud": ({"token_provider": lambda: "ya29.token-0123456789", **WORKSPACE}, "anthropic", ""),
    "AnthropicBedrock": (AWS, "aws.bedrock", ""),
    "AnthropicBedrock-key": ({"aws_region": "us-east-1", "api_key": API_KEY}, "aws.bedrock", ""),
    "AnthropicBedrockMantle": (AWS, "aws.bedrock", "/anthropic"),
    "AnthropicBedrockMantle-key": ({"api_key": API_KEY, "aws_region": "us-east-1"}, "aws.bedrock", "/anthropic"),
    "AnthropicVertex": (
        {"region": "us-east1", "project_id": "p", "access_token": "ya29.token-0123456789"},
        "gcp.vertex_ai",
        "/v1",
    ),
}
EVERY = [(name, is_async) for name in CLIENTS for is_async in (False, True)]

pytestmark = pytest.mark.filterwarnings("ignore:Pydantic serializer warnings:UserWarning")


def test_no_client_is_left_out():
    base = (anthropic._base_client.SyncAPIClient, anthropic._base_client.AsyncAPIClient)
    kinds = {name for name, kind in vars(anthropic).items() if isinstance(kind, type) and issubclass(kind, base)}
    assert {name.removeprefix("Async") for name in kinds} - {"Client"} == {name.partition("-")[0] for name in CLIENTS}


def make(name, is_async, url, **more):
    options, _, prefix = CLIENTS[name]
    kind = getattr(anthropic, ("Async" if is_async else "") + name.partition("-")[0])
    return kind(base_url=url + prefix, max_retries=0, **options, **more)


def play(client, program):
    """Run the program, an async function, with a client that it closes."""

    async def main():
        try:
            return await program(client)
        finally:
            await maybe(client.close())

    return asyncio.run(main())


async def items(stream):
    return [item async for item in stream] if hasattr(stream, "__aiter__") else list(stream)


async def managed(manager, read):
    if hasattr(manager, "__aenter__"):
        async with manager as entered:
            return await read(entered)
    with manager as entered:
        return await read(entered)


async def every_way(client):
    """Plain, streamed, with the helper, and as bytes; of `beta` too. Says how many calls those were."""
    for resource in (client.messages, client.beta.messages):
        await maybe(resource.create(**ASKED, **CACHED))
        await items(await maybe(resource.create(**ASKED, **CACHED, stream=True)))
        await managed(resource.stream(**ASKED, **CACHED), lambda stream: maybe(stream.get_final_message()))
        raw = resource.with_streaming_response.create(**ASKED, **CACHED, stream=True)
        await managed(raw, lambda response: items(response.iter_bytes()))
    return 8


@pytest.mark.parametrize(("name", "is_async"), EVERY)
def test_every_client(telemetry, provider, name, is_async):
    calls = play(make(name, is_async, provider.url), every_way)
    assert telemetry.unbalanced() == {}
    verdict.billed(telemetry, provider)
    assert len(telemetry.spans) == len(provider.ledger) == calls
    assert [found for span in telemetry.spans if (found := violations(span))] == []
    for span, entry in zip(telemetry.spans, provider.ledger, strict=True):
        attributes = dict(span.attributes)
        assert span.name == f"chat {MODEL}"
        assert (verdict.failed(span), verdict.ended(span)) == (None, None)
        assert attributes["gen_ai.provider.name"] == CLIENTS[name][1]
        assert (attributes["server.address"], attributes["server.port"]) == ("127.0.0.1", provider.port)
        assert (attributes["gen_ai.request.model"], attributes["gen_ai.response.model"]) == (MODEL, f"{MODEL}-20260801")
        assert attributes["mlflow.llm.model"] == f"{MODEL}-20260801"
        assert attributes.get("gen_ai.request.stream", False) is entry.stream
        assert attributes["gen_ai.usage.input_tokens"] == entry.bill.input
        assert attributes["gen_ai.usage.output_tokens"] == entry.bill.output
        assert attributes["gen_ai.usage.cache_read.input_tokens"] == entry.bill.cached > 0
        assert attributes["genspan.usage.cache_write_1h.input_tokens"] > 0
        assert attributes["gen_ai.request.max_tokens"] == 50
        assert attributes["gen_ai.response.finish_reasons"] == ("end_turn",)
    for content in ("gen_ai.input.messages", "gen_ai.output.messages", "mlflow.spanInputs", "mlflow.spanOutputs"):
        assert len({span.attributes[content] for span in telemetry.spans}) == 1
    for secret in ("secret-of-aws", "ya29.token", API_KEY, "token-of-the-test"):
        assert secret.encode() not in telemetry.exported()


FAULTS = {
    "overloaded": (Reply(status=529), 529),
    "throttled": (Reply(status=429), 429),
    "error-first": (Reply(error_in_stream=0, error_status=529), None),
    "error-inside": (Reply(error_in_stream=4, error_status=529), None),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("reads", ["events", "helper", "bytes"])
@pytest.mark.parametrize(("name", "is_async"), [one for one in EVERY if "-" not in one[0]])
def test_errors(install, provider, name, is_async, reads, fault):
    """The same exception as without tracing; what was billed until then is on the span."""

    async def program(client):
        try:
            if reads == "events":
                await items(await maybe(client.messages.create(**ASKED, stream=True)))
            elif reads == "helper":
                await managed(client.messages.stream(**ASKED), lambda stream: maybe(stream.get_final_message()))
            else:
                raw = client.messages.with_streaming_response.create(**ASKED, stream=True)
                await managed(raw, lambda response: items(response.iter_bytes()))
        except anthropic.AnthropicError as error:
            return error
        return None

    reply, status = FAULTS[fault]
    provider.script(reply)
    bare = play(make(name, is_async, provider.url, open_telemetry=False), program)
    provider.reset()
    provider.script(reply)
    telemetry = install()
    traced = play(make(name, is_async, provider.url), program)
    assert (type(traced), str(traced)) == (type(bare), str(bare))
    (span,) = telemetry.spans
    assert violations(span) == []
    assert span.attributes.get("http.response.status_code") == status
    verdict.billed(telemetry, provider)
    if traced is not None:
        word = "throttlingException" if name == "AnthropicBedrock" else "overloaded_error"
        assert verdict.failed(span) == (type(traced).__qualname__ if status else word)
    else:
        assert verdict.ended(span) == "failed"
    if fault == "error-inside":
        assert span.attributes["gen_ai.usage.input_tokens"] == provider.ledger.total().input > 0


@pytest.mark.parametrize("name", ["Anthropic", "AnthropicBedrock", "AnthropicVertex"])
@pytest.mark.parametrize("statuses", [(429, 200), (529, 503, 200), (529, 529, 529)], ids=str)
def test_retries(telemetry, provider, name, statuses):
    provider.script(*(Reply(status=one, headers={"retry-after-ms": "1"} if one > 200 else {}) for one in statuses))

    async def program(client):
        return client.with_options(max_retries=2).messages.create(**ASKED)

    if statuses[-1] == 200:
        play(make(name, False, provider.url), program)
    else:
        with pytest.raises(anthropic.APIStatusError):
            play(make(name, False, provider.url), program)
    (span,) = telemetry.spans
    assert span.attributes["http.request.resend_count"] == len(statuses) - 1
    verdict.billed(telemetry, provider)


@pytest.mark.parametrize("name", ["AnthropicBedrock", "AnthropicVertex", "AnthropicFoundry", "AnthropicAWS"])
def test_a_client_that_the_program_derives(telemetry, provider, name):
    """From a class of the SDK's, by `with_options`, by `copy`: it is still who it is."""
    options, provider_name, prefix = CLIENTS[name]
    derived = type("Mine", (getattr(anthropic, name),), {})
    with derived(base_url=provider.url + prefix, max_retries=0, **options) as client:
        client.messages.create(**ASKED)
        client.with_options(max_retries=1).messages.create(**ASKED)
        client.copy(timeout=5).messages.create(**ASKED)
    assert [span.attributes["gen_ai.provider.name"] for span in telemetry.spans] == [provider_name] * 3
    verdict.billed(telemetry, provider)


def test_token_counts_of_vertex(telemetry, provider):
    with make("AnthropicVertex", False, provider.url) as client:
        client.messages.count_tokens(model=MODEL, messages=ASKED["messages"])
        client.beta.messages.count_tokens(model=MODEL, messages=ASKED["messages"])
    assert [span.name for span in telemetry.spans] == [f"count_tokens {MODEL}"] * 2
    assert not [name for span in telemetry.spans for name in span.attributes if "usage" in name.lower()]


def test_bytes_of_an_event_stream_that_breaks_off(telemetry, provider):
    """The frames of Bedrock that are there whole count."""
    provider.script(Reply(cut_mid=5))
    with make("AnthropicBedrock", False, provider.url) as client:
        raw = client.messages.with_streaming_response.create(**ASKED, stream=True)
        with raw as response, pytest.raises(Exception, match=r"closed|incomplete|read"):
            list(response.iter_bytes())
    (span,) = telemetry.spans
    assert verdict.ended(span) == "failed"
    assert span.attributes["gen_ai.usage.input_tokens"] == provider.ledger.total().input > 0
    assert json.loads(span.attributes["gen_ai.output.messages"])[0]["parts"][0]["content"]


@pytest.mark.parametrize(("name", "is_async"), EVERY)
def test_what_a_client_sends_to_be_let_in_stays_here(install, provider, name, is_async):
    """Also where the provider repeats it, and content is kept."""
    telemetry = install(CAPTURE="SPAN_AND_EVENT", GENSPAN_DIALECTS="genai,mlflow")
    provider.script(Reply(status=401, echo="key"))

    async def program(client):
        with pytest.raises(anthropic.AuthenticationError, match="not valid"):
            await maybe(client.messages.create(**ASKED))

    play(make(name, is_async, provider.url), program)
    headers = {name.lower(): value for name, value in provider.ledger[0].headers.items()}
    sent = [headers[name] for name in ("authorization", "x-api-key") if name in headers]
    assert sent
    exported = telemetry.exported()
    assert b"not valid" in exported, "the message is kept, or this test shows nothing"
    assert [one for one in sent if one.removeprefix("Bearer ").encode() in exported] == []
