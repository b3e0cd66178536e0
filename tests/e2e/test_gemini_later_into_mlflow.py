"""What of Gemini is answered later or over a websocket: batches, videos, live sessions, into a real MLflow server."""

from __future__ import annotations

import json

import pytest

from tests.support.live_service import LiveService
from tests.support.provider import FakeProvider, Reply
from tests.support.stored import Stored
from tests.support.zero_code import run

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

PROGRAM = """
import asyncio
import os
from google import genai
from google.genai import types
from google.oauth2.credentials import Credentials

client = genai.Client()
for _ in range(2):
    job = client.batches.get(name="batches/b1")
    client.files.download(file=job.dest.file_name)
client.close()

where = {"project": "project-1", "location": "europe-west4", "http_options": {"base_url": os.environ["VERTEX"]}}
client = genai.Client(vertexai=True, credentials=Credentials(token="ya29.token"), **where)
source = {"prompt": "a dot that moves"}
operation = client.models.generate_videos(model="veo-3.0-generate-001", source=source, config={"duration_seconds": 8})
for _ in range(2):
    operation = client.operations.get(operation)
client.close()

async def main():
    live = genai.Client(http_options={"base_url": os.environ["LIVE"]})
    config = {"response_modalities": ["TEXT"]}
    async with live.aio.live.connect(model="gemini-live-2.5-flash", config=config) as session:
        for question in ("How warm is it?", "And tomorrow?"):
            await session.send_client_content(turns={"role": "user", "parts": [{"text": question}]})
            async for message in session.receive():
                for call in (message.tool_call and message.tool_call.function_calls) or ():
                    result = types.FunctionResponse(id=call.id, name=call.name, response={"degrees": 21})
                    await session.send_tool_response(function_responses=[result])
    live.close()

asyncio.run(main())
"""


def _answered(key, prompt, out):
    usage = {"promptTokenCount": prompt, "candidatesTokenCount": out, "totalTokenCount": prompt + out}
    candidate = {"content": {"role": "model", "parts": [{"text": "an answer"}]}, "finishReason": "STOP"}
    return {
        "key": key,
        "response": {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "gemini-2.5-flash"},
    }


METADATA = {
    "model": "models/gemini-2.5-flash",
    "state": "BATCH_STATE_SUCCEEDED",
    "output": {"responsesFile": "files/batch-b1"},
}
JOB = Reply(body={"name": "batches/b1", "done": True, "metadata": METADATA})
FILE = Reply(body="\n".join(json.dumps(one) for one in (_answered("a", 11, 7), _answered("b", 12, 8))).encode())
MODEL = "projects/project-1/locations/europe-west4/publishers/google/models/veo-3.0-generate-001"
OPERATION = {"name": f"{MODEL}/operations/op-1"}
VIDEOS = {"videos": [{"gcsUri": "gs://bucket/1.mp4", "mimeType": "video/mp4"}]}
DONE = Reply(body={**OPERATION, "done": True, "response": VIDEOS})


async def _live(socket):
    await socket.receive()
    call = {"id": "call-1", "name": "weather", "args": {"city": "Paris"}}
    await socket.send(toolCall={"functionCalls": [call]}, usageMetadata=socket.usage(50, 5))
    await socket.receive()
    await socket.answer("It is warm.", usage=socket.usage(70, 9, thoughts=3))
    await socket.receive()
    await socket.answer("Warmer.", usage=socket.usage(90, 4))


def test_each_is_counted_once(mlflow_server, tmp_path):
    program = tmp_path / "later.py"
    program.write_text(PROGRAM, "utf-8")
    with FakeProvider() as provider, LiveService(_live, tmp_path) as live:
        provider.script(JOB, FILE, JOB, FILE, Reply(body=OPERATION), DONE, DONE)
        env = {"MLFLOW_TRACKING_URI": mlflow_server.uri, "MLFLOW_EXPERIMENT_NAME": "answered later"}
        env["VERTEX"] = provider.url
        done = run(program, {**env, "LIVE": live.url, "SSL_CERT_FILE": live.trusted}, provider.url)
        spoken = live.billed()
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    traces = [Stored(mlflow_server.trace(info["trace_id"])) for info in mlflow_server.trace_infos("answered later")]
    assert spoken == (210, 21)
    assert sum(trace.usage.get("input_tokens", 0) for trace in traces) == 11 + 12 + spoken.input
    assert sum(trace.usage.get("output_tokens", 0) for trace in traces) == 7 + 8 + spoken.output
    (session,) = [trace for trace in traces if len(trace.spans) > 1]
    kinds = sorted(attributes["mlflow.spanType"] for _, attributes, _ in session.spans)
    assert kinds == ["AGENT", "CHAT_MODEL", "CHAT_MODEL", "TOOL"]
    assert session.usage["input_tokens"] == 210
    assert session.span("execute_tool")["mlflow.spanOutputs"] == {"degrees": 21}
    videos = [
        a["genspan.usage.video.seconds"] for t in traces for _, a, _ in t.spans if "genspan.usage.video.seconds" in a
    ]
    assert videos == [8.0]
    assert {trace.info["state"] for trace in traces} == {"OK"}
