"""The SDK's loops of model calls and tools."""

from __future__ import annotations

import json

import pytest

from tests.openai.conftest import one_trace, run_with
from tests.support import verdict


def _runner(twin, execute):
    module = pytest.importorskip("openai.lib.responses_tool_runner", reason="not in this version of openai")
    parameters = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    tool = {"type": "function", "name": "get_weather", "description": "The weather.", "strict": True}
    tool["parameters"] = {**parameters, "additionalProperties": False}
    function = getattr(module, f"{twin}RegisteredFunction")(tool=tool, execute=execute)
    return getattr(module, f"{twin}ResponsesToolRunner")(functions=[function])


def _weather(arguments):
    return "sunny"


async def _async_weather(arguments):
    return "sunny"


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("stream", [False, True])
def test_a_tool_loop(install, provider, mode, stream):
    runner = _runner("Async", _async_weather) if mode == "async" else _runner("", _weather)
    telemetry = install(CAPTURE="true", GENSPAN_DIALECTS="genai,mlflow")
    passed = {"model": "gpt-4.1-mini", "input": "What is the weather in Paris?"}

    async def run(client):
        assert (await runner.run(client, passed, max_steps=4, stream=stream)).output_text
        await client.close()

    run_with(provider, mode, lambda client: runner.run(client, passed, max_steps=4, stream=stream), run)
    one_trace(telemetry, provider)
    verdict.nested(telemetry, True)
    (tool,) = telemetry.named("execute_tool")
    assert json.loads(tool.attributes["gen_ai.tool.call.arguments"]) == {"city": "Paris"}
    assert len(telemetry.named("chat")) == 2


def test_a_failing_tool_is_not_the_models_fault(install, provider, client):
    def execute(arguments):
        raise KeyError("nobody knows")

    runner = _runner("", execute)
    telemetry = install()
    with pytest.raises(Exception):  # noqa: B017  # the SDK's own error around the tool's
        runner.run(client, {"model": "gpt-4.1-mini", "input": "What is the weather in Paris?"}, max_steps=4)
    (tool,), (call,), (agent,) = (telemetry.named(one) for one in ("execute_tool", "chat", "invoke_agent"))
    assert verdict.failed(tool) == "KeyError"
    assert verdict.failed(call) is None
    assert verdict.failed(agent) is not None
