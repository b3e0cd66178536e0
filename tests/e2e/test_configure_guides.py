"""The programs of MLflow's guides for Gemini and for its AI gateway, with only their first lines changed.

`mlflow.gemini.autolog()` and its kin make room for `genspan.configure()`; where the traces go is what the guides' own
lines say. The server, its gateway and the SDKs are real, the models behind them are not, and their ledger is the truth.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.support.stored import Stored
from tests.support.zero_code import Done, run_plainly
from tests.support.zero_code import run as run_instrumented

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.mlflow_gateway import Gateway
    from tests.support.provider import Ledger

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

SET_UP = "import genspan\ngenspan.configure()\n"
LINES = """
import os
import mlflow
mlflow.set_tracking_uri(os.environ["SERVER"])
mlflow.set_experiment(os.environ["EXPERIMENT"])
"""
GEMINI = """
from google import genai
client = genai.Client(api_key=os.environ["GEMINI_API_KEY"])
"""
PROGRAMS = {
    "generate": f"""{GEMINI}
response = client.models.generate_content(model="gemini-2.5-flash", contents="The opposite of hot is")
print(response.text)
""",
    "chat": f"""{GEMINI}
chat = client.chats.create(model="gemini-2.5-flash")
print(chat.send_message("In one sentence, explain how a computer works to a young child.").text)
print(chat.send_message("Okay, how about a more detailed explanation to a high schooler?").text)
""",
    "async": f"""{GEMINI}
import asyncio
async def main():
    response = await client.aio.models.generate_content(model="gemini-2.5-flash", contents="The opposite of hot is")
    print(response.text)
    await client.aio.aclose()
asyncio.run(main())
""",
    "embeddings": f"""{GEMINI}
result = client.models.embed_content(model="gemini-embedding-001", contents="Hello world")
print(len(result.embeddings))
""",
    "stream": f"""{GEMINI}
for chunk in client.models.generate_content_stream(model="gemini-2.5-flash", contents="Tell me a story"):
    print(chunk.text, end="")
""",
    "functions": f"""{GEMINI}
def get_weather(city: str) -> str:
    "Get the weather of a city."
    return "sunny"
config = {{"tools": [get_weather]}}
print(client.models.generate_content(model="gemini-2.5-flash", contents="The weather in Paris?", config=config).text)
""",
    "error": f"""{GEMINI}
try:
    client.models.generate_content(model="no-such-model", contents="The opposite of hot is")
except genai.errors.ClientError as error:
    print(error.code)
""",
    "token usage": f"""{GEMINI}
client.models.generate_content(model="gemini-2.5-flash", contents="The opposite of hot is")
trace = mlflow.get_trace(trace_id=genspan.last_trace_id())
total_usage = trace.info.token_usage
print(total_usage["input_tokens"], total_usage["output_tokens"], total_usage["total_tokens"])
for span in trace.data.spans:
    if usage := span.get_attribute("mlflow.chat.tokenUsage"):
        print(span.name, usage["total_tokens"])
""",
    "disable": f"""{GEMINI}
client.models.generate_content(model="gemini-2.5-flash", contents="The opposite of hot is")
genspan.uninstrument()
client.models.generate_content(model="gemini-2.5-flash", contents="This is not traced")
""",
    "gateway openai": """
from openai import OpenAI
client = OpenAI(base_url=os.environ["SERVER"] + "/gateway/openai/v1", api_key="dummy")
messages = [{"role": "user", "content": "How are you?"}]
print(client.chat.completions.create(model="openai", messages=messages).choices[0].message.content)
""",
    "gateway anthropic": """
import anthropic
client = anthropic.Anthropic(base_url=os.environ["SERVER"] + "/gateway/anthropic", api_key="dummy")
messages = [{"role": "user", "content": "How are you?"}]
print(client.messages.create(model="anthropic", max_tokens=1024, messages=messages).content[0].text)
""",
    "gateway langchain": """
from langchain.agents import create_agent
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
@tool
def get_weather(city: str) -> str:
    "Get the weather of a city."
    return "sunny"
model = ChatOpenAI(model="gemini", base_url=os.environ["SERVER"] + "/gateway/mlflow/v1", api_key="dummy")
agent = create_agent(model, tools=[get_weather], name="weather")
print(agent.invoke({"messages": [("user", "The weather in Paris?")]})["messages"][-1].content)
""",
    "gateway gemini": """
