"""With capture off nothing of what was asked, thought, answered or returned is in any byte that leaves."""

from __future__ import annotations

import json

import pytest
from anthropic import beta_tool

from tests.anthropic.calls import call, message
from tests.support import anthropic_surfaces as surfaces
from tests.support.anthropic_surfaces import API_KEY, SURFACES
from tests.support.canary import ANSWER, ARGUMENT, CONTENT, PROMPT, RESULT, SYSTEM, THOUGHT, leaks
from tests.support.endings import broken_off, closed, consumer_raises, exhausted
from tests.support.provider import Reply
from tests.support.provider.anthropic_messages import events
from tests.support.stainless_surfaces import run

TEXTS = (*CONTENT, THOUGHT, API_KEY)
TOOL = {"name": "get_weather", "description": SYSTEM, "input_schema": {"type": "object", "description": ARGUMENT}}
SPOKEN = [
    {"type": "thinking", "thinking": THOUGHT, "signature": THOUGHT},
    {"type": "text", "text": json.dumps({"city": ANSWER, "degrees": 21})},
    call("tool_use", "get_weather", {"city": ARGUMENT}, "toolu_1"),
    call("server_tool_use", "web_search", {"query": ARGUMENT}),
    {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [{"type": "x", "title": RESULT}]},
]
REFUSED = {"type": "refusal", "category": "cyber", "explanation": ANSWER}
WHOLE, UNREADABLE = message(SPOKEN, "refusal", REFUSED), message([{"type": "text", "text": ANSWER}])
ASKED = {
    "model": "claude-sonnet-5",
    "system": SYSTEM,
    "messages": [
        {"role": "user", "content": PROMPT},
        {"role": "assistant", "content": [call("tool_use", "get_weather", {"city": ARGUMENT}, "toolu_1")]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": RESULT}]},
    ],
    "tools": [TOOL],
}
SAID = f"{PROMPT} {ANSWER} {SYSTEM}"
REPLIES = {
    "answer": lambda stream: Reply(chunks=events(WHOLE)) if stream else Reply(body=WHOLE),
    "unreadable": lambda stream: Reply(chunks=events(UNREADABLE)) if stream else Reply(body=UNREADABLE),
    "error": lambda _: Reply(status=400, message=SAID),
    "echo": lambda _: Reply(status=401, echo="key", message=SAID),
    "html": lambda _: Reply(body=f"<html>{SAID}</html>".encode()),
    "error-object": lambda _: Reply(body={"type": "error", "error": {"type": SAID, "message": SAID}}),
    "cut": lambda stream: Reply(chunks=events(WHOLE), cut_mid=6) if stream else Reply(body=WHOLE, cut=1),
    "error-inside": lambda stream: Reply(chunks=events(WHOLE), error_in_stream=6, message=SAID),
}

pytestmark = pytest.mark.filterwarnings("ignore")


def _run(provider, surface, is_async=False):
    client = surfaces.make_client(provider.url, False)
    for ending in (exhausted, broken_off, closed, consumer_raises) if surface.stream else (exhausted,):
        work = surfaces.program(surface, is_async, ending, **ASKED)
        for reply in REPLIES.values():
            used = surfaces.make_client(provider.url, True) if is_async else client
            run(provider, (reply(surface.stream),), is_async, work, used)
    client.close()


@pytest.mark.parametrize("surface", SURFACES, ids=str)
@pytest.mark.parametrize("is_async", [False, True])
def test_nothing_leaves(install, provider, surface, is_async):
    telemetry = install(CAPTURE="NO_CONTENT", GENSPAN_DIALECTS="genai,mlflow")
    _run(provider, surface, is_async)
    assert len(telemetry.spans) >= len(REPLIES)
    assert leaks(telemetry, TEXTS) == []


@pytest.mark.parametrize("surface", SURFACES, ids=str)
def test_with_capture_on_it_is_there(install, provider, surface):
    """Or the test above shows nothing. The key is not."""
    telemetry = install(CAPTURE="SPAN_AND_EVENT", GENSPAN_DIALECTS="genai,mlflow")
    _run(provider, surface)
    expected = {PROMPT, SYSTEM, RESULT, ARGUMENT}
    if not surface.api.endswith("count_tokens"):
        expected |= {ANSWER, THOUGHT}
    assert expected <= set(leaks(telemetry, TEXTS))
    assert API_KEY not in leaks(telemetry, TEXTS)


@beta_tool
def get_weather(city: str) -> str:
    """The weather of a city."""
    return f"{RESULT} {city}"


@beta_tool
def get_nothing(city: str) -> str:
    """Nothing."""
    raise ValueError(f"{RESULT} {city}")


def _loop(provider, tool, reply):
    asks = message([call("tool_use", tool.name, {"city": ARGUMENT}, "toolu_1")], "tool_use")
    provider.script(Reply(body=asks), reply)
    messages = [{"role": "user", "content": PROMPT}]
    with surfaces.make_client(provider.url, False, open_telemetry=None) as client:
        runner = client.beta.messages.tool_runner(
            model="m", max_tokens=9, messages=messages, tools=[tool], system=SYSTEM
        )
        try:
            runner.until_done()
        except Exception as error:
            assert ANSWER in str(error)


@pytest.mark.parametrize("reply", [Reply(body=WHOLE), Reply(status=400, message=SAID)], ids=["answer", "error"])
@pytest.mark.parametrize("tool", [get_weather, get_nothing], ids=lambda tool: tool.name)
@pytest.mark.parametrize("capture", ["NO_CONTENT", "SPAN_ONLY"])
def test_tools(install, provider, tool, reply, capture):
    telemetry = install(CAPTURE=capture, GENSPAN_DIALECTS="genai,mlflow")
    _loop(provider, tool, reply)
    assert len(telemetry.named("execute_tool")) == 1
    kept = {PROMPT, SYSTEM, RESULT, ARGUMENT, ANSWER} if capture == "SPAN_ONLY" else set()
    assert set(leaks(telemetry, (*CONTENT, API_KEY))) == kept
