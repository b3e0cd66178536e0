"""Interactions: what is asked and answered, agents in place of models, the background, and each counted once."""

from __future__ import annotations

import asyncio
import json

import pytest
from google import genai

from tests.support import surfaces, verdict
from tests.support.gemini_http import one_user_agent
from tests.support.provider import Reply
from tests.support.telemetry import Counts

pytestmark = [
    pytest.mark.skipif(not hasattr(genai.Client, "interactions"), reason="not in this version of google-genai"),
    pytest.mark.filterwarnings("ignore"),  # of an API that the SDK calls experimental
]

FULL = {"CAPTURE": "true", "GENSPAN_DIALECTS": "genai,mlflow"}
AGENT = "deep-research-pro-preview-12-2025"
BASE = {"id": "i1", "object": "interaction", "created": "2026-01-01T00:00:00Z", "updated": "2026-01-01T00:00:00Z"}
USAGE = {"total_input_tokens": 9000, "total_output_tokens": 700, "total_tokens": 9700}
MODEL = "gemini-2.5-flash"
RUNNING = {**BASE, "model": MODEL, "status": "in_progress"}
DONE = {**BASE, "model": MODEL, "status": "completed", "usage": USAGE}


@pytest.fixture(params=[False, True], ids=["sync", "async"])
def run(request, provider, install):
    """`run(*calls)`: each call is a method, its arguments and the answer; gives the spans."""
    telemetry = install(**FULL)

    async def main(calls, backend):
        client = surfaces.make_client(provider.url, backend, **one_user_agent())
        interactions = client.aio.interactions if request.param else client.interactions
        for method, arguments, answer in calls:
            provider.script(answer if isinstance(answer, Reply) else Reply(body=answer))
            result = getattr(interactions, method)(**arguments)
            result = await result if request.param else result
            if arguments.get("stream"):
                [one async for one in result] if request.param else list(result)
        await client.aio.aclose()

    def run_(*calls, backend="gemini"):
        asyncio.run(main(calls, backend))
        assert telemetry.unbalanced() == {}
        assert [found for span in telemetry.spans if (found := verdict.violations(span))] == []
        return telemetry.spans

    run_.telemetry = telemetry
    return run_


def _create(answer, **more):
    return "create", {"input": "x", **({} if "agent" in more else {"model": MODEL}), **more}, answer


def _get(answer, **more):
    return "get", {"id": "i1", **more}, answer


def test_background_agent_is_counted_once(run):
    running = {**BASE, "agent": AGENT, "status": "in_progress"}
    done = {**BASE, "agent": AGENT, "status": "completed", "usage": USAGE}
    spans = run(
        _create(running, agent=AGENT, background=True), _get(running), _get(running), _get(done), _get(done), _get(done)
    )
    assert [span.name for span in spans] == [
        f"generate_content {AGENT}",
        *["fetch_response"] * 2,
        f"generate_content {AGENT}",
        *["fetch_response"] * 2,
    ]
    assert run.telemetry.usage() == run.telemetry.measured() == Counts(9000, 700)
    counted = spans[3].attributes
    assert counted["gen_ai.usage.input_tokens"] == 9000
    assert {span.attributes["gen_ai.agent.name"] for span in spans} == {AGENT}
    assert spans[0].attributes["mlflow.llm.model"] == counted["mlflow.llm.model"] == AGENT
    assert spans[0].attributes["gen_ai.request.model"] == counted["gen_ai.request.model"] == AGENT


def test_background_read_as_a_stream_is_counted_once(run):
    events = [
        {"event_type": "interaction.created", "interaction": RUNNING},
        {"event_type": "interaction.completed", "interaction": DONE},
    ]
    frames = [f"event: {one['event_type']}\ndata: {json.dumps(one)}\n\n".encode() for one in events]
    stream = Reply(frames=[*frames, b"event: done\ndata: [DONE]\n\n"])
    spans = run(
        _create(RUNNING, background=True),
        _get(stream, stream=True, last_event_id="event-7"),
        _get(DONE),
        _get(stream, stream=True),
    )
    assert run.telemetry.usage() == Counts(9000, 700)
    assert spans[1].attributes["gen_ai.usage.output_tokens"] == 700
    assert spans[1].attributes["gen_ai.request.stream_cursor"] == "event-7"
    assert spans[2].attributes["gen_ai.response.id"] == "i1"


