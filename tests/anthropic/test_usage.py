"""What an answer cost, and what was billed beside it."""

from __future__ import annotations

import pytest

from tests.anthropic.calls import SPENT, attributes_of, message, telemetry
from tests.support.anthropic_surfaces import make_client
from tests.support.provider import Reply
from tests.support.registry import violations

__all__ = ["telemetry"]

pytestmark = pytest.mark.filterwarnings("ignore:Pydantic serializer warnings:UserWarning")

COMPACTED = {"type": "compaction", "input_tokens": 100, "output_tokens": 20}
DECLINED = {"type": "message", "model": "a", "input_tokens": 9, "output_tokens": 2}
SERVED = {**SPENT, "type": "fallback_message", "model": "b"}
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
    "a-model-that-refused": (
        {**SPENT, "iterations": [DECLINED, SERVED]},
        {"fallback.input_tokens": 9, "fallback.output_tokens": 2},
    ),
    "a-model-that-refused-is-in-the-sum": (
        {**SPENT, "iterations": [DECLINED, {**SERVED, "output_tokens": 5}]},
        {},
    ),
    "search": ({**SPENT, "server_tool_use": {"web_search_requests": 3}}, {"web_search.requests": 3}),
}  # fmt: skip


@pytest.mark.parametrize("kind", USAGES)
def test_usage(telemetry, provider, kind):
    """What is billed beside input and output stands beside them; nothing of it is in them."""
    usage, more = USAGES[kind]
    more = {"speed": "fast", "service_tier": "priority", "output_tokens_details": {"thinking_tokens": 4}, **usage}
    found = attributes_of(telemetry, provider, message([{"type": "text", "text": "So."}], usage=more))
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
        "gen_ai.usage.input_tokens": 16 * len(USAGES),
        "gen_ai.usage.output_tokens": 7 * len(USAGES),
        "gen_ai.usage.cache_read.input_tokens": 3 * len(USAGES),
        "gen_ai.usage.cache_write.input_tokens": 2 * len(USAGES),
        "genspan.usage.cache_write_5m.input_tokens": 1,
        "genspan.usage.cache_write_1h.input_tokens": 1,
        "genspan.usage.compaction.input_tokens": 112,
        "genspan.usage.compaction.output_tokens": 22,
        "genspan.usage.advisor.input_tokens": 30,
        "genspan.usage.advisor.output_tokens": 4,
        "genspan.usage.fallback.input_tokens": 9,
        "genspan.usage.fallback.output_tokens": 2,
        "genspan.usage.web_search.requests": 3,
    }


BATCH = {
    "id": "msgbatch_1",
    "type": "message_batch",
    "processing_status": "ended",
    "results_url": "/v1/messages/batches/msgbatch_1/results",
}
