"""A program with every feature of anthropic, zero code, into a real MLflow server, over its REST API."""

from __future__ import annotations

import pytest

from tests.support.stored import run_and_read

pytestmark = pytest.mark.e2e
KEY = "sk-ant-key-of-the-test-0123456789"


@pytest.fixture(scope="module")
def stored(mlflow_server):
    def env(url):
        return {"ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": KEY}

    with run_and_read(mlflow_server, "every_anthropic_feature.py", "every Anthropic feature", env) as found:
        yield found


def test_the_tokens_are_those_billed(stored):
    stored.tokens_are_those_billed()
    assert sum(entry.bill.cached for entry in stored.ledger.billed) > 0


def test_no_span_is_the_sdks_own(stored):
    names = {name for trace in stored[1] for name, _, _ in trace.spans}
    assert {name.partition(" ")[0] for name in names} == {
        "chat",
        "count_tokens",
        "execute_tool",
        "fetch_response",
        "invoke_agent",
    }


def test_prompts_and_answers(stored):
    span = stored.about("plain call").span("chat")
    inputs = span["mlflow.spanInputs"]
    assert inputs["messages"] == [
        {"role": "system", "content": "You are terse."},
        {"role": "user", "content": "plain call"},
    ]
    assert (inputs["max_tokens"], inputs["model"]) == (100, "claude-sonnet-5")
    assert span["mlflow.spanOutputs"]["choices"][0]["message"]["content"].startswith("You asked: plain call")


def test_cache_writes_of_an_hour_are_apart(stored):
    usage = stored.about("cached call").span("chat")["mlflow.chat.tokenUsage"]
    assert usage["cache_creation_input_tokens_above_1hr"] > 0
    assert usage["cache_creation_input_tokens"] + usage["cache_read_input_tokens"] < usage["input_tokens"]


def test_a_tool_runner_is_one_trace_with_session_and_user(stored):
    (trace,) = [trace for trace in stored[1] if any(name == "invoke_agent" for name, _, _ in trace.spans)]
    assert sorted(name for name, _, _ in trace.spans) == [
        "chat claude-sonnet-5",
        "chat claude-sonnet-5",
        "execute_tool get_weather",
        "invoke_agent",
    ]
    assert trace.info["trace_metadata"]["mlflow.trace.session"] == "trip-42"
    assert trace.info["trace_metadata"]["mlflow.trace.user"] == "ada"


def test_no_key_is_stored(stored):
    assert not [trace for trace in stored[1] if KEY in trace.text]
