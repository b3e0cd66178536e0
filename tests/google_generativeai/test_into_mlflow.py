"""The programs of MLflow's guide for google-generativeai, zero code and in code, into a real MLflow server."""

from __future__ import annotations

import pytest

from tests.support.mlflow_server import mlflow_server
from tests.support.stored import Stored
from tests.support.zero_code import run, run_plainly

__all__ = ["mlflow_server"]
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

GUIDE = """
import asyncio
import os
import google.generativeai as genai

genai.configure(api_key=os.environ["GEMINI_API_KEY"], client_options={"api_endpoint": os.environ["SERVICE"]})
model = genai.GenerativeModel("gemini-1.5-flash")
print(model.generate_content("The opposite of hot is").text)

chat = model.start_chat(history=[])
print(chat.send_message("In one sentence, explain how a computer works to a young child.").text)
for chunk in chat.send_message("Okay, how about a more detailed explanation to a high schooler?", stream=True):
    print(chunk.text)

def add(a: float, b: float) -> float:
    return a + b

chat = genai.GenerativeModel("gemini-1.5-flash", tools=[add]).start_chat(enable_automatic_function_calling=True)
print(chat.send_message("I have 57 cats and get 3 more. How many have I?").text)

async def ask():
    return await model.generate_content_async("The opposite of cold is")

print(asyncio.run(ask()).text)
print(len(genai.embed_content(model="models/text-embedding-004", content="Hello world")["embedding"]))
"""
IN_CODE = """
import os
import genspan
import mlflow

genspan.configure()
mlflow.set_tracking_uri(os.environ["SERVER"])
mlflow.set_experiment(os.environ["EXPERIMENT"])
"""


def says(prompt, out, total, **part):
    usage = {"promptTokenCount": prompt, "candidatesTokenCount": out, "totalTokenCount": total}
    candidate = {"content": {"role": "model", "parts": [part]}, "finishReason": "STOP"}
    return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "gemini-1.5-flash-002"}


def answer(method, request):
    if method == "EmbedContent":
        return {"embedding": {"values": [0.5, 0.25]}}
    if method.startswith("Stream"):
        return [says(40, 5, 45, text="A computer "), says(40, 20, 72, text="computes.")]
    if request.get("tools") and len(request["contents"]) == 1:
        return says(60, 10, 75, functionCall={"name": "add", "args": {"a": 57, "b": 3}})
    return says(10 * len(request["contents"]), 7, 10 * len(request["contents"]) + 10, text="cold")


@pytest.mark.parametrize("how", ["zero code", "in code"])
def test_the_programs_of_the_guide(mlflow_server, service, tmp_path, how):
    experiment, program = f"the older SDK, {how}", tmp_path / "guide.py"
    service.answer = answer
    env = {"SERVICE": service.address}
    if how == "zero code":
        program.write_text(GUIDE, "utf-8")
        env |= {"MLFLOW_TRACKING_URI": mlflow_server.uri, "MLFLOW_EXPERIMENT_NAME": experiment}
        done = run(program, env, "")
    else:
        program.write_text(IN_CODE + GUIDE, "utf-8")
        done = run_plainly(program, {**env, "SERVER": mlflow_server.uri, "EXPERIMENT": experiment}, "")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["cold", "cold", "A", "computer", "computes.", "cold", "cold", "2"]
    traces = [Stored(mlflow_server.trace(info["trace_id"])) for info in mlflow_server.trace_infos(experiment)]
    assert len(traces) == 6
    billed = service.billed()
    assert billed == (10 + 10 + 40 + 60 + 30 + 10, 10 + 10 + 32 + 15 + 10 + 10)
    for side, count in zip(("input_tokens", "output_tokens"), billed, strict=True):
        assert sum(trace.usage.get(side, 0) for trace in traces) == count
    assert {trace.info["state"] for trace in traces} == {"OK"}
    previews = [trace.info.get("request_preview", "") for trace in traces]
    assert any("opposite of hot" in preview for preview in previews)
    (agent,) = [trace for trace in traces if len(trace.spans) > 1]
    kinds = sorted(attributes["mlflow.spanType"] for _, attributes, _ in agent.spans)
    assert kinds == ["AGENT", "CHAT_MODEL", "CHAT_MODEL", "TOOL"]
    assert agent.span("execute_tool")["mlflow.spanOutputs"] == {"result": 60.0}