def test_unfinished_one_of_another_process_is_counted_when_it_is_done(run):
    run(_get(RUNNING), _get(DONE), _get(DONE))
    assert run.telemetry.usage() == Counts(9000, 700)


@pytest.mark.parametrize("made_here", [True, False])
def test_finished_one_is_not_counted_when_it_is_read(run, made_here):
    """Whoever waited for it has counted it."""
    spans = run(*([_create(DONE)] if made_here else []), _get(DONE), _get(DONE))
    assert [span.name for span in spans][-2:] == ["fetch_response"] * 2
    assert run.telemetry.usage() == (Counts(9000, 700) if made_here else Counts(0, 0))


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, "failed"),
        ({"errors": [{"code": "https://errors.example/quota_exceeded", "message": "Enough."}]}, "quota_exceeded"),
        ({"errors": [{"code": "a"}, {"code": "b"}]}, "b"),
        ({"error": {"code": "RESOURCE_EXHAUSTED"}}, "RESOURCE_EXHAUSTED"),
        ({"error": {"code": 13}}, "13"),
    ],
)
@pytest.mark.parametrize("background", [False, True])
def test_failed_interaction_is_an_error(run, more, expected, background):
    failed = {**DONE, "status": "failed", **more}
    calls = [_create(RUNNING, background=True), _get(failed)] if background else [_create(failed)]
    last = run(*calls)[-1]
    assert verdict.failed(last) == expected
    assert last.attributes["gen_ai.usage.input_tokens"] == 9000


@pytest.mark.parametrize("status", ["requires_action", "incomplete", "cancelled", "budget_exceeded", "idle"])
def test_other_states_are_no_errors(run, status):
    (span,) = run(_create({**DONE, "status": status}))
    assert verdict.failed(span) is None
    assert span.attributes["gen_ai.response.finish_reasons"] == (status,)


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"total_thought_tokens": 50, "total_tool_use_tokens": 8}, (9008, 750)),
        ({"total_thought_tokens": 50, "total_tokens": 9700}, (9000, 700)),
        ({"total_cached_tokens": 100}, (9000, 700)),
    ],
)
def test_usage(run, usage, expected):
    counts = {**USAGE, "total_tokens": None, **usage}
    (span,) = run(_create({**DONE, "usage": {name: one for name, one in counts.items() if one is not None}}))
    attributes = span.attributes
    assert (attributes["gen_ai.usage.input_tokens"], attributes["gen_ai.usage.output_tokens"]) == expected
    assert attributes.get("gen_ai.usage.reasoning.output_tokens") == usage.get("total_thought_tokens")
    assert attributes.get("gen_ai.usage.cache_read.input_tokens") == usage.get("total_cached_tokens")


def test_billed_searches(run):
    grounded = [{"type": "google_search", "count": 3}, {"type": "google_maps", "count": 9}]
    (span,) = run(_create({**DONE, "usage": {**USAGE, "grounding_tool_count": grounded}}))
    assert span.attributes["genspan.usage.web_search.requests"] == 3


def test_parameters(run):
    (span,) = run(
        _create(
            DONE,
            generation_config={"temperature": 0.5, "max_output_tokens": 9, "seed": 3, "thinking_level": "high"},
            response_format={"type": "text", "mime_type": "application/json", "schema": {"type": "object"}},
            previous_interaction_id="i0",
            extra_body={"labels": {"team": "search"}},  # an argument of its own since google-genai 3
        )
    )
    expected = {
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.max_tokens": 9,
        "gen_ai.request.seed": 3,
        "gen_ai.request.reasoning.level": "high",
        "gen_ai.output.type": "json",
        "gen_ai.request.previous_response.id": "i0",
        "gcp.gen_ai.request.labels.team": "search",
    }
    assert {name: span.attributes.get(name) for name in expected} == expected


STEPS = [
    {"type": "thought", "summary": [{"type": "text", "text": "Hm."}]},
    {"type": "google_search_call", "id": "s1", "arguments": {"queries": ["weather"]}},
    {"type": "google_search_result", "call_id": "s1", "result": [{"search_suggestions": "x"}]},
    {"type": "model_output", "content": [{"type": "text", "text": "Sunny."}, {"type": "image", "data": "aW1n"}]},
    {"type": "function_call", "id": "c1", "name": "get_weather", "arguments": {"city": "Paris"}},
]
PARTS = [
    {"type": "reasoning", "content": "Hm."},
    {"type": "server_tool_call", "name": "google_search", "server_tool_call": STEPS[1], "id": "s1"},
    {"type": "server_tool_call_response", "server_tool_call_response": STEPS[2], "id": "s1"},
    {"type": "text", "content": "Sunny."},
    {"type": "blob", "modality": "image", "content": "aW1n"},
    {"type": "tool_call", "name": "get_weather", "arguments": {"city": "Paris"}, "id": "c1"},
]


