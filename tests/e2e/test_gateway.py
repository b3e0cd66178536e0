"""The programs of MLflow's gateway guide, zero code, through a real gateway of MLflow, into the same server.

The fake provider behind the gateway keeps the ledger. In code: ``test_configure_guides.py``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.support.stored import Stored
from tests.support.zero_code import ROOT, run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.mlflow_gateway import Gateway
    from tests.support.provider import Ledger
    from tests.support.provider.ledger import Entry

pytest.importorskip("langchain", reason="langchain is not installed")
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

ANSWERED = {
    "openai": "gpt-4.1-mini-2026-08-01",
    "anthropic": "claude-sonnet-5-20260801",
    "gemini": "gemini-2.5-flash",
}
"""The models that the fake provider says it answers with, by endpoint."""
GEMINI_PRICE = (0.3e-6, 2.5e-6)
"""US dollars per token of gemini-2.5-flash, in and out: https://ai.google.dev/gemini-api/docs/pricing"""

# Endpoint, the provider that MLflow is told, and how many spans the trace has.
CALLS = {
    "openai plain": ("openai", "openai", 1),
    "openai async": ("openai", "openai", 1),
    "openai stream": ("openai", "openai", 1),
    "openai tools": ("openai", "openai", 1),
    "openai streamed tools": ("openai", "openai", 1),
    "openai responses": ("openai", "openai", 1),
    "openai streamed responses": ("openai", "openai", 1),
    "anthropic plain": ("anthropic", "anthropic", 1),
    "anthropic stream": ("anthropic", "anthropic", 1),
    "anthropic helper": ("anthropic", "anthropic", 1),
    "anthropic tools": ("anthropic", "anthropic", 1),
    "gemini plain": ("gemini", "gemini", 1),
    "gemini stream": ("gemini", "gemini", 1),
    "gemini tools": ("gemini", "gemini", 4),
    "unified openai plain": ("openai", "openai", 1),
    "unified openai stream": ("openai", "openai", 1),
    "unified openai tools": ("openai", "openai", 1),
    "unified anthropic plain": ("anthropic", "openai", 1),
    "unified anthropic stream": ("anthropic", "openai", 1),
    "unified anthropic tools": ("anthropic", "openai", 1),
    "unified gemini plain": ("gemini", "openai", 1),
    "unified gemini stream": ("gemini", "openai", 1),
    "unified gemini tools": ("gemini", "openai", 1),
    "langchain openai agent": ("openai", "openai", 4),
    "langchain openai streamed agent": ("openai", "openai", 4),
    "langchain gemini agent": ("gemini", "openai", 4),
    "langchain gemini streamed agent": ("gemini", "openai", 4),
}
# The type of the error, its HTTP status, and words of its message.
ERRORS = {
    "openai unknown endpoint": ("NotFoundError", 404, "nobody"),
    "openai upstream limit": ("RateLimitError", 429, "scripted failure"),
    "openai quota": ("RateLimitError", 429, "Budget limit exceeded"),
    "openai mismatch": ("BadRequestError", 400, "Unsupported passthrough endpoint"),
    "openai guardrail": ("BadRequestError", 400, "it asks for a secret"),
    "openai error chunk": ("server_error", None, "scripted failure"),
    "anthropic unknown endpoint": ("NotFoundError", 404, "nobody"),
    "anthropic error chunk": ("api_error", None, "scripted failure"),
    "gemini unknown endpoint": ("ClientError", 404, "nobody"),
}


class Outcome(NamedTuple):
    ledger: Ledger
    traces: list[Stored]

    def trace(self, words: str) -> Stored:
        """The trace of one question."""
        (found,) = (trace for trace in self.traces if _asks(words, trace.text))
        return found

    def entries(self, words: str) -> list[Entry]:
        """What the provider answered of it."""
        return [entry for entry in self.ledger if _asks(words, entry.raw.decode())]


def _asks(words: str, text: str) -> bool:
    return re.search(rf'"{words}(\\*"| \[\[)', text) is not None


@pytest.fixture(scope="module")
def outcome(mlflow_gateway: Gateway) -> Iterator[Outcome]:
    server, provider = mlflow_gateway
    provider.reset()
    settings = {"MLFLOW_TRACKING_URI": server.uri, "MLFLOW_EXPERIMENT_NAME": "every gateway feature"}
    program = ROOT / "tests/e2e/programs/every_gateway_feature.py"
    done = run(program, {"SERVER": server.uri, **settings}, provider.url)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    infos = server.trace_infos("every gateway feature")
    yield Outcome(provider.ledger, [Stored(server.trace(info["trace_id"])) for info in infos])


def _model_calls(trace: Stored) -> list[dict]:
    return [attributes for _, attributes, _ in trace.spans if "gen_ai.response.model" in attributes]


@pytest.mark.parametrize("words", CALLS)
def test_a_call_is_what_the_provider_billed(outcome, words):
    endpoint, provider, spans = CALLS[words]
    trace, billed = outcome.trace(words), outcome.entries(words)
    total = [sum(getattr(entry.bill, side) for entry in billed) for side in ("input", "output")]
    assert [trace.usage["input_tokens"], trace.usage["output_tokens"]] == total
    assert min(total) > 0
    assert len(trace.spans) == spans
    calls = _model_calls(trace)
    assert sorted(call["mlflow.chat.tokenUsage"]["total_tokens"] for call in calls) == sorted(
        entry.bill.total for entry in billed
    )
    for call in calls:
        assert call["gen_ai.request.model"] == endpoint
        assert call["gen_ai.response.model"] == call["mlflow.llm.model"] == ANSWERED[endpoint]
        assert call["mlflow.llm.provider"] == provider
    assert trace.info["state"] == "OK"


@pytest.mark.parametrize("words", [words for words, call in CALLS.items() if call[0] == "gemini"])
def test_the_price_is_that_of_the_model_that_answered(outcome, words):
    """The endpoint's name has none."""
    for call in _model_calls(outcome.trace(words)):
        usage, cost = call["mlflow.chat.tokenUsage"], call["mlflow.llm.cost"]
        price = usage["input_tokens"] * GEMINI_PRICE[0] + usage["output_tokens"] * GEMINI_PRICE[1]
        assert cost["total_cost"] == pytest.approx(price)


@pytest.mark.parametrize("words", ERRORS)
def test_an_error_of_the_gateway(outcome, words):
    kind, status, message = ERRORS[words]
    trace = outcome.trace(words)
    ((_, attributes, span),) = trace.spans
    assert trace.info["state"] == "ERROR"
    assert attributes["error.type"] == kind
    assert attributes.get("http.response.status_code") == status
    assert message in span["status"]["message"]
    billed = [entry.bill for entry in outcome.entries(words) if entry.bill]
    assert attributes.get("mlflow.chat.tokenUsage", {}).get("total_tokens", 0) == sum(bill.total for bill in billed)


def test_every_span_with_usage_is_a_billed_answer(outcome):
    spans = [attributes for trace in outcome.traces for _, attributes, _ in trace.spans]
    assert sum("mlflow.chat.tokenUsage" in attributes for attributes in spans) == len(outcome.ledger.billed)
    questions = {*CALLS, *ERRORS, "openai embeddings"}
    assert len(outcome.traces) == len(questions)
