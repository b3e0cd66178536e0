"""Converters are total: whatever JSON a provider or a program sends, they return what the registry allows."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from genspan_semconv import attributes as names
from genspan_semconv import render_genai, render_mlflow
from genspan_semconv.encode import dumps
from genspan_semconv.model import Key, Response
from tests.support.registry import violations

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

EXAMPLES = int(os.environ.get("GENSPAN_FUZZ_EXAMPLES", "40"))
"""`make fuzz` tries more."""
few = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))


def objects(words: str) -> SearchStrategy[dict[str, Any]]:
    """JSON objects of any shape whose names, and some of whose strings, are among the words of a wire."""
    some = st.sampled_from(words.split())
    leaves = st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-5, 2**70),
        st.floats(),
        st.text(max_size=5),
        some,
        st.just("{}"),
        st.just("\ud800"),
    )
    anything = st.recursive(
        leaves,
        lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(some, inner, max_size=6)),
        max_leaves=30,
    )
    return st.dictionaries(some, anything, max_size=8)


def check(api: Any, body: dict[str, Any], chunks: list[dict[str, Any]]) -> None:
    """Everything that an API makes of a request, of an answer, and of an answer in chunks is allowed."""
    fold = api.Fold()
    for chunk in chunks:
        fold.metadata(chunk)
        fold.content(chunk)
    for data in (body, fold.data()):
        allowed(api.params(body), api.response(data), api.prompt(body), api.answer(data))


def allowed(params: Any, response: Response, prompt: Any, answer: Any) -> None:
    """A span with all of this is as the registry says."""
    key = Key("chat", "openai", "gpt", "host", 443, True)
    into = {**render_genai.start(key), **render_mlflow.start("chat", "openai")}
    if response.usage is not None:
        render_mlflow.usage("chat", response.usage, into)
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
