"""A program with every feature of openai, zero code, into a real MLflow server, over its REST API."""

from __future__ import annotations

import pytest

from tests.support.stored import run_and_read

pytestmark = pytest.mark.e2e
KEY = "sk-key-of-the-test-0123456789"


@pytest.fixture(scope="module")
def stored(mlflow_server):
    def env(url):
        return {"OPENAI_BASE_URL": f"{url}/v1", "OPENAI_API_KEY": KEY, "GENSPAN_OPENAI_STREAM_USAGE": "true"}

    with run_and_read(mlflow_server, "every_openai_feature.py", "every OpenAI feature", env) as found:
        yield found


def test_the_tokens_are_those_billed(stored):
    stored.tokens_are_those_billed()


def test_every_call_is_one_trace_of_one_span(stored):
    ledger, traces = stored
    assert {len(trace.spans) for trace in traces} == {1}
    untraced = [entry for entry in ledger if (entry.method, entry.api) == ("POST", "batches")]
    assert len(traces) == len(ledger) - len(untraced)


def test_prompts_answers_and_parameters(stored):
    span = stored.about("plain call").span("chat")
    inputs, outputs = span["mlflow.spanInputs"], span["mlflow.spanOutputs"]
    expected = [{"role": "system", "content": "You are terse."}, {"role": "user", "content": "plain call"}]
    assert inputs["messages"] == expected
    assert (inputs["temperature"], inputs["seed"], inputs["model"]) == (0.2, 7, "gpt-4.1-mini")
    assert outputs["choices"][0]["message"]["content"].startswith("You asked: plain call")
    assert span["mlflow.llm.provider"] == "openai"
    assert span["mlflow.llm.model"] == "gpt-4.1-mini-2026-08-01"
    response = stored.about("response call").span("chat")["mlflow.spanInputs"]["messages"]
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
    assert stored.about("too many").info["state"] == "ERROR"
    failed = stored.about("failed parse")
    assert failed.info["state"] == "ERROR"
    assert failed.usage["total_tokens"] > 0
    assert not [trace for trace in stored[1] if KEY in trace.text]


def test_a_session_is_a_session(stored):
    turns = [t for t in stored[1] if t.info.get("trace_metadata", {}).get("mlflow.trace.session") == "conversation-1"]
    assert len(turns) == 2
    assert {turn.info["tags"]["tenant"] for turn in turns} == {"acme"}


def test_media_and_vectors(stored):
    image = stored.about("image call").span("chat")["mlflow.spanInputs"]
    assert image["messages"][0]["content"][0]["image_url"]["url"].startswith("data:image/png;base64,")
    made = stored.about("image generation").span("generate_content")["mlflow.spanOutputs"]
    assert made["choices"][0]["message"]["content"][0]["image_url"]["url"].startswith("data:image/png;base64,")
    vectors = next(trace for trace in stored[1] if trace.spans[0][0].startswith("embeddings"))
    assert vectors.span("embeddings")["mlflow.spanInputs"]["input"] == ["one", "two"]
