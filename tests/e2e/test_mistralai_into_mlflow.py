"""A program with every feature of mistralai, zero code, into a real MLflow server, over its REST API."""

from __future__ import annotations

import pytest

from tests.support.stored import run_and_read

pytestmark = pytest.mark.e2e
KEY = "mistral-key-of-the-test-0123456789"


@pytest.fixture(scope="module")
def stored(mlflow_server):
    def env(url):
        return {"MISTRAL_SERVER_URL": f"{url}/mistral", "MISTRAL_API_KEY": KEY}

    with run_and_read(mlflow_server, "every_mistral_feature.py", "every Mistral feature", env) as found:
        yield found


def test_the_tokens_are_those_billed(stored):
    stored.tokens_are_those_billed()


def test_every_call_is_one_trace_of_one_span(stored):
    ledger, traces = stored
    assert {len(trace.spans) for trace in traces} == {1}
    assert len(traces) == len(ledger)


def test_prompts_answers_and_parameters(stored):
    span = stored.about("plain call").span("chat")
    inputs, outputs = span["mlflow.spanInputs"], span["mlflow.spanOutputs"]
    expected = [{"role": "system", "content": "You are terse."}, {"role": "user", "content": "plain call"}]
    assert inputs["messages"] == expected
    assert (inputs["temperature"], inputs["seed"], inputs["model"]) == (0.2, 7, "mistral-large-latest")
    assert outputs["choices"][0]["message"]["content"].startswith("You asked: plain call")
    assert span["mlflow.llm.provider"] == "mistral"


@pytest.mark.parametrize("words", ["streamed call", "agent call", "async call", "async stream"])
def test_every_way_shows_the_answer(stored, words):
    assert stored.about(words).info["response_preview"].startswith("You asked: ")


@pytest.mark.parametrize("words", ["conversation call", "conversation goes on"])
def test_conversations_show_the_answer(stored, words):
    assert stored.about(words).info["response_preview"] == "Here is an answer."


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
