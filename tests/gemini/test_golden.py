"""Golden calls: the whole of requests and spans, and tokens that are literals (``tests/golden/README.md``)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support import golden
from tests.support.telemetry import LEAVES

pytestmark = [
    pytest.mark.filterwarnings("ignore:.* is not a valid:UserWarning"),
    pytest.mark.filterwarnings("ignore:.*[Ii]nteractions.*:UserWarning"),
]

CASES = {path.stem: golden.read(path) for path in golden.FILES}


@pytest.fixture(scope="module")
def player(running_provider):
    player = golden.Player(running_provider)
    yield player
    player.close()


@pytest.mark.parametrize("name", CASES)
def test_golden_call(name, player):
    case = CASES[name]
    outcome = player.play(case)
    assert outcome.spans() == case["spans"], "scripts/make_golden.py writes what has changed"
    assert outcome.requests == [exchange["request"] for exchange in case["wire"]]
    assert (outcome.raised is not None) == _fails(case)


def _fails(case: dict[str, Any]) -> bool:
    responses = [exchange["response"] for exchange in case["wire"]]
    return any(one["status"] >= 400 or any("error" in event for event in one.get("sse", ())) for one in responses)


@pytest.mark.parametrize("name", CASES)
def test_tokens_are_those_of_the_wire(name):
    """The literals are checked by the provider's rules, written here once more, and then hold for the spans."""
    case = CASES[name]
    assert [_billed(exchange["response"]) for exchange in case["wire"]] == case["tokens"]
    leaves = [span["attributes"] for span in case["spans"] if span["attributes"]["gen_ai.operation.name"] in LEAVES]
    assert [_spent(attributes) for attributes in leaves] == case["tokens"]
    for attributes, tokens in zip(leaves, case["tokens"], strict=True):
        total = tokens.get("input", 0) + tokens.get("output", 0)
        usage = attributes.get("mlflow.chat.tokenUsage", {"json": {"total_tokens": 0}})["json"]
        assert usage["total_tokens"] == total
    for span in case["spans"]:
        if span["attributes"] not in leaves:
            assert not [one for one in span["attributes"] if "usage" in one.lower()], "usage is on leaves alone"


_SPENT = {
    "input": "gen_ai.usage.input_tokens",
    "output": "gen_ai.usage.output_tokens",
    "cached": "gen_ai.usage.cache_read.input_tokens",
    "reasoning": "gen_ai.usage.reasoning.output_tokens",
}


def _spent(attributes: dict[str, Any]) -> dict[str, int]:
    return {name: attributes[attribute] for name, attribute in _SPENT.items() if attribute in attributes}


_GENERATED = {
    "input": ("promptTokenCount", "toolUsePromptTokenCount"),
    "output": ("candidatesTokenCount", "thoughtsTokenCount"),
    "cached": ("cachedContentTokenCount",),
    "reasoning": ("thoughtsTokenCount",),
}
_INTERACTED = {
    "input": ("total_input_tokens", "total_tool_use_tokens"),
    "output": ("total_output_tokens", "total_thought_tokens"),
    "cached": ("total_cached_tokens",),
    "reasoning": ("total_thought_tokens",),
}


def _billed(response: dict[str, Any]) -> dict[str, int]:
    """What the answer says is billed: of a stream the last figure of each name."""
    usage: dict[str, Any] = {}
    for event in response.get("sse", [response.get("json")]):
        usage |= event.get("usageMetadata") or event.get("interaction", event).get("usage") or {}
        for vector in event.get("predictions", ()):  # of Vertex AI, for each text
            counted = vector["embeddings"]["statistics"]["token_count"]
            usage["promptTokenCount"] = usage.get("promptTokenCount", 0) + counted
    rules = _GENERATED if "promptTokenCount" in usage else _INTERACTED
    found = {kind: [usage[name] for name in names if name in usage] for kind, names in rules.items()}
    if usage.get("totalTokenCount") == usage.get("promptTokenCount", 0) and "embeddings" not in response.get(
        "json", {}
    ):
        found["output"] = found["output"] or [0]  # nothing was generated, as the total says
    return {kind: sum(counts) for kind, counts in found.items() if counts}
