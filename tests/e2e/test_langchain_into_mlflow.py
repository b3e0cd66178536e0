"""Agents, chains and retrievers of LangChain, zero code, into a real MLflow server, over its REST API."""

from __future__ import annotations

import pytest

from tests.support.stored import run_and_read

pytest.importorskip("langchain", reason="langchain is not installed")
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def stored(mlflow_server):
    def env(url):
        return {"OPENAI_BASE_URL": f"{url}/v1", "OPENAI_API_KEY": "sk-key-of-the-test-0123456789"}

    with run_and_read(mlflow_server, "every_langchain_feature.py", "every LangChain feature", env) as found:
        yield found


def test_the_tokens_are_those_billed(stored):
    stored.tokens_are_those_billed()


@pytest.mark.parametrize("words", ["agent call", "async agent"])
def test_an_agent_is_one_trace_with_its_model_calls_and_its_tool(stored, words):
    trace = stored.about(words)
    names = sorted(name for name, *_ in trace.spans)
    assert names == ["chat gpt-4.1-mini"] * 2 + ["execute_tool get_weather", "invoke_agent weather"]
    agent = trace.span("invoke_agent")
    assert agent["mlflow.spanType"] == "AGENT"
    assert "mlflow.chat.tokenUsage" not in agent
    assert words in agent["mlflow.spanInputs"]["messages"][0]["content"]
    assert [one["role"] for one in agent["mlflow.spanOutputs"]["messages"]] == ["assistant", "tool", "assistant"]
    assert trace.span("execute_tool")["mlflow.spanType"] == "TOOL"
    assert trace.info["trace_metadata"]["mlflow.trace.session"] == "trip-7"
    assert trace.info["state"] == "OK"


def test_a_chain_has_its_retrieval_and_its_model_call(stored):
    trace = next(one for one in stored.traces if any(name == "invoke_workflow answer" for name, *_ in one.spans))
    assert sorted(name for name, *_ in trace.spans) == ["chat gpt-4.1-mini", "invoke_workflow answer", "retrieval"]
    retrieval = trace.span("retrieval")
    assert retrieval["mlflow.spanType"] == "RETRIEVER"
    assert retrieval["mlflow.spanOutputs"][0]["page_content"] == "At the harbour."


def test_a_model_alone_is_one_span(stored):
    assert len(stored.about("streamed call").spans) == 1
