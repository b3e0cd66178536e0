"""What leaves of the content of agents and tools: no credential, no large data; and their metrics."""

from __future__ import annotations

import base64
import json
import os

import pytest
from langchain.agents import create_agent
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver

from tests.langchain.test_agents import ASK
from tests.support import verdict

KEY = "sk-live-4f9aZ81kQw77xPbb20"
IMAGE = base64.b64encode(os.urandom(3000)).decode()


@pytest.mark.parametrize("dialect", ["genai", "mlflow"])
def test_credentials_of_the_model_calls_are_nowhere_in_agents_and_tools(install, provider, gpt, dialect):
    @tool
    def whoami(city: str) -> str:
        """Gives a credential away."""
        return f"I use {KEY} for {city}"

    telemetry = install(CAPTURE="true", GENSPAN_DIALECTS=dialect)
    agent = create_agent(gpt(api_key=KEY), tools=[whoami], name="leaky")
    answer = agent.invoke({"messages": [("user", f"[[rounds=1]] my key is {KEY}")]})
    assert KEY in str(answer), "the program has it"
    assert b"I use [redacted] for" in telemetry.exported()
    assert KEY.encode() not in telemetry.exported()


def test_credentials_are_not_in_the_message_of_a_chains_error(install, provider, gpt):
    def fail(_):
        raise ValueError(f"not accepted: {KEY}")

    telemetry = install(CAPTURE="true")
    with pytest.raises(ValueError, match=KEY):
        (gpt(api_key=KEY) | RunnableLambda(fail, name="check")).invoke("hello")
    assert b"not accepted: [redacted]" in telemetry.exported()
    assert KEY.encode() not in telemetry.exported()


def test_credentials_in_the_configuration_are_no_metadata(install, provider, gpt):
    telemetry = install()
    gpt().invoke("hello", {"metadata": {"tenant_api_key": KEY, "customer": "acme"}})
    assert telemetry.spans[0].attributes["genspan.langchain.metadata"] == '{"customer":"acme"}'
    assert KEY.encode() not in telemetry.exported()


@pytest.mark.parametrize("dialect", ["genai", "mlflow"])
@pytest.mark.parametrize("form", ["text", "data URL", "blocks", "structure", "bytes"])
def test_large_data_is_named_in_agents_and_tools(install, provider, gpt, dialect, form):
    results = {
        "text": IMAGE,
        "data URL": f"![plot](data:image/png;base64,{IMAGE})",
        "blocks": [{"type": "image", "base64": IMAGE, "mime_type": "image/png"}],
        "structure": {"screenshots": [{"png": IMAGE}]},
        "bytes": base64.b64decode(IMAGE),
    }

    @tool
    def screenshot(city: str) -> object:
        """Take a picture."""
        return results[form]

    telemetry = install(CAPTURE="true", GENSPAN_DIALECTS=dialect, GENSPAN_MAX_BLOB_BYTES="1000")
    screenshot.invoke({"city": "Paris"})
    RunnableLambda(lambda _: results[form], name="camera").invoke(
        {"messages": [("user", [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{IMAGE}"}}])]}
    )
    exported = telemetry.exported()
    assert IMAGE[1000:1100].encode() not in exported
    assert repr(base64.b64decode(IMAGE))[100:140].encode() not in exported
    assert form == "bytes" or b"bytes, not kept" in exported or b"blob_omitted" in exported


def test_large_data_of_an_agents_tool_is_named_in_every_span(install, provider, gpt):
    @tool
    def screenshot(city: str) -> str:
        """Take a picture."""
        return f"data:image/png;base64,{IMAGE}"

    telemetry = install(CAPTURE="true", GENSPAN_MAX_BLOB_BYTES="1000", GENSPAN_DIALECTS="genai,mlflow")
    create_agent(gpt(), tools=[screenshot], name="camera").invoke(ASK)
    assert IMAGE[1000:1100].encode() not in telemetry.exported()
    (ran,) = telemetry.named("execute_tool")
    assert json.loads(ran.attributes["gen_ai.tool.call.result"]) == {"result": "[image/png: 3000 bytes, not kept]"}


def test_output_of_an_agent_is_what_came_after_the_question(install, provider, gpt):
    telemetry = install(CAPTURE="true", GENSPAN_DIALECTS="genai,mlflow")
    agent = create_agent(gpt(), tools=[], checkpointer=InMemorySaver(), name="memory")
    for question in ("first", "second"):
        agent.invoke({"messages": [("user", question)]}, {"configurable": {"thread_id": "t"}})
    last = telemetry.named("invoke_agent")[-1].attributes
    (answer,) = json.loads(last["mlflow.spanOutputs"])["messages"]
    assert (answer["role"], "second" in answer["content"]) == ("assistant", True)
    (answer,) = json.loads(last["gen_ai.output.messages"])
    assert (answer["role"], "second" in str(answer["parts"])) == ("assistant", True)


def points(telemetry, metric):
    return [(dict(point.attributes), point.count, point.sum) for point in telemetry.points(metric)]


def test_metrics_of_agents_tools_and_workflows(install, provider, gpt):
    inner = create_agent(gpt(), tools=[], name="helper")

    @tool
    def ask_helper(city: str) -> str:
        """Ask another agent."""
        return inner.invoke({"messages": [("user", "hello")]})["messages"][-1].content

    telemetry = install()
    boss = create_agent(gpt(), tools=[ask_helper], name="boss")
    RunnableLambda(lambda _: boss.invoke(ASK)["messages"][-1].content, name="job").invoke("go")
    verdict.sound(telemetry)
    assert points(telemetry, "gen_ai.invoke_agent.inference_calls") == [
        ({"gen_ai.agent.name": "helper"}, 1, 1),
        ({"gen_ai.agent.name": "boss"}, 1, 2),
    ]
    assert points(telemetry, "gen_ai.invoke_agent.tool_calls") == [
        ({"gen_ai.agent.name": "helper"}, 1, 0),
        ({"gen_ai.agent.name": "boss"}, 1, 1),
    ]
    durations = {
        name: [attributes for attributes, _, seconds in points(telemetry, name) if seconds > 0]
        for name in ("gen_ai.invoke_agent.duration", "gen_ai.invoke_workflow.duration", "gen_ai.execute_tool.duration")
    }
    tool_attributes = {
        "gen_ai.tool.name": "ask_helper",
        "gen_ai.tool.type": "function",
        "gen_ai.agent.name": "boss",
    }
    assert durations == {
        "gen_ai.invoke_agent.duration": [{"gen_ai.agent.name": "helper"}, {"gen_ai.agent.name": "boss"}],
        "gen_ai.invoke_workflow.duration": [{"gen_ai.workflow.name": "job"}],
        "gen_ai.execute_tool.duration": [tool_attributes],
    }


def test_failed_agent_has_its_error_in_its_metrics(install, provider, gpt):
    @tool
    def explode(city: str) -> str:
        """Does not work."""
        raise ValueError("broken")

    telemetry = install()
    with pytest.raises(ValueError, match="broken"):
        create_agent(gpt(), tools=[explode], name="words").invoke(ASK)
    ((attributes, count, _),) = points(telemetry, "gen_ai.invoke_agent.duration")
    assert (attributes, count) == ({"gen_ai.agent.name": "words", "error.type": "ValueError"}, 1)