def test_steps_of_an_answer(run):
    (span,) = run(_create({**DONE, "status": "requires_action", "steps": STEPS}))
    assert json.loads(span.attributes["gen_ai.output.messages"]) == [{"role": "assistant", "parts": PARTS}]


def test_steps_of_a_stream(run):
    def event(kind, **more):
        return {"event_type": kind, **more}

    def delta(index, **more):
        return event("step.delta", index=index, delta=more)

    events = [
        event("interaction.created", interaction=RUNNING),
        event("step.start", index=0, step={"type": "thought"}),
        delta(0, type="thought_summary", content={"type": "text", "text": "H"}),
        delta(0, type="thought_summary", content={"type": "text", "text": "m."}),
        event("step.start", index=1, step={"type": "google_search_call", "id": "s1", "arguments": {}}),
        delta(1, type="google_search_call", arguments={"queries": ["weather"]}),
        event("step.start", index=2, step={"type": "google_search_result", "call_id": "s1", "result": []}),
        delta(2, type="google_search_result", result=[{"search_suggestions": "x"}]),
        event("step.start", index=3, step={"type": "model_output"}),
        delta(3, type="text", text="Sun"),
        delta(3, type="text", text="ny."),
        delta(3, type="image", data="aW1n"),
        event(
            "step.start", index=4, step={"type": "function_call", "id": "c1", "name": "get_weather", "arguments": {}}
        ),
        delta(4, type="arguments_delta", arguments='{"city": '),
        delta(4, type="arguments_delta", arguments='"Paris"}'),
        event("interaction.completed", interaction={**DONE, "status": "requires_action"}),
    ]
    frames = [f"event: {one['event_type']}\ndata: {json.dumps(one)}\n\n".encode() for one in events]
    (span,) = run(_create(Reply(frames=[*frames, b"event: done\ndata: [DONE]\n\n"]), stream=True))
    assert json.loads(span.attributes["gen_ai.output.messages"]) == [{"role": "assistant", "parts": PARTS}]
    assert verdict.ended(span) is None
    assert run.telemetry.usage() == Counts(9000, 700)


def test_questions(run):
    given = [
        {"type": "user_input", "content": [{"type": "text", "text": "weather?"}]},
        *STEPS[-2:],
        {"type": "function_result", "call_id": "c1", "name": "get_weather", "result": {"degrees": 21}},
    ]
    (span,) = run(_create(DONE, input=given, system_instruction="Be brief."))
    assert json.loads(span.attributes["gen_ai.input.messages"]) == [
        {"role": "user", "parts": [{"type": "text", "content": "weather?"}]},
        {"role": "assistant", "parts": PARTS[3:]},
        {
            "role": "tool",
            "parts": [
                {"type": "tool_call_response", "response": {"degrees": 21}, "name": "get_weather", "id": "c1"},
            ],
        },
    ]
    assert json.loads(span.attributes["gen_ai.system_instructions"]) == [{"type": "text", "content": "Be brief."}]


def test_large_document_is_named_with_its_size(run):
    document = {"type": "document", "mime_type": "application/pdf", "data": "QUJD" * 400_000}
    (span,) = run(_create(DONE, input=[{"type": "user_input", "content": [document]}]))
    (message,) = json.loads(span.attributes["gen_ai.input.messages"])
    (part,) = message["parts"]
    assert (part["type"], part["mime_type"], part["size"]) == ("blob_omitted", "application/pdf", 1_200_000)


@pytest.mark.parametrize(("backend", "expected"), [("gemini", "gcp.gemini"), ("vertex-credentials", "gcp.vertex_ai")])
def test_provider_is_the_clients(run, backend, expected):
    spans = run(_create(DONE), _get(DONE), backend=backend)
    assert {span.attributes["gen_ai.provider.name"] for span in spans} == {expected}
    assert {span.attributes["server.address"] for span in spans} == {"127.0.0.1"}
