"""A program with every feature of anthropic, zero code, into a real MLflow server, over its REST API."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.test_gemini_into_mlflow import Stored
from tests.support.provider import FakeProvider
from tests.support.zero_code import ROOT, run

if TYPE_CHECKING:
    from tests.support.mlflow_server import MlflowServer

pytestmark = pytest.mark.e2e
EXPERIMENT = "every Anthropic feature"
KEY = "sk-ant-key-of-the-test-0123456789"


@pytest.fixture(scope="module")
def stored(mlflow_server: MlflowServer):
    with FakeProvider() as provider:
        env = {"MLFLOW_TRACKING_URI": mlflow_server.uri, "MLFLOW_EXPERIMENT_NAME": EXPERIMENT}
        env |= {"ANTHROPIC_BASE_URL": provider.url, "ANTHROPIC_API_KEY": KEY}
        done = run(ROOT / "tests/e2e/programs/every_anthropic_feature.py", env, provider.url)
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr
        traces = [Stored(mlflow_server.trace(info["trace_id"])) for info in mlflow_server.trace_infos(EXPERIMENT)]
        yield provider.ledger, traces


def span_of(stored, words: str):
    found = [trace for trace in stored[1] if words in trace.info.get("request_preview", "")]
    assert len(found) == 1, [trace.info.get("request_preview") for trace in stored[1]]
    return found[0].span("chat")


def test_the_tokens_are_those_billed(stored):
    ledger, traces = stored
    total = ledger.total()
    assert sum(trace.usage.get("input_tokens", 0) for trace in traces) == total.input
    assert sum(trace.usage.get("output_tokens", 0) for trace in traces) == total.output
    assert total.cached > 0


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
    span = span_of(stored, "plain call")
    inputs = span["mlflow.spanInputs"]
    assert inputs["messages"] == [
        {"role": "system", "content": "You are terse."},
        {"role": "user", "content": "plain call"},
    ]
    assert (inputs["max_tokens"], inputs["model"]) == (100, "claude-sonnet-5")
    assert span["mlflow.spanOutputs"]["choices"][0]["message"]["content"].startswith("You asked: plain call")


def test_cache_writes_of_an_hour_are_apart(stored):
    usage = span_of(stored, "cached call")["mlflow.chat.tokenUsage"]
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
