"""Converters are total: whatever JSON a provider or a program sends, they return what the registry allows."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genspan._core.counted import Counted
from genspan._core.fetched import Fetched, Once
from genspan.openai import chat, completions, responses
from genspan.openai.agents import Turn
from genspan.openai.plain import Job, Plain
from genspan.openai.sockets import Realtime
from genspan_semconv import attributes as names
from genspan_semconv import render_genai, render_mlflow
from genspan_semconv.encode import dumps
from genspan_semconv.model import Key, Response
from tests.support.registry import violations

WORDS = """
answers arguments assistant audio b64_json background blob cached_tokens call_id choices code compaction
completed completion_tokens content conversation custom data data: delta details effort embedding endpoint
error file file_id finish_reason flagged format function function_call function_call_output id
image_generation.completed image_url incomplete incomplete_details index input input_audio input_text
input_tokens instructions item length message messages name num_requests output output_index output_text
output_tokens parameters predicate prompt prompt_tokens prompt_tokens_details reason reasoning refusal
response response.completed response.output_item.added response.output_text.delta results role
server_tool_call starting_after status stop summary svg_usage text thinking tool tool_call tool_call_response
tool_calls tool_usage tools total_tokens transcript type uri url usage user web_search
"""

APIS = {
    "chat": chat,
    "gemini": chat.Gemini(),
    "completions": completions,
    "responses": responses,
    "once": Once(responses, Counted()),
    "fetched": Fetched(responses, Counted()),
    "job": Fetched(Job(), Counted()),
    "plain": Plain("image"),
    "free": Plain(free=True),
    "realtime": Realtime(),
    "turn": Turn(),
}

_WORDS = st.sampled_from(WORDS.split())
_LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 2**70),
    st.floats(),
    st.text(max_size=5),
    _WORDS,
    st.just("{}"),
    st.just("\ud800"),
)
_JSON = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(_WORDS, inner, max_size=6)),
    max_leaves=30,
)
_OBJECTS = st.dictionaries(_WORDS, _JSON, max_size=8)
_few = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("name", APIS)
@_few
@given(body=_OBJECTS, chunks=st.lists(_OBJECTS, max_size=4))
def test_any_json(name, body, chunks):
    api = APIS[name]
    fold = api.Fold()
    for chunk in chunks:
        fold.figures(chunk)
        fold.content(chunk)
    params, prompt = api.params(body), api.prompt(body)
    for data in (body, fold.data()):
        _allowed(params, api.response(data), prompt, api.answer(data))


def _allowed(params, response, prompt, answer):
    key = Key("chat", "openai", "gpt", "host", 443, True)
    into = {**render_genai.start(key), **render_mlflow.start("chat", "openai")}
    if response.usage is not None:
        render_mlflow.usage(response.usage, into)
        render_genai.usage(response.usage, into)
    render_genai.response(response, into)
    render_genai.params(params, into)
    into.pop(names.GEN_AI_EMBEDDINGS_DIMENSION_COUNT, None)
    into.pop(names.GEN_AI_REQUEST_ENCODING_FORMATS, None)
    forms = {**render_genai.inputs(prompt), names.GEN_AI_OUTPUT_MESSAGES: answer}
    forms[names.MLFLOW_SPAN_INPUTS] = render_mlflow.inputs("chat", "gpt", params, prompt)
    forms[names.MLFLOW_SPAN_OUTPUTS] = render_mlflow.outputs(answer, Response())
    into.update({name: dumps(value) for name, value in forms.items() if value})
    span = {"name": "chat gpt", "kind": "CLIENT", "status": "UNSET", "attributes": into}
    # Figures that contradict each other are the provider's.
    found = [one for one in violations(span) if "more than the whole" not in one and "sum" not in one]
    assert found == [], json.dumps(into, default=str)[:2000]


@pytest.mark.parametrize(
    "kind", ["tool_call", "blob", "uri", "file", "reasoning", "compaction", "server_tool_call", "new"]
)
def test_an_odd_part_does_not_pose_as_one_of_the_conventions(kind):
    part = {"type": kind, "mine": 1}
    body = {"messages": [{"role": "user", "content": [part]}], "input": [{"role": "user", "content": [part]}, part]}
    data = {"choices": [{"message": {"content": [part]}}], "output": [part, {"type": "message", "content": [part]}]}
    for api in (chat, responses):
        _allowed(api.params(body), api.response(data), api.prompt(body), api.answer(data))
