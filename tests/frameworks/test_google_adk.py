"""google-adk: spans `invoke_workflow`, `invoke_agent` and `generate_content` around ours, in scope gcp.vertex.agent."""

from __future__ import annotations

import asyncio

import pytest
from google.adk.agents import Agent, ParallelAgent, RunConfig, SequentialAgent
from google.adk.agents.run_config import StreamingMode
from google.adk.runners import InMemoryRunner
from google.genai import types

from tests.support.provider.script import Reply

MODEL = "gemini-2.5-flash"
MODES = {"plain": StreamingMode.NONE, "stream": StreamingMode.SSE}


@pytest.fixture
def traced(program, provider, monkeypatch):
    def start(**environment):
        telemetry = program(**environment)
        monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", provider.url)
        monkeypatch.setenv("GOOGLE_API_KEY", "key-123456789")
        return telemetry

    return start


def weather(city: str = "Paris") -> str:
    """The weather of a city."""
    return "sunny"


def agent(name: str = "helper", **options) -> Agent:
    return Agent(name=name, model=MODEL, instruction="Help.", **options)


def run(root, mode: StreamingMode = StreamingMode.NONE, stop_after: int | None = None) -> list:
    async def events():
        runner = InMemoryRunner(agent=root, app_name="app")
        session = await runner.session_service.create_session(app_name="app", user_id="u")
        found = []
        running = runner.run_async(
            user_id="u",
            session_id=session.id,
            new_message=types.UserContent("What is the weather in Paris?"),
            run_config=RunConfig(streaming_mode=mode),
        )
        async for event in running:
            found.append(event)
            if len(found) == stop_after:
                await running.aclose()
                break
        await runner.close()
        return found

    return asyncio.run(events())


def nested(telemetry, calls: int) -> None:
    """Each call of ours is the child of the framework's span of the same call, in one trace."""
    spans = {span.context.span_id: span for span in telemetry.spans}
    ours = [span for span in spans.values() if span.instrumentation_scope.name == "genspan.gemini"]
    parents = [spans[span.parent.span_id] for span in ours]
    assert [parent.instrumentation_scope.name for parent in parents] == ["gcp.vertex.agent"] * calls
    assert {parent.name for parent in parents} == {f"generate_content {MODEL}"}
    assert len({span.context.trace_id for span in spans.values()}) == 1


@pytest.mark.parametrize("mode", MODES)
def test_an_answer(traced, provider, mode):
    telemetry = traced()
    run(agent(), MODES[mode])
    nested(telemetry, 1)


@pytest.mark.parametrize("mode", MODES)
def test_tools(traced, provider, mode):
    telemetry = traced()
    run(agent(tools=[weather]), MODES[mode])
    nested(telemetry, 2)
    assert {span.instrumentation_scope.name for span in telemetry.named("execute_tool")} == {"gcp.vertex.agent"}


@pytest.mark.parametrize("team", [SequentialAgent, ParallelAgent])
def test_several_agents(traced, provider, team):
    telemetry = traced()
    run(team(name="team", sub_agents=[agent("one"), agent("two", tools=[weather]), agent("three")]))
    nested(telemetry, 4)


def test_an_error(traced, provider):
    telemetry = traced()
    provider.script(Reply(status=400))
    with pytest.raises(Exception, match="scripted failure"):
        run(agent())
    nested(telemetry, 1)


def test_a_stream_that_the_program_leaves(traced, provider):
    """The framework's span may end first; the usage that has arrived is on ours."""
    telemetry = traced()
    provider.script(Reply(text="word " * 40, hold=1))
    run(agent(), StreamingMode.SSE, stop_after=1)
    nested(telemetry, 1)


@pytest.mark.parametrize("content", ["NO_CONTENT", "SPAN_ONLY", "EVENT_ONLY", "SPAN_AND_EVENT"])
@pytest.mark.parametrize("family", ["", "gen_ai_latest_experimental"])
def test_their_settings(traced, provider, content, family):
    """Their own conventions and content settings, which change what their spans carry."""
    telemetry = traced(
        OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=content,
        OTEL_SEMCONV_STABILITY_OPT_IN=family,
        ADK_EXPERIMENTAL_TELEMETRY="true",
    )
    run(agent(tools=[weather]))
    nested(telemetry, 2)
