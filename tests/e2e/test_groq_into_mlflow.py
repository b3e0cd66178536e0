"""A program with every feature of groq, zero code, into a real MLflow server, over its REST API."""

from __future__ import annotations

import pytest

from tests.support.stored import run_and_read

pytestmark = pytest.mark.e2e
KEY = "gsk-key-of-the-test-0123456789"


@pytest.fixture(scope="module")
def stored(mlflow_server):
    def env(url):
        return {"GROQ_BASE_URL": url, "GROQ_API_KEY": KEY}

    with run_and_read(mlflow_server, "every_groq_feature.py", "every Groq feature", env) as found:
        yield found


def test_the_tokens_are_those_billed(stored):
    stored.tokens_are_those_billed()


def test_every_model_call_is_one_trace_of_one_span(stored):
    ledger, traces = stored
    assert {len(trace.spans) for trace in traces} == {1}
    assert len(traces) == len([entry for entry in ledger if entry.api != "models"])


def test_prompts_answers_and_parameters(stored):
    span = stored.about("plain call").span("chat")
    inputs, outputs = span["mlflow.spanInputs"], span["mlflow.spanOutputs"]
    expected = [{"role": "system", "content": "You are terse."}, {"role": "user", "content": "plain call"}]
    assert inputs["messages"] == expected
    assert (inputs["temperature"], inputs["seed"], inputs["model"]) == (0.2, 7, "llama-3.3-70b-versatile")
    assert outputs["choices"][0]["message"]["content"].startswith("You asked: plain call")
    assert (span["mlflow.llm.provider"], span["mlflow.llm.model"]) == ("groq", "llama-3.3-70b-versatile-2026-08-01")


@pytest.mark.parametrize("words", ["streamed call", "raw call", "bytes call", "async call", "async stream"])
def test_every_way_shows_the_answer(stored, words):
    assert stored.about(words).info["response_preview"].startswith("You asked: ")


def test_errors_and_keys(stored):
    assert stored.about("too many").info["state"] == "ERROR"
    assert not [trace for trace in stored[1] if KEY in trace.text]
