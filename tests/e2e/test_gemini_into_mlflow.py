"""The main job: a program with every Gemini feature, zero code, into a real MLflow server, over its REST API."""

from __future__ import annotations

import json

import pytest

from tests.support.stored import run_and_read

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def stored(mlflow_server):
    with run_and_read(mlflow_server, "every_gemini_feature.py", "every Gemini feature", lambda url: {}) as found:
        yield found


def test_every_call_of_the_program_is_one_trace_and_the_tokens_are_those_billed(stored):
    ledger, traces = stored
    whole = [entry for entry in ledger.billed if entry.complete]
    assert sum(trace.usage.get("input_tokens", 0) for trace in traces) == ledger.total().input
    partial = [t for t in traces if t.spans[0][1].get("genspan.response.partial")]
    left = sum(t.usage["output_tokens"] for t in partial)
    assert len(partial) == 1
    assert sum(t.usage.get("output_tokens", 0) for t in traces) - left == sum(entry.bill.output for entry in whole)
    for trace in traces:
        own = [a["mlflow.chat.tokenUsage"] for _, a, _ in trace.spans if "mlflow.chat.tokenUsage" in a]
        assert trace.usage.get("total_tokens", 0) == sum(usage["total_tokens"] for usage in own)


def test_prompts_answers_and_parameters(stored):
    span = stored.about("plain call").span("generate_content")
    inputs, outputs = span["mlflow.spanInputs"], span["mlflow.spanOutputs"]
    assert inputs["messages"] == [
        {"role": "system", "content": "You are terse."},
        {"role": "user", "content": "plain call"},
    ]
    assert (inputs["temperature"], inputs["max_tokens"], inputs["seed"]) == (0.2, 100, 7)
    assert outputs["choices"][0]["message"]["role"] == "assistant"
    assert outputs["choices"][0]["message"]["content"].startswith('You asked: "plain call"')
    assert span["mlflow.llm.model"] == "gemini-2.5-flash"
    assert span["mlflow.spanType"] == "CHAT_MODEL"


def test_names_states_and_previews(stored):
    trace = stored.about("plain call")
    assert trace.info["tags"]["mlflow.traceName"] == "generate_content gemini-2.5-flash"
    assert trace.info["state"] == "OK"
    assert trace.info["response_preview"].startswith('You asked: "plain call"')
    assert stored.about("too many").info["state"] == "ERROR"
    assert "429" in stored.about("too many").text


def test_a_function_call_is_a_tree(stored):
    trace = _tree(stored, "get_weather")
    types = sorted(attributes["mlflow.spanType"] for _, attributes, _ in trace.spans)
    assert types == ["AGENT", "CHAT_MODEL", "CHAT_MODEL", "TOOL"]
    tool = trace.span("execute_tool")
    assert set(tool["mlflow.spanInputs"]) == {"city"}
    assert tool["mlflow.spanOutputs"]["sky"] == "sunny"
    assert "mlflow.chat.tokenUsage" not in trace.span("invoke_agent")


def _tree(stored, tool):
    return next(t for t in stored[1] if len(t.spans) == 4 and any(tool in name for name, _, _ in t.spans))


def test_tools_that_fail_and_tools_that_work_count_as_such(stored):
    states = {
        name: span["status"]["code"]
        for trace in stored[1]
        for name, _, span in trace.spans
        if name.startswith("execute_tool")
    }
    assert states == {"execute_tool get_weather": "STATUS_CODE_OK", "execute_tool broken_tool": "STATUS_CODE_ERROR"}
    failing = next(t for t in stored[1] if "broken_tool" in t.text)
    assert failing.span("execute_tool")["error.type"] == "LookupError"


def test_a_session_is_a_session(stored):
    turns = [t for t in stored[1] if t.info.get("trace_metadata", {}).get("mlflow.trace.session") == "conversation-1"]
    assert len(turns) == 2
    assert {t.info["trace_metadata"]["mlflow.trace.user"] for t in turns} == {"ada"}
    assert {t.info["tags"]["tenant"] for t in turns} == {"acme"}


def test_media_thoughts_structure_and_blocks(stored):
    image = stored.about("image call").span("generate_content")["mlflow.spanInputs"]
    assert image["messages"][0]["content"][0]["image_url"]["url"].startswith("data:image/png;base64,")
    made = stored.about("image output call").span("generate_content")["mlflow.spanOutputs"]
    assert "image_url" in json.dumps(made)
    thought = stored.about("thinking call").span("generate_content")["mlflow.spanOutputs"]
    assert thought["choices"][0]["message"]["reasoning"]
    assert stored.about("structured call").span("generate_content")["gen_ai.output.type"] == "json"
    assert len(stored.about("several").span("generate_content")["mlflow.spanOutputs"]["choices"]) == 2
    blocked = stored.about("BLOCK this").span("generate_content")
    assert blocked["gen_ai.response.finish_reasons"]
    assert "gen_ai.usage.cache_read.input_tokens" in stored.about("cached call").span("generate_content")


def test_embeddings_and_counts(stored):
    embedded = next(t for t in stored[1] if t.spans[0][0].startswith("embeddings"))
    assert embedded.spans[0][1]["mlflow.spanType"] == "EMBEDDING"
    assert embedded.spans[0][1]["mlflow.spanInputs"]["input"] == ["one", "two"]
    counted = next(t for t in stored[1] if t.spans[0][0].startswith("count_tokens"))
    assert "mlflow.chat.tokenUsage" not in counted.spans[0][1]
    vertex = next(t for t in stored[1] if t.spans[0][1].get("gen_ai.provider.name") == "gcp.vertex_ai")
    assert vertex.spans[0][1]["mlflow.llm.provider"] == "vertex_ai"
