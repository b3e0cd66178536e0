"""What OpenAI runs by itself: turns of its agents and runs of evaluations are counted when a program reads of them."""

from __future__ import annotations

import pytest

from tests.openai.conftest import catch_up, traces
from tests.support import verdict
from tests.support.telemetry import Counts


@pytest.fixture
def sessions(client):
    if not hasattr(client.beta, "agents"):
        pytest.skip("not in this version of openai")
    return client.beta.agents.sessions


START = {"environment": {"type": "none"}, "agent": {"model": "gpt-5.2"}, "input": "Hello there"}


def test_a_turn_in_a_stream_counts_once(install, provider, sessions):
    telemetry = install(CAPTURE="true", GENSPAN_DIALECTS="genai,mlflow")
    *_, last = sessions.create(**START, stream=True)
    session = last.session_id
    first, second = sessions.turns.list(session)
    for _ in range(3):
        sessions.turns.retrieve(first.id, session_id=session)
        sessions.turns.retrieve(second.id, session_id=session)
    done, failed = telemetry.spans
    assert (verdict.operation(done), verdict.failed(done)) == ("invoke_agent", None)
    assert (verdict.operation(failed), verdict.failed(failed)) == ("invoke_agent", "rate_limit_exceeded")
    assert done.attributes["gen_ai.request.model"] == failed.attributes["gen_ai.request.model"] == "gpt-5.2"
    assert done.attributes["gen_ai.conversation.id"] == session
    assert done.attributes["gen_ai.usage.cache_read.input_tokens"] == 40
    assert done.attributes["gen_ai.usage.reasoning.output_tokens"] == 10
    assert done.start_time < done.end_time
    traces(telemetry, provider)


def test_a_turn_that_is_polled(install, provider, sessions):
    telemetry = install()
    session = sessions.create(**START)
    for _ in range(2):
        list(sessions.turns.list(session.id))
    assert telemetry.usage() == Counts(300, 63)
    assert [verdict.operation(span) for span in telemetry.spans] == ["invoke_agent"] * 2


def test_a_run_of_an_evaluation_counts_once(install, client):
    telemetry = install()
    for _ in range(3):
        client.evals.runs.retrieve("run_1", eval_id="eval_1")
    catch_up()
    assert [verdict.operation(span) for span in telemetry.spans] == ["chat", *["fetch_response"] * 2]
    assert telemetry.usage() == telemetry.measured() == Counts(760, 98)
    assert {one for span in telemetry.spans for one in verdict.violations(span)} == {"gen_ai.request.model is missing"}
