"""Middleware of the SDK: one call is one span, and what models cost that refused stands beside what the answer cost."""

from __future__ import annotations

import json

import anthropic
import pytest
from anthropic.lib.middleware import BetaFallbackState, BetaRefusalFallbackMiddleware

from tests.anthropic.calls import ASKED, telemetry
from tests.anthropic.test_clouds import items, managed, play
from tests.support import verdict
from tests.support.anthropic_surfaces import MODEL, make_client
from tests.support.provider import Reply
from tests.support.provider.anthropic_messages import events
from tests.support.registry import violations
from tests.support.stainless_surfaces import maybe

__all__ = ["telemetry"]

pytestmark = pytest.mark.filterwarnings("ignore:Pydantic serializer warnings:UserWarning")

OTHERS = [{"model": "claude-other"}, {"model": "claude-third"}]


def message(number, text="", reason="refusal", **more):
    spent = {"cache_read_input_tokens": 2, "cache_creation_input_tokens": 1}
    details = {"type": "refusal", "category": "cyber", "explanation": "No.", "fallback_credit_token": "credit"}
    head = {"id": f"msg_{number}", "type": "message", "role": "assistant", "model": MODEL}
    return {
        **head,
        "content": [{"type": "text", "text": text}] if text else [],
        "stop_reason": reason,
        "stop_sequence": None,
        "stop_details": details if reason == "refusal" else None,
        "usage": {"input_tokens": 10 + number, "output_tokens": 3 + number, **spent},
        **more,
    }


def streamed(answer):
    """The last event has all of the usage, as the provider sends it."""
    return [
        {**event, "usage": answer["usage"]} if event["type"] == "message_delta" else event for event in events(answer)
    ]


async def _parsed(manager):
    return await maybe((await maybe(manager)).parse())


PLAIN = {
    "create": lambda resource: maybe(resource.create(**ASKED)),
    "raw": lambda resource: _parsed(resource.with_raw_response.create(**ASKED)),
    "json": lambda resource: managed(resource.with_streaming_response.create(**ASKED), lambda one: maybe(one.json())),
}
STREAMED = {
    "helper": lambda resource: managed(resource.stream(**ASKED), lambda stream: maybe(stream.get_final_message())),
    "bytes": lambda resource: managed(
        resource.with_streaming_response.create(**ASKED, stream=True), lambda one: items(one.iter_bytes())
    ),
    "lines": lambda resource: managed(
        resource.with_streaming_response.create(**ASKED, stream=True), lambda one: items(one.iter_lines())
    ),
}


@pytest.mark.parametrize("way", [*PLAIN, *STREAMED])
@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("text", ["", "Half an answer of"])
@pytest.mark.parametrize("hops", [0, 1, 2])
def test_models_that_refuse(telemetry, provider, way, is_async, text, hops):
    answers = [
        *(message(number, text) for number in range(hops)),
        message(9, "All right.", "end_turn", model="claude-9"),
    ]
    provider.script(*(Reply(chunks=streamed(one)) if way in STREAMED else Reply(body=one) for one in answers))
    client = make_client(provider.url, is_async, middleware=[BetaRefusalFallbackMiddleware(OTHERS)])
    play(client, lambda made: {**PLAIN, **STREAMED}[way](made.beta.messages))
    (span,) = telemetry.spans
    bill, attributes = provider.ledger.total(), span.attributes
    assert violations(span) == []
    assert (verdict.failed(span), verdict.ended(span)) == (None, None)
    assert len(provider.ledger) == hops + 1
    refused = [attributes.get(f"genspan.usage.fallback.{side}_tokens", 0) for side in ("input", "output")]
    assert refused == [sum(13 + number for number in range(hops)), sum(3 + number for number in range(hops))]
    assert attributes["gen_ai.usage.input_tokens"] + refused[0] == bill.input
    assert attributes["gen_ai.usage.output_tokens"] + refused[1] == bill.output
    assert attributes["gen_ai.request.model"] == MODEL
    assert "All right." in attributes["gen_ai.output.messages"]


def test_no_other_model_is_left(telemetry, provider):
    """The refusal is the answer, and says why."""
    provider.script(Reply(body=message(0)), Reply(body=message(1)), Reply(body=message(2)))
    with make_client(provider.url, False, middleware=[BetaRefusalFallbackMiddleware(OTHERS)]) as client:
        client.beta.messages.create(**ASKED)
    (span,) = telemetry.spans
    (answer,) = json.loads(span.attributes["gen_ai.output.messages"])
    assert answer["finish_reason"] == "content_filter"
    assert {"type": "refusal", "explanation": "No."}.items() <= answer["parts"][-1].items()
    bill = provider.ledger.total()
    assert (
        span.attributes["gen_ai.usage.input_tokens"] + span.attributes["genspan.usage.fallback.input_tokens"]
        == bill.input
    )


@pytest.mark.parametrize("stream", [False, True])
def test_the_other_model_is_overloaded(telemetry, provider, stream):
    """A stream ends with the refusal, a plain call fails; the refusal was billed."""
    provider.script(Reply(chunks=streamed(message(0))) if stream else Reply(body=message(0)), *[Reply(status=529)] * 2)
    with make_client(provider.url, False, middleware=[BetaRefusalFallbackMiddleware(OTHERS)]) as client:
        if stream:
            with client.beta.messages.stream(**ASKED) as answer:
                answer.get_final_message()
        else:
            with pytest.raises(anthropic.APIStatusError, match="overloaded"):
                client.beta.messages.create(**ASKED)
    (span,) = telemetry.spans
    assert violations(span) == []
    assert verdict.failed(span) == (None if stream else "OverloadedError")
    verdict.billed(telemetry, provider)
    assert telemetry.usage() == (13, 3)


def test_models_that_are_pinned(telemetry, provider):
    middleware = BetaRefusalFallbackMiddleware(OTHERS)
    provider.script(Reply(body=message(0)))
    with make_client(provider.url, False, middleware=[middleware]) as client, BetaFallbackState():
        for _ in range(2):
            client.beta.messages.create(**ASKED)
    first, second = telemetry.spans
    assert first.attributes["genspan.usage.fallback.input_tokens"] == 13
    assert "genspan.usage.fallback.input_tokens" not in second.attributes
    bill = provider.ledger.total()
    assert telemetry.usage().input + 13 == bill.input


def _twice(request, call_next):
    call_next(request).parse()
    return call_next(request)


def _never(request, call_next):
    raise ZeroDivisionError("what the middleware says")


def test_a_middleware_of_the_program(telemetry, provider):
    """It may ask several times, fail, or call a model itself."""
    with make_client(provider.url, False) as client:
        client.with_middleware(_twice).messages.create(**ASKED)
        with pytest.raises(ZeroDivisionError):
            client.with_middleware(_never).messages.create(**ASKED)

        def asks(request, call_next):
            client.messages.create(**ASKED)
            return call_next(request)

        client.with_middleware(asks).messages.create(**ASKED)
    twice, failed, *_ = telemetry.spans
    assert twice.attributes["genspan.usage.fallback.input_tokens"] == twice.attributes["gen_ai.usage.input_tokens"]
    assert verdict.failed(failed) == "ZeroDivisionError"
    assert [found for span in telemetry.spans if (found := violations(span))] == []
    sums = [
        sum(span.attributes.get(name, 0) for span in telemetry.spans)
        for name in ("gen_ai.usage.input_tokens", "genspan.usage.fallback.input_tokens")
    ]
    assert sum(sums) == provider.ledger.total().input
