"""Google's API modules over arbitrary JSON: they never raise, return the types that they promise, and count right."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genspan._core import guard
from genspan._core.emit.redaction import NO_SECRETS
from genspan._core.emit.span_attributes import Outcome, Writer, of_call, read_content
from genspan.gemini import count_tokens, embeddings, generate_content, images, interactions
from genspan.gemini.usage import read_usage
from genspan_semconv import encode, render_genai
from genspan_semconv.model import Key, Prompt, Response, Usage
from tests.support.registry import violations

APIS = {
    "generate_content": generate_content,
    "embeddings": embeddings,
    "count_tokens": count_tokens,
    "images": images,
    "interactions": interactions,
}

NUMBERS = st.one_of(st.integers(), st.integers(0, 10_000), st.just(2**70), st.floats(), st.booleans(), st.just(-1))
SCALARS = st.one_of(
    st.none(), NUMBERS, st.text(max_size=20), st.sampled_from(["STOP", "TEXT", "model", "user", "\ud800"])
)

# The names that readers look for, at any depth, so that wrong types stand where right ones are expected.
_WORDS = """
contents parts text role candidates content finishReason index usageMetadata promptTokenCount
toolUsePromptTokenCount candidatesTokenCount thoughtsTokenCount totalTokenCount cachedContentTokenCount
promptTokensDetails modality tokenCount modelVersion responseId promptFeedback blockReason error status code
message functionCall functionResponse name args id response inlineData data mimeType mime_type fileData fileUri
executableCode codeExecutionResult toolCall toolResponse thought thoughtSignature tools functionDeclarations
parameters description systemInstruction generationConfig temperature topK topP maxOutputTokens stopSequences
seed candidateCount thinkingConfig thinkingBudget thinkingLevel responseModalities responseMimeType requests
embeddings embedding values predictions statistics token_count instances prompt image generateContentRequest
totalTokens bytesBase64Encoded sampleCount steps input usage total_input_tokens total_tokens step delta type
partialArgs jsonPath stringValue numberValue boolValue nullValue willContinue labels finishMessage
raiFilteredReason raiMediaFilteredReasons raiMediaFilteredCount generatedSamples videos referenceImages lastFrame
gcsUri agent errors grounding_tool_count trafficType
metadata event_type interaction summary arguments call_id result tool_call blob uri reasoning
"""
NAMES = st.sampled_from(_WORDS.split())
JSON = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.one_of(NAMES, st.text(max_size=8)), inner, max_size=6)
    ),
    max_leaves=25,
)
OBJECTS = st.dictionaries(st.one_of(NAMES, st.text(max_size=8)), JSON, max_size=8)

fuzzed = settings(
    max_examples=int(os.environ.get("GENSPAN_FUZZ_EXAMPLES", "25")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


def _is_value(value: object) -> bool:
    """An attribute's value as OpenTelemetry takes it: exactly, not a subclass that prints as something else."""
    kinds = (str, bool, int, float)
    if isinstance(value, list):
        return all(type(item) in kinds for item in value) and len({type(item) for item in value}) <= 1
    return type(value) in kinds


def _check_response(found: Response) -> None:
    assert type(found) is Response
    for name in ("id", "model", "error", "status", "conversation_id"):
        assert type(getattr(found, name)) in (str, type(None)), name
    assert all(type(reason) is str and reason for reason in found.finish_reasons)
    assert type(found.complete) is bool
    if found.usage is not None:
        _check_usage(found.usage)


def _check_usage(usage: Usage) -> None:
    for name in ("input", "output", "total", "cache_read", "cache_write", "reasoning"):
        figure = getattr(usage, name)
        assert figure is None or (type(figure) is int and 0 <= figure < 2**64), name
    assert usage.input is not None or usage.output is not None
    assert all(type(figure) is int and figure >= 0 for figure in usage.modalities.values())


def _check_messages(messages: Any) -> None:
    for message in messages:
        assert type(message["role"]) is str
        assert all(type(part["type"]) is str for part in message["parts"])


@pytest.mark.parametrize("name", APIS)
@given(data=OBJECTS)
@fuzzed
def test_readers_are_total(name: str, data: dict[str, Any]) -> None:
    api = APIS[name]
    before = json.dumps(data)
    params = api.params(data)
    assert all(type(key) is str and _is_value(value) for key, value in params.items()), params
    _check_response(api.response(data))
    prompt = api.prompt(data)
    assert type(prompt) is Prompt
    _check_messages(prompt.messages)
    _check_messages(api.answer(data))
    for content in (prompt.system, prompt.messages, prompt.tools, api.answer(data)):
        json.loads(encode.dumps(content))
    assert json.dumps(data) == before, "what was read was changed"


