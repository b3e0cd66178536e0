"""Turns by themselves, without any SDK: the calls and tools that they are the parents of."""

from __future__ import annotations

from time import time_ns

import pytest

from genspan._core.calls.turn import open_turn
from tests.core.emitted import DATA, DURATION, Emitted, begin, request, running


def turn(emitted, agent=True):
    return open_turn(emitted.telemetry, request, lambda: agent)


def test_a_turn_is_the_parent_of_its_calls_and_tools_and_has_no_usage(emitted):
    opened = turn(emitted)
    with opened:
        for _ in range(2):
            call = begin(emitted)
            call.see(DATA)
            call.finish()
            assert call.owned
            opened.release()
            with running(emitted):
                begin(emitted).finish()
    opened.leave()
    by_name = {}
    for span in emitted.spans:
        by_name.setdefault(span.name, []).append(span)
    (agent,) = by_name["invoke_agent"]
    assert [len(by_name[name]) for name in ("chat gpt", "execute_tool f")] == [4, 2]
    parents = {span.context.span_id: span for span in emitted.spans}
    assert sorted(parents[one.parent.span_id].name for one in by_name["chat gpt"]) == [
        *("execute_tool f", "execute_tool f"),
        *("invoke_agent", "invoke_agent"),
    ]
    assert {parents[one.parent.span_id].name for one in by_name["execute_tool f"]} == {"invoke_agent"}
    assert [name for name in agent.attributes if "usage" in name.lower()] == []


def test_a_call_that_its_turn_ends_later_lasted_as_long_as_it_was_read(emitted, clock):
    opened = turn(emitted, agent=False)
    with opened:
        call = begin(emitted)
        clock(2)
        call.finish()
        ended = time_ns()
        clock(5)
    opened.leave()
    assert [seconds for seconds, _ in emitted.points(DURATION)] == [2]
    assert emitted.span.end_time <= ended


def test_a_turn_without_tools_has_no_span(emitted):
    opened = turn(emitted, agent=False)
    with opened:
        call = begin(emitted)
        call.finish()
        assert emitted.spans == ()
    opened.leave()
    assert emitted.span.name == "chat gpt"


def test_the_ids_of_tool_calls_are_taken_oldest_first(emitted):
    opened = turn(emitted)
    with opened:
        opened.expect([("f", "1"), ("g", "2"), ("f", "3")])
        assert [opened.take(name) for name in ("f", "g", "f", "f")] == ["1", "2", "3", None]
    opened.leave()


def test_a_turn_inside_a_turn_is_none(emitted):
    opened = turn(emitted)
    with opened:
        assert turn(emitted) is None
    opened.leave()
    again = turn(emitted)
    assert again is not None
    again.leave()


@pytest.mark.parametrize("agent", [False, True])
def test_the_call_that_a_turn_failed_in_takes_the_blame(emitted, agent):
    opened = turn(emitted, agent)
    with opened:
        begin(emitted)
    opened.end(ValueError("no"))
    failed = {span.name: span.attributes.get("error.type") for span in emitted.spans}
    assert failed == {"chat gpt": "ValueError", **({"invoke_agent": "ValueError"} if agent else {})}


def test_a_turn_that_fails_before_its_first_call_is_a_failed_call(emitted):
    opened = turn(emitted, agent=False)
    opened.end(ValueError("no"))
    assert (emitted.span.name, emitted.span.attributes["error.type"]) == ("chat gpt", "ValueError")
    assert [attributes["error.type"] for _, attributes in emitted.points(DURATION)] == ["ValueError"]


@pytest.mark.parametrize("error", [StopIteration(), StopAsyncIteration()])
def test_the_end_of_an_iterator_is_no_error(emitted, error):
    opened = turn(emitted)
    with opened:
        begin(emitted).finish()
    opened.end(error)
    assert [span.status.status_code.name for span in emitted.spans] == ["UNSET", "UNSET"]


def test_a_call_after_another_ends_that(emitted):
    opened = turn(emitted)
    with opened:
        begin(emitted, stream=True)
        second = begin(emitted)
        second.finish()
    opened.leave()
    first = emitted.spans[0]
    assert first.attributes["genspan.response.end"] == "failed"


@pytest.mark.parametrize("capture", ["NO_CONTENT", "SPAN_ONLY"])
def test_a_turn_shows_the_first_question_and_the_last_answer(monkeypatch, capture):
    emitted = Emitted(monkeypatch, capture, GENSPAN_DIALECTS="genai")
    opened = turn(emitted)
    with opened:
        for number in range(2):
            call = begin(emitted, body={"messages": [{"role": "user", "content": f"question {number}"}]})
            call.see({"choices": [{"message": {"content": f"answer {number}"}, "finish_reason": "stop"}]})
            call.finish()
            opened.release()
    opened.leave()
    agent = next(span for span in emitted.spans if span.name == "invoke_agent")
    shown = f"{dict(agent.attributes)}"
    assert ("question 0" in shown, "answer 1" in shown) == ((True, True) if capture == "SPAN_ONLY" else (False, False))
    assert "question 1" not in shown
    assert "answer 0" not in shown
