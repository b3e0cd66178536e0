"""A program with every feature of openai, zero code, into a real MLflow server, over its REST API."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.test_gemini_into_mlflow import Stored
from tests.support.provider import FakeProvider
from tests.support.zero_code import ROOT, run

if TYPE_CHECKING:
    from tests.support.mlflow_server import MlflowServer

pytestmark = pytest.mark.e2e
EXPERIMENT = "every OpenAI feature"
KEY = "sk-key-of-the-test-0123456789"


@pytest.fixture(scope="module")
def stored(mlflow_server: MlflowServer):
    with FakeProvider() as provider:
        env = {"MLFLOW_TRACKING_URI": mlflow_server.uri, "MLFLOW_EXPERIMENT_NAME": EXPERIMENT}
        env |= {"OPENAI_BASE_URL": f"{provider.url}/v1", "OPENAI_API_KEY": KEY, "GENSPAN_OPENAI_STREAM_USAGE": "true"}
        done = run(ROOT / "tests/e2e/programs/every_openai_feature.py", env, provider.url)
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr
        traces = [Stored(mlflow_server.trace(info["trace_id"])) for info in mlflow_server.trace_infos(EXPERIMENT)]
        yield provider.ledger, traces


def about(stored, words: str) -> Stored:
    """The one trace whose first question has these words."""
    found = [trace for trace in stored[1] if words in trace.info.get("request_preview", "")]
    assert len(found) == 1, [trace.info.get("request_preview") for trace in stored[1]]
    return found[0]


def test_the_tokens_are_those_billed(stored):
    ledger, traces = stored
    total = ledger.total()
    assert sum(trace.usage.get("input_tokens", 0) for trace in traces) == total.input
    assert sum(trace.usage.get("output_tokens", 0) for trace in traces) == total.output
    assert total.input > 0


def test_every_call_is_one_trace_of_one_span(stored):
    ledger, traces = stored
    assert {len(trace.spans) for trace in traces} == {1}
    untraced = [entry for entry in ledger if (entry.method, entry.api) == ("POST", "batches")]
    assert len(traces) == len(ledger) - len(untraced)


def test_prompts_answers_and_parameters(stored):
    span = about(stored, "plain call").span("chat")
    inputs, outputs = span["mlflow.spanInputs"], span["mlflow.spanOutputs"]
    expected = [{"role": "system", "content": "You are terse."}, {"role": "user", "content": "plain call"}]
    assert inputs["messages"] == expected
    assert (inputs["temperature"], inputs["seed"], inputs["model"]) == (0.2, 7, "gpt-4.1-mini")
    assert outputs["choices"][0]["message"]["content"].startswith("You asked: plain call")
    assert span["mlflow.llm.provider"] == "openai"
    assert span["mlflow.llm.model"] == "gpt-4.1-mini-2026-08-01"
    response = about(stored, "response call").span("chat")["mlflow.spanInputs"]["messages"]
    assert response[0] == {"role": "system", "content": "You are terse."}


def test_every_way_shows_the_answer(stored):
    ways = (
        "streamed call",
        "managed call",
        "raw call",
        "bytes call",
        "streamed response",
        "socket response",
        "async stream",
    )
    for words in ways:
        found = [trace for trace in stored[1] if words in trace.info.get("request_preview", "")]
        assert all(trace.info["response_preview"].startswith("You asked: ") for trace in found), words
        assert found


def test_errors_and_what_was_billed_for_them(stored):
    assert about(stored, "too many").info["state"] == "ERROR"
    failed = about(stored, "failed parse")
    assert failed.info["state"] == "ERROR"
    assert failed.usage["total_tokens"] > 0
    assert not [trace for trace in stored[1] if KEY in trace.text]


def test_a_session_is_a_session(stored):
    turns = [t for t in stored[1] if t.info.get("trace_metadata", {}).get("mlflow.trace.session") == "conversation-1"]
    assert len(turns) == 2
    assert {turn.info["tags"]["tenant"] for turn in turns} == {"acme"}


def test_media_and_vectors(stored):
    image = about(stored, "image call").span("chat")["mlflow.spanInputs"]
    assert image["messages"][0]["content"][0]["image_url"]["url"].startswith("data:image/png;base64,")
    made = about(stored, "image generation").span("generate_content")["mlflow.spanOutputs"]
    assert made["choices"][0]["message"]["content"][0]["image_url"]["url"].startswith("data:image/png;base64,")
    vectors = next(trace for trace in stored[1] if trace.spans[0][0].startswith("embeddings"))
    assert vectors.span("embeddings")["mlflow.spanInputs"]["input"] == ["one", "two"]
