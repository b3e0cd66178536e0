"""Runs of tools by themselves, without any SDK."""

from __future__ import annotations

import pytest

from genspan._core.calls.tool import Tool, current_tool
from genspan._core.hooks import wrappers
from tests.core.emitted import Emitted, running

TOOL = {"gen_ai.tool.name": "f", "gen_ai.tool.type": "function"}
RUN = "gen_ai.execute_tool.duration"


def test_a_run_of_a_tool(emitted, clock):
    with running(emitted) as run:
        assert current_tool() is run
        clock(3)
        run.result = 42
    assert current_tool() is None
    found = dict(emitted.span.attributes)
    assert {name: found[name] for name in found if name.startswith("gen_ai")} == {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "f",
        "gen_ai.tool.type": "function",
        "gen_ai.tool.call.id": "c",
        "gen_ai.tool.description": "adds",
    }
    assert (emitted.span.name, emitted.span.kind.name) == ("execute_tool f", "INTERNAL")
    assert emitted.span.status.status_code.name == "UNSET"
    assert emitted.points(RUN) == [(3, TOOL)]


@pytest.mark.parametrize("how", ["raised", "swallowed", "reported"])
@pytest.mark.parametrize(("capture", "shown"), [("NO_CONTENT", False), ("SPAN_ONLY", True)])
def test_a_tool_that_failed(monkeypatch, how, capture, shown):
    emitted = Emitted(monkeypatch, capture)
    raised = KeyError("my secret plan")
    with running(emitted, raised=raised if how == "raised" else None) as run:
        if how == "swallowed":
            run.cause = raised
        if how == "reported":
            run.code = "tool_error"
    kind = "tool_error" if how == "reported" else "KeyError"
    assert emitted.span.attributes["error.type"] == kind
    assert emitted.span.status.status_code.name == "ERROR"
    (event,) = emitted.span.events
    assert ("exception.message" in event.attributes) is (shown and how != "reported")
    ((_, attributes),) = emitted.points(RUN)
    assert attributes == {**TOOL, "error.type": kind}


@pytest.mark.parametrize("capture", ["NO_CONTENT", "SPAN_ONLY"])
def test_arguments_and_result_of_a_tool_are_content(monkeypatch, capture):
    emitted = Emitted(monkeypatch, capture, GENSPAN_DIALECTS="genai")
    with running(emitted) as run:
        run.result = {"y": 2}
    found = emitted.span.attributes
    on = capture == "SPAN_ONLY"
    assert found.get("gen_ai.tool.call.arguments") == ('{"x":1}' if on else None)
    assert found.get("gen_ai.tool.call.result") == ('{"y":2}' if on else None)


@pytest.mark.parametrize("is_async", [False, True])
async def test_what_a_tool_raises_is_the_programs(emitted, is_async):
    kind = wrappers.tools(lambda instance, args, kwargs: Tool("f", None, args), cause=lambda error: error.__cause__)
    raised = RuntimeError()
    raised.__cause__ = KeyError("inner")

    def plain(*_):
        raise raised

    async def coroutine(*_):
        raise raised

    with pytest.raises(RuntimeError) as caught:
        if is_async:
            await wrappers.asynchronous(kind)(emitted.telemetry)(coroutine, None, (1,), {})
        else:
            wrappers.sync(kind)(emitted.telemetry)(plain, None, (1,), {})
    assert caught.value is raised
    assert emitted.span.attributes["error.type"] == "KeyError"


def test_what_a_tool_returns_is_the_programs(emitted):
    kind = wrappers.tools(lambda instance, args, kwargs: Tool("f", None, args), result=lambda returned: 1 / 0)
    result = object()
    assert wrappers.sync(kind)(emitted.telemetry)(lambda *_: result, None, (1,), {}) is result
    assert emitted.span.name == "execute_tool f"