from google import genai
options = {"base_url": os.environ["SERVER"] + "/gateway/gemini", "api_version": "v1beta"}
client = genai.Client(api_key="dummy", http_options=options)
print(client.models.generate_content(model="gemini", contents="How are you?").text)
""",
}


class Outcome(NamedTuple):
    ledger: Ledger
    traces: list[Stored]
    stdout: str


def run(
    place: Gateway, folder: Path, name: str, program: str, how: Callable[..., Done] = run_plainly, **env: str
) -> Outcome:
    """Run a program to its end; its traces, oldest first."""
    place.provider.reset()
    path = folder / "program.py"
    path.write_text(program, encoding="utf-8")
    done = how(path, {"SERVER": place.server.uri, "EXPERIMENT": name, **env}, place.provider.url)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    traces = [Stored(place.server.trace(info["trace_id"])) for info in place.server.trace_infos(name)][::-1]
    return Outcome(place.provider.ledger, traces, done.stdout)


def exact(outcome: Outcome) -> None:
    """Tokens are those billed, once each: of the traces, and of their spans."""
    billed = outcome.ledger.total()
    assert sum(trace.usage.get("input_tokens", 0) for trace in outcome.traces) == billed.input
    assert sum(trace.usage.get("output_tokens", 0) for trace in outcome.traces) == billed.output
    spans = [
        a["mlflow.chat.tokenUsage"] for t in outcome.traces for _, a, _ in t.spans if "mlflow.chat.tokenUsage" in a
    ]
    assert sum(usage["total_tokens"] for usage in spans) == billed.total
    assert len(spans) == len(outcome.ledger.billed)


# What each makes of traces: their names in MLflow and their states.
PLAIN = "generate_content gemini-2.5-flash"
TRACES = {
    "generate": [(PLAIN, "OK")],
    "chat": [(PLAIN, "OK")] * 2,
    "async": [(PLAIN, "OK")],
    "embeddings": [("embeddings gemini-embedding-001", "OK")],
    "stream": [(PLAIN, "OK")],
    "functions": [("invoke_agent gemini-2.5-flash: The weather in Paris?", "OK")],
    "error": [("generate_content no-such-model", "ERROR")],
    "token usage": [(PLAIN, "OK")],
    "gateway openai": [("chat openai", "OK")],
    "gateway anthropic": [("chat anthropic", "OK")],
    "gateway gemini": [("generate_content gemini", "OK")],
    "gateway langchain": [("invoke_agent weather", "OK")],
}


@pytest.mark.parametrize("name", TRACES)
def test_exact(mlflow_gateway, tmp_path, name):
    outcome = run(mlflow_gateway, tmp_path, name, SET_UP + LINES + PROGRAMS[name])
    found = [(trace.info["tags"]["mlflow.traceName"], trace.info["state"]) for trace in outcome.traces]
    assert found == TRACES[name]
    exact(outcome)
    if name not in ("error", "embeddings"):
        assert outcome.ledger.total().total > 0
        assert all(trace.info["response_preview"] for trace in outcome.traces)
    if name in ("functions", "gateway langchain"):
        assert len(outcome.traces[0].spans) == 4
    if name == "token usage":
        billed = outcome.ledger.total()
        assert outcome.stdout == f"{billed.input} {billed.output} {billed.total}\n{PLAIN} {billed.total}\n"


def test_the_other_order_of_the_first_lines(mlflow_gateway, tmp_path):
    outcome = run(mlflow_gateway, tmp_path, "after the lines", LINES + SET_UP + PROGRAMS["generate"])
    assert [trace.info["tags"]["mlflow.traceName"] for trace in outcome.traces] == [PLAIN]
    exact(outcome)
    assert "The opposite of hot is" in outcome.traces[0].text


def test_disabled(mlflow_gateway, tmp_path):
    outcome = run(mlflow_gateway, tmp_path, "disable", SET_UP + LINES + PROGRAMS["disable"])
    first, second = outcome.ledger.billed
    (trace,) = outcome.traces
    assert trace.usage["total_tokens"] == first.bill.total
    assert "This is not traced" not in trace.text
    assert second.billed


def test_arguments_in_place_of_the_lines(mlflow_gateway, tmp_path):
    lines = "import os, genspan\ngenspan.configure(mlflow=os.environ['SERVER'], experiment=os.environ['EXPERIMENT'])\n"
    outcome = run(mlflow_gateway, tmp_path, "arguments", lines + PROGRAMS["chat"])
    assert len(outcome.traces) == 2
    exact(outcome)


def test_under_opentelemetry_instrument_too(mlflow_gateway, tmp_path):
    """The same server named twice, in the environment and in code, is stored once."""
    settings = {"MLFLOW_TRACKING_URI": mlflow_gateway.server.uri, "MLFLOW_EXPERIMENT_NAME": "both"}
    outcome = run(mlflow_gateway, tmp_path, "both", SET_UP + LINES + PROGRAMS["generate"], run_instrumented, **settings)
    assert len(outcome.traces) == 1
    exact(outcome)


def test_a_run_has_the_traces_that_began_in_it(mlflow_gateway, tmp_path):
    """`mlflow.start_run` is in the full package; here its stack of active runs is filled as it fills it."""
    made = mlflow_gateway.server.call("/api/2.0/mlflow/experiments/create", {"name": "runs"})
    started = {"experiment_id": made["experiment_id"], "start_time": 1}
    run_id = mlflow_gateway.server.call("/api/2.0/mlflow/runs/create", started)["run"]["info"]["run_id"]
    steps = f"""{LINES}{GEMINI}
from types import SimpleNamespace
from mlflow.tracking import fluent
def ask(text):
    client.models.generate_content(model="gemini-2.5-flash", contents=text)
ask("before the run")
info = SimpleNamespace(run_id={run_id!r}, experiment_id={made["experiment_id"]!r}, start_time=1)
fluent._active_run_stack.get().append(SimpleNamespace(info=info))
ask("in the run")
fluent._active_run_stack.get().pop()
ask("after the run")
"""
    outcome = run(mlflow_gateway, tmp_path, "runs", SET_UP + steps)
    where = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": made["experiment_id"]}}
    body = {"locations": [where], "filter": f"run_id = '{run_id}'", "max_results": 100}
    linked = mlflow_gateway.server.call("/api/3.0/mlflow/traces/search", body)["traces"]
    assert [info["request_preview"] for info in linked] == ["in the run"]
    assert len(outcome.traces) == 3
    exact(outcome)
