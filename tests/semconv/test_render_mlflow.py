"""The model as MLflow's attributes."""

from __future__ import annotations

import json

import pytest

from genspan_semconv import render_mlflow
from genspan_semconv.model import Prompt, Usage


def usage(operation="chat", **figures):
    into: dict[str, object] = {}
    render_mlflow.usage(operation, Usage(**figures), into)
    return json.loads(str(into["mlflow.chat.tokenUsage"])) if into else None


@pytest.mark.parametrize(
    ("figures", "expected"),
    [
        ({"input": 3, "output": 4}, {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}),
        ({"input": 0, "output": 0}, {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}),
        ({"output": 5}, {"output_tokens": 5, "total_tokens": 5}),
        ({"input": 8}, {"input_tokens": 8, "total_tokens": 8}),
        ({"total": 9}, None),
        ({"cache_read": 9}, None),
    ],
)
def test_what_is_absent_is_not_zero(figures, expected):
    assert usage(**figures) == expected


def test_embeddings_have_no_output():
    assert usage("embeddings", input=8) == {"input_tokens": 8, "output_tokens": 0, "total_tokens": 8}


def test_caches():
    found = usage(input=9, output=1, cache_read=0, cache_write=7, cache_write_by_ttl={"5m": 1, "1h": 2, "12h": 4})
    assert found == {
        "input_tokens": 9,
        "output_tokens": 1,
        "total_tokens": 10,
        "cache_read_input_tokens": 0,
        "cache_creation_input_tokens": 7,
        "cache_creation_input_tokens_above_1hr": 6,
    }
    assert "cache_creation_input_tokens_above_1hr" not in usage(input=1, cache_write_by_ttl={"5m": 1, "30m": 1})


def test_parameters_of_a_provider_under_the_names_that_the_program_passed():
    params = {
        "temperature": 0.5,
        "openai.request.service_tier": "flex",
        "openai.api.type": "responses",
        "response_id": "r",
    }
    inputs = render_mlflow.inputs("chat", "m", params, Prompt([], [], []))
    assert inputs == {"messages": [], "model": "m", "temperature": 0.5, "service_tier": "flex"}