@pytest.mark.parametrize("name", APIS)
@given(chunks=st.lists(OBJECTS, max_size=5))
@fuzzed
def test_folds_are_total(name: str, chunks: list[dict[str, Any]]) -> None:
    before = json.dumps(chunks)
    fold = APIS[name].Fold()
    for chunk in chunks:
        fold.metadata(chunk)
        fold.content(chunk)
    data = fold.data()
    _check_response(APIS[name].response(data))
    _check_messages(APIS[name].answer(data))
    assert json.dumps(chunks) == before, "what was read was changed"


@pytest.mark.parametrize("name", APIS)
@given(chunks=st.lists(OBJECTS, max_size=5))
@fuzzed
def test_figures_do_not_depend_on_content(name: str, chunks: list[dict[str, Any]]) -> None:
    whole, figures_only = APIS[name].Fold(), APIS[name].Fold()
    for chunk in chunks:
        whole.metadata(chunk)
        whole.content(chunk)
        figures_only.metadata(chunk)
    assert APIS[name].response(whole.data()) == APIS[name].response(figures_only.data())


@pytest.mark.parametrize("name", APIS)
@given(body=OBJECTS, data=OBJECTS)
@fuzzed
def test_what_is_rendered_is_valid(name: str, body: dict[str, Any], data: dict[str, Any]) -> None:
    """Through the renderers, as the registry and the conventions' schemas want it; and nothing was swallowed."""
    guard._reported.clear()
    api = APIS[name]
    operation = {"embeddings": "embeddings", "count_tokens": "count_tokens"}.get(name, "generate_content")
    key = Key(operation, "gcp.gemini", "gemini-2.5-flash", "host", 443, False)
    response = api.response(data)
    params = api.params(body)
    attributes = {**render_genai.start(key), "mlflow.spanType": "CHAT_MODEL"}
    attributes.update(of_call(key, params, Outcome(response, None, None, 1, None)))
    writer = Writer(frozenset({"genai", "mlflow"}), None, NO_SECRETS)
    texts = writer.texts(key, params, response, read_content(api, body, data, 1 << 20))
    attributes.update(texts.outputs)
    attributes.update(texts.inputs)
    attributes["mlflow.spanType"] = {"embeddings": "EMBEDDING", "count_tokens": "LLM"}.get(operation, "CHAT_MODEL")
    attributes["mlflow.llm.provider"] = "gemini"
    span = {"name": f"{operation} gemini-2.5-flash", "kind": "CLIENT", "attributes": attributes}
    assert guard._reported == set()
    wrong = [one for one in violations(span) if "more than the whole" not in one]  # the provider's own contradiction
    assert wrong == []


COUNTS = st.one_of(st.none(), st.integers(0, 10**6))
FIELDS = (
    "promptTokenCount",
    "toolUsePromptTokenCount",
    "candidatesTokenCount",
    "thoughtsTokenCount",
    "cachedContentTokenCount",
)


@given(st.fixed_dictionaries(dict.fromkeys(FIELDS, COUNTS)), COUNTS)
@settings(max_examples=200, deadline=None)
def test_usage_is_counted_as_documented(counts: dict[str, int | None], total: int | None) -> None:
    """input = prompt + tool use, output = candidates + thoughts, or the rest of the total where neither is there.

    Where the total has the thoughts inside the candidates, they are not added.
    """
    wire = {name: figure for name, figure in {**counts, "totalTokenCount": total}.items() if figure is not None}
    prompt, tool, candidates, thoughts, cached = (wire.get(name) for name in FIELDS)
    ins = [one for one in (prompt, tool) if one is not None]
    outs = [one for one in (candidates, thoughts) if one is not None]
    expected_in = sum(ins) if ins else None
    expected_out = sum(outs) if outs else None
    if not outs and ins and total is not None:
        expected_out = max(total - sum(ins), 0)
    if len(outs) == 2 and total is not None and 0 < outs[1] <= outs[0]:
        beside = [(expected_in or 0) + sum(outs), (prompt or 0) + sum(outs)]
        inside = [(expected_in or 0) + outs[0], (prompt or 0) + outs[0]]
        expected_out = outs[0] if total in inside and total not in beside else expected_out
    usage = read_usage(wire)
    if expected_in is None and expected_out is None:
        assert usage is None
        return
    assert (usage.input, usage.output) == (expected_in, expected_out)
    assert (usage.cache_read, usage.reasoning, usage.total) == (cached, thoughts, total)


@given(st.lists(st.fixed_dictionaries({name: st.integers(0, 1000) for name in FIELDS}), min_size=1, max_size=6))
@settings(max_examples=100, deadline=None)
def test_usage_of_a_stream_is_the_last(usages: list[dict[str, int]]) -> None:
    fold = generate_content.Fold()
    for usage in usages:
        fold.metadata({"usageMetadata": usage})
    assert generate_content.response(fold.data()).usage == read_usage(usages[-1])


def test_the_contract_is_whole() -> None:
    for api in APIS.values():
        assert {"params", "response", "prompt", "answer"} <= set(vars(api))
