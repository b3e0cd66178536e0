"""Sessions of managed agents: their model requests count once, the tools that run here are spans."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json

import pytest
from anthropic import beta_async_tool
from opentelemetry.instrumentation.utils import suppress_instrumentation

from tests.anthropic.calls import client, get_weather, telemetry
from tests.support import verdict
from tests.support.anthropic_surfaces import make_client
from tests.support.provider import Reply
from tests.support.registry import violations

__all__ = ["client", "telemetry"]

pytestmark = pytest.mark.filterwarnings("ignore:Pydantic serializer warnings:UserWarning")

WHEN = "2026-08-01T10:00:00Z"
SPENT = [(40, 7, 0, 30), (5, 9, 70, 0)]


@beta_async_tool
async def failing(city: str) -> str:
    """The weather in a city."""
    raise ZeroDivisionError("what the tool says")


def _event(number, kind, **more):
    return {"type": kind, "id": f"sevt_{number}", "processed_at": WHEN, **more}


def _request(number, spent, **more):
    names = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    usage = dict(zip(names, spent, strict=True))
    start = _event(number, "span.model_request_start")
    end = {"model_request_start_id": start["id"], "model_usage": {**usage, **more.pop("usage", {})}}
    return [start, _event(number + 1, "span.model_request_end", **{"is_error": False, **end, **more})]


def _turn(*calls):
    """A model request, calls of tools, another model request, and the end of the turn."""
    asked = [_event(10 + number, "agent.custom_tool_use", name=name, input=given) for number, (name, given) in calls]
    idle = _event(30, "session.status_idle", stop_reason={"type": "end_turn"})
    return [*_request(1, SPENT[0]), *asked, *_request(20, SPENT[1]), idle]


CALLS = ((0, ("get_weather", {"city": "Paris"})), (1, ("failing", {"city": "Rome"})), (2, ("of_another", {})))


class Service:
    """Answers what a session, or a worker of an environment, asks for; every stream and listing has all events."""

    def __init__(self, provider, events, work=1):
        self.events, self.work, self.asked = events, work, []
        provider.script(*[self.answer] * 200)

    def answer(self, request):
        self.asked.append(f"{request.method} {request.path}")
        if request.path.endswith("/work/poll"):
            self.work -= 1
            return Reply(body=_work() if self.work >= 0 else None)
        if request.path.endswith("/heartbeat"):
            beat = {"last_heartbeat": WHEN, "lease_extended": True, "state": "active", "ttl_seconds": 60}
            return Reply(body={"type": "work_heartbeat", **beat})
        if "/work/" in request.path:
            return Reply(body=_work())
        if request.path.endswith("stream"):
            return Reply(chunks=self.events)
        if request.method == "GET" and request.path.endswith("/events"):
            return Reply(body={"data": self.events, "next_page": None})
        if request.method == "GET" and "/threads/" in request.path:
            thread = _session(request.path.rpartition("/")[2])
            return Reply(body={**thread, "agent": {**thread["agent"], "model": {"id": "claude-of-a-thread"}}})
        if request.method == "GET" and "/sessions/" in request.path:
            return Reply(body=_session(request.path.rpartition("/")[2]))
        return Reply()


def _work():
    token = base64.urlsafe_b64encode(json.dumps({"sessions_token": "token-of-the-item"}).encode()).decode()
    data, head = {"type": "session", "id": "sesn_1"}, {"type": "work", "id": "work_1", "environment_id": "env_1"}
    return {**head, "created_at": WHEN, "metadata": {}, "state": "queued", "data": data, "secret": token}


def _session(identity):
    agent = {"type": "agent", "id": "agent_1", "name": "Fake", "model": {"id": "claude-fake-agent"}, "version": 1}
    head = {"type": "session", "id": identity, "created_at": WHEN, "updated_at": WHEN, "status": "idle"}
    return {**head, "agent": {**agent, "skills": [], "tools": []}, "resources": [], "environment_id": "env_1"}


def _counted(telemetry):
    """The two model requests of the turn, each once, whoever read them how often."""
    assert telemetry.unbalanced() == {}
    assert [found for span in telemetry.spans if (found := violations(span))] == []
    assert telemetry.measured() == telemetry.usage() == (145, 16)
    assert len(telemetry.leaves) == 2
    assert {span.attributes["gen_ai.conversation.id"] for span in telemetry.leaves} == {"sesn_1"}


def _tools(telemetry):
    found = {span.attributes["gen_ai.tool.name"]: span for span in telemetry.named("execute_tool")}
    assert set(found) == {"get_weather", "failing"}, "a tool that is not ours is not run"
    assert verdict.failed(found["get_weather"]) is None
    assert verdict.failed(found["failing"]) == "ZeroDivisionError"
    assert found["get_weather"].attributes["gen_ai.tool.call.id"] == "sevt_10"
    assert json.loads(found["get_weather"].attributes["gen_ai.tool.call.arguments"]) == {"city": "Paris"}
    result = json.loads(found["get_weather"].attributes["gen_ai.tool.call.result"])
    assert result == {"result": [{"type": "text", "text": "Sunny in Paris."}]}
    assert json.loads(found["get_weather"].attributes["mlflow.spanOutputs"]) == result["result"]
    return found


def test_each_model_request_counts_once(telemetry, provider, client):
    session = client.beta.sessions.create(agent="agent_1", environment_id="env_1")
    events = client.beta.sessions.events
    list(events.stream(session.id))
    list(events.list(session.id))
    with events.stream(session.id) as again:
        list(again)
    assert [found for span in telemetry.spans if (found := violations(span))] == []
    verdict.billed(telemetry, provider)
    assert telemetry.measured() == telemetry.usage()
    assert [span.name for span in telemetry.spans] == ["chat claude-fake-agent"] * 2
    assert {span.attributes["gen_ai.conversation.id"] for span in telemetry.spans} == {session.id}


def test_each_counts_once_async(telemetry, provider):
    async def main():
        async with make_client(provider.url, True) as client:
            session = await client.beta.sessions.create(agent="agent_1", environment_id="env_1")
            return [event async for event in await client.beta.sessions.events.stream(session.id)]

    assert len(asyncio.run(main())) == 6
    verdict.billed(telemetry, provider)


@pytest.mark.parametrize("path", ["events", "threads"])
def test_what_an_event_says(telemetry, provider, client, path):
    """Speed, a request that failed, and one whose start was not seen."""
    lone = _request(5, (1, 2, 0, 0), is_error=True)[1:]
    Service(provider, [*_request(1, SPENT[0], usage={"speed": "fast"}), *lone])
    sessions = client.beta.sessions
    if path == "events":
        list(sessions.events.stream("sesn_1"))
    else:
        list(sessions.threads.events.stream("thread_1", session_id="sesn_1"))
    fast, failed = telemetry.leaves
    assert fast.attributes["anthropic.response.speed"] == "fast"
    assert fast.attributes["gen_ai.usage.cache_write.input_tokens"] == 30
    assert fast.start_time < fast.end_time <= failed.start_time
    assert verdict.failed(failed) == "error"
    assert {span.attributes["gen_ai.conversation.id"] for span in telemetry.leaves} == {"sesn_1"}
    assert {span.name for span in telemetry.leaves} == {"chat"}


def test_a_thread_has_a_model_of_its_own(telemetry, provider, client):
    """That of a session is not that of what another agent does in it, which is read by its thread."""
    Service(provider, _request(1, SPENT[0]))
    threads = client.beta.sessions.threads
    client.beta.sessions.retrieve("sesn_1")
    list(threads.events.stream("thread_1", session_id="sesn_1"))
    threads.retrieve("thread_2", session_id="sesn_1")
    provider.reset()
    Service(provider, _request(3, SPENT[1]))
    list(threads.events.list("thread_2", session_id="sesn_1"))
    assert [span.name for span in telemetry.leaves] == ["chat", "chat claude-of-a-thread"]
    assert {span.attributes["gen_ai.conversation.id"] for span in telemetry.leaves} == {"sesn_1"}


def _runs(provider):
    async def main():
        async with make_client(provider.url, True, open_telemetry=None) as client:
            await client.beta.sessions.retrieve("sesn_1")  # which says the model
            runner = client.beta.sessions.events.tool_runner("sesn_1", tools=[get_weather, failing], max_idle=0)
            return [call async for call in runner]

    return asyncio.run(main())


def test_a_session_tool_runner(telemetry, provider):
    service = Service(provider, _turn(*CALLS))
    calls = _runs(provider)
    assert {(call.name, call.is_error, call.posted) for call in calls} >= {("get_weather", False, True)}
    assert "POST /v1/sessions/sesn_1/events" in service.asked
    _counted(telemetry)
    _tools(telemetry)


def test_a_session_tool_runner_as_without_us(install, instrumentor, provider):
    Service(provider, _turn(*CALLS))
    bare = _runs(provider)
    provider.reset()
    Service(provider, _turn(*CALLS))
    telemetry = install(CAPTURE="NO_CONTENT")
    assert _runs(provider) == bare
    assert b"Sunny" not in telemetry.exported()
    assert b"what the tool says" not in telemetry.exported()
    assert b"Paris" not in telemetry.exported()


def _works(provider, tmp_path):
    async def main():
        async with make_client(provider.url, True, open_telemetry=None) as client:
            work = client.beta.environments.work
            worker = work.worker(
                environment_id="env_1", environment_key="key-of-the-environment", workdir=str(tmp_path), max_idle=0,
                memory_sync_interval=None, tools=[get_weather, failing],
            )  # fmt: skip
            task = asyncio.create_task(worker.run())
            for _ in range(1000):
                await asyncio.sleep(0.01)
                if sum("/stop" in entry.path for entry in provider.ledger) and not task.done():
                    break
            await asyncio.sleep(0.05)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    asyncio.run(main())


def test_a_worker_of_an_environment(telemetry, provider, tmp_path):
    Service(provider, _turn(*CALLS))
    _works(provider, tmp_path)
    _counted(telemetry)
    found = _tools(telemetry)
    (work,) = telemetry.named("invoke_agent")
    assert verdict.failed(work) is None
    assert work.parent is None
    children = [*telemetry.leaves, *found.values()]
    assert {span.parent.span_id for span in children} == {work.context.span_id}
    assert len({span.context.trace_id for span in telemetry.spans}) == 1
    for secret in (b"token-of-the-item", b"key-of-the-environment"):
        assert secret not in telemetry.exported()


def test_a_work_item_that_fails(install, provider, tmp_path):
    telemetry = install(CAPTURE="NO_CONTENT")
    service = Service(provider, _turn())
    answer = service.answer
    gone = Reply(status=403, message="the session says why")
    service.answer = lambda request: gone if request.path == "/v1/sessions/sesn_1" else answer(request)
    provider.reset()
    provider.script(*[service.answer] * 100)
    _works(provider, tmp_path)
    (work,) = telemetry.spans
    assert verdict.failed(work) == "PermissionDeniedError"
    assert violations(work) == []
    assert b"the session says why" not in telemetry.exported()


def _polled(provider, around=contextlib.nullcontext):
    """A poller hands each item on: its span is open until the next one is asked for."""
    Service(provider, [])

    async def main():
        async with make_client(provider.url, True, open_telemetry=None) as client:
            poller = client.beta.environments.work.poller
            with around():
                found = poller(environment_id="env_1", environment_key="key-1234567", drain=True)
                return [item.id async for item in found]

    assert asyncio.run(main()) == ["work_1"]


def test_work_that_another_process_does(telemetry, provider):
    _polled(provider)
    (work,) = telemetry.spans
    assert (work.name, verdict.failed(work)) == ("invoke_agent", None)
    assert violations(work) == []


def test_work_is_not_recorded_where_that_is_suppressed(telemetry, provider):
    _polled(provider, suppress_instrumentation)
    assert telemetry.spans == []
