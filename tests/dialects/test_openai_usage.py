"""Usage of OpenAI's APIs and of servers that speak them: each spelling, each place, and what a total decides."""

from __future__ import annotations

from dataclasses import replace

import pytest

from genspan.dialects.openai_usage import all_but_input, read_usage
from genspan.dialects.usage import merged
from genspan_semconv.model import Usage

SPELLINGS = [
    ({"prompt_tokens": 5}, Usage(input=5)),
    ({"input_tokens": 5}, Usage(input=5)),
    ({"prompt_eval_count": 5}, Usage(input=5)),
    ({"completion_tokens": 5}, Usage(output=5)),
    ({"output_tokens": 5}, Usage(output=5)),
    ({"eval_count": 5}, Usage(output=5)),
    ({"total_tokens": 5}, Usage(total=5)),
    ({"cached_tokens": 5}, Usage(cache_read=5)),
    ({"prompt_cache_hit_tokens": 5}, Usage(cache_read=5)),
    ({"num_cached_tokens": 5}, Usage(cache_read=5)),
    ({"cache_read_input_tokens": 5}, Usage(cache_read=5)),
    ({"cache_write_tokens": 5}, Usage(cache_write=5)),
    ({"cache_creation_input_tokens": 5}, Usage(cache_write=5)),
    ({"cache_creation_tokens": 5}, Usage(cache_write=5)),
    ({"reasoning_tokens": 5}, Usage(reasoning=5)),
    ({"thoughtsTokenCount": 5}, Usage(reasoning=5)),
    ({"accepted_prediction_tokens": 5}, Usage(accepted_prediction=5)),
    ({"rejected_prediction_tokens": 5}, Usage(rejected_prediction=5)),
    ({"web_search_requests": 5}, Usage(searches=5)),
    ({"num_search_queries": 5}, Usage(searches=5)),
    ({"seconds": 5}, Usage(seconds=5.0)),
    ({"prompt_audio_seconds": 5}, Usage(seconds=5.0)),
    ({"prompt_tokens_details": {"cached_tokens": 5}}, Usage(cache_read=5)),
    ({"prompt_token_details": {"cached_tokens": 5}}, Usage(cache_read=5)),
    ({"input_tokens_details": {"cached_tokens": 5}}, Usage(cache_read=5)),
    ({"input_token_details": {"cached_tokens": 5}}, Usage(cache_read=5)),
    ({"completion_tokens_details": {"reasoning_tokens": 5}}, Usage(reasoning=5)),
    ({"completion_token_details": {"reasoning_tokens": 5}}, Usage(reasoning=5)),
    ({"output_tokens_details": {"reasoning_tokens": 5}}, Usage(reasoning=5)),
    ({"output_token_details": {"reasoning_tokens": 5}}, Usage(reasoning=5)),
    ({"completion_tokens_details": {"accepted_prediction_tokens": 5}}, Usage(accepted_prediction=5)),
    ({"completion_tokens_details": {"rejected_prediction_tokens": 5}}, Usage(rejected_prediction=5)),
    ({"server_tool_use": {"web_search_requests": 5}}, Usage(searches=5)),
    ({"prompt_tokens_details": {"text_tokens": 5}}, Usage(modalities={("text", "input"): 5})),
    ({"input_token_details": {"image_tokens": 5}}, Usage(modalities={("image", "input"): 5})),
    ({"prompt_tokens_details": {"audio_tokens": 5}}, Usage(modalities={("audio", "input"): 5})),
    ({"completion_tokens_details": {"audio_tokens": 5}}, Usage(modalities={("audio", "output"): 5})),
    ({"output_token_details": {"text_tokens": 5}}, Usage(modalities={("text", "output"): 5})),
    ({"output_tokens_details": {"image_tokens": 5}}, Usage(modalities={("image", "output"): 5})),
    (
        {"input_token_details": {"cached_tokens_details": {"text_tokens": 3, "audio_tokens": 2}}},
        Usage(modalities={("text", "cache_read"): 3, ("audio", "cache_read"): 2}),
    ),
    ({"prompt_tokens_details": {"cached_image_tokens": 5}}, Usage(modalities={("image", "cache_read"): 5})),
    (
        {"cache_creation": {"ephemeral_5m_input_tokens": 3, "ephemeral_1h_input_tokens": 2}},
        Usage(cache_write=5, cache_write_by_ttl={"5m": 3, "1h": 2}),
    ),
    (
        {"cache_write_tokens_details": {"ttl_30m_tokens": 3, "ttl_12h_tokens": 2}},
        Usage(cache_write=5, cache_write_by_ttl={"30m": 3, "12h": 2}),
    ),
    (
        {"cache_creation_token_details": {"ttl_30m_tokens": 3}, "cache_write_tokens": 4},
        Usage(cache_write=4, cache_write_by_ttl={"30m": 3}),
    ),
]


@pytest.mark.parametrize(("wire", "expected"), SPELLINGS)
def test_every_spelling(wire, expected):
    assert read_usage({"usage": wire}) == expected


@pytest.mark.parametrize(("wire", "expected"), SPELLINGS)
def test_a_zero_is_a_figure(wire, expected):
    """What the provider reports as zero is zero; what it does not report is absent."""
    found = read_usage({"usage": {name: _zeros(value) for name, value in wire.items()}})
    assert found is not None
    for name in ("input", "output", "total", "cache_read", "cache_write", "reasoning", "searches", "seconds"):
        assert getattr(found, name) == (None if getattr(expected, name) is None else 0)
    assert found.modalities == dict.fromkeys(expected.modalities, 0)


def _zeros(value):
    return {name: _zeros(inner) for name, inner in value.items()} if isinstance(value, dict) else 0


USAGE = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}
READ = Usage(input=9, output=4, total=13)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"usage": USAGE}, READ),
        ({"x_groq": {"usage": USAGE}}, READ),
        ({"usage": None, "x_groq": {"usage": USAGE}}, READ),
        ({"usage": {}, "choices": [{"usage": USAGE}]}, READ),
        ({"usage": USAGE, "x_groq": {"usage": {"prompt_tokens": 1}}}, READ),
        ({"prompt_eval_count": 9, "eval_count": 4}, Usage(input=9, output=4)),
        ({"timings": {"prompt_n": 6, "cache_n": 3, "predicted_n": 4}}, Usage(input=9, output=4, cache_read=3)),
        ({"timings": {"prompt_n": 6, "predicted_n": 4}}, Usage(input=6, output=4)),
        ({"choices": [{"usage": USAGE}, {"usage": {**USAGE, "completion_tokens": 6}}]}, Usage(input=9, output=10)),
        ({"choices": [{"usage": USAGE}, {}, None, {"usage": USAGE}]}, Usage(input=9, output=8)),
        ({}, None),
        ({"usage": {}}, None),
        ({"usage": {"prompt_tokens": None, "cost": 1, "prompt_tokens_details": None}}, None),
        ({"usage": {"prompt_tokens": -1, "completion_tokens": True, "total_tokens": "9"}}, None),
    ],
)
def test_every_place(data, expected):
    assert read_usage(data) == expected


@pytest.mark.parametrize(
    ("wire", "expected"),
    [
        # What several spellings say once counts once; a zero gives way to a number.
        ({"prompt_tokens": 9, "input_tokens": 7}, Usage(input=9)),
        ({"prompt_tokens": 0, "input_tokens": 7}, Usage(input=7)),
        # xAI bills reasoning beside the output: the total says so.
        (
            {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 18, "reasoning_tokens": 5},
            Usage(input=9, output=9, total=18, reasoning=5),
        ),
        (
            {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13, "reasoning_tokens": 3},
            Usage(input=9, output=4, total=13, reasoning=3),
        ),
        # Cached tokens beside the input.
        (
            {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 20, "cached_tokens": 7},
            Usage(input=16, output=4, total=20, cache_read=7),
        ),
        (
            {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 15, "cache_write_tokens": 2},
            Usage(input=11, output=4, total=15, cache_write=2),
        ),
        (
            {
                "prompt_tokens": 9,
                "completion_tokens": 4,
                "total_tokens": 20,
                "cached_tokens": 7,
                "cache_write_tokens": 2,
            },
            Usage(input=16, output=4, total=20, cache_read=7, cache_write=2),
        ),
        (
            {
                "prompt_tokens": 9,
                "completion_tokens": 4,
                "total_tokens": 22,
                "cached_tokens": 7,
                "cache_write_tokens": 2,
            },
            Usage(input=18, output=4, total=22, cache_read=7, cache_write=2),
        ),
        # Both beside.
        (
            {
                "prompt_tokens": 9,
                "completion_tokens": 4,
                "total_tokens": 25,
                "cached_tokens": 7,
                "reasoning_tokens": 5,
            },
            Usage(input=16, output=9, total=25, cache_read=7, reasoning=5),
        ),
        # A total that nothing explains, or that is too small, changes nothing.
        ({"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 99}, Usage(input=9, output=4, total=99)),
        ({"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 5}, Usage(input=9, output=4, total=5)),
        # One side is missing: the total gives it.
        ({"prompt_tokens": 9, "total_tokens": 13}, Usage(input=9, output=4, total=13)),
        ({"completion_tokens": 4, "total_tokens": 13}, Usage(input=9, output=4, total=13)),
        ({"prompt_tokens": 9, "total_tokens": 9}, Usage(input=9, total=9)),
        # No total: a subset larger than the whole stands beside it.
        ({"completion_tokens": 4, "reasoning_tokens": 5}, Usage(output=9, reasoning=5)),
        ({"completion_tokens": 5, "reasoning_tokens": 5}, Usage(output=5, reasoning=5)),
        ({"prompt_tokens": 4, "cached_tokens": 5}, Usage(input=9, cache_read=5)),
        ({"prompt_tokens": 5, "cached_tokens": 5}, Usage(input=5, cache_read=5)),
        ({"prompt_tokens": 4, "cached_tokens": 3, "cache_write_tokens": 2}, Usage(9, cache_read=3, cache_write=2)),
        ({"reasoning_tokens": 5}, Usage(reasoning=5)),
        # Of a modality that stands in two places the first one counts, and those at the top are none.
        ({"text_tokens": 5, "prompt_tokens": 9}, Usage(input=9)),
        (
            {"input_tokens_details": {"text_tokens": 5}, "prompt_tokens_details": {"text_tokens": 6}},
            Usage(modalities={("text", "input"): 5}),
        ),
    ],
)
def test_what_the_total_decides(wire, expected):
    assert read_usage({"usage": wire}) == expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (
            {"usage": USAGE, "tool_usage": {"image_gen": {"input_tokens": 3, "output_tokens": 2}}},
            Usage(9, 4, 13, additional={"tool": (3, 2)}),
        ),
        (
            {
                "usage": USAGE,
                "tool_usage": {
                    "image_gen": {"input_tokens": 3, "output_tokens": 2},
                    "other": {"input_tokens": 4},
                    "web_search": {"num_requests": 6},
                },
            },
            Usage(9, 4, 13, searches=6, additional={"tool": (7, 2)}),
        ),
        ({"usage": USAGE, "svg_usage": {"output_tokens": 2}}, Usage(9, 4, 13, additional={"svg": (None, 2)})),
        ({"svg_usage": {"input_tokens": 3, "output_tokens": 2}}, Usage(additional={"svg": (3, 2)})),
        ({"tool_usage": {"web_search": {"num_requests": 6}}}, Usage(searches=6)),
        ({"usage": USAGE, "tool_usage": {"web_search": {}}, "svg_usage": {}}, READ),
        ({"tool_usage": {}}, None),
    ],
)
def test_what_is_billed_beside(data, expected):
    assert read_usage(data) == expected


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (Usage(input=9, output=4, total=18), Usage(input=9, output=9, total=18, reasoning=5)),
        (Usage(input=9, total=18), Usage(input=9, output=9, total=18, reasoning=9)),
        (Usage(input=9, output=9, total=18), Usage(input=9, output=9, total=18)),
        (Usage(input=9, output=4, total=18, reasoning=2), Usage(input=9, output=9, total=18, reasoning=2)),
        (Usage(input=9, output=0, total=9), Usage(input=9, output=0, total=9)),
        (Usage(input=9, total=9), Usage(input=9, output=0, total=9)),
        (Usage(input=9, output=4, total=14), Usage(input=9, output=5, total=14, reasoning=1)),
        (Usage(input=9, output=4), Usage(input=9, output=4)),
        (Usage(output=4, total=18), Usage(output=4, total=18)),
        (Usage(input=9, output=4, total=8), Usage(input=9, output=4, total=8)),
    ],
)
def test_all_that_is_not_input_is_output(usage, expected):
    assert all_but_input(replace(usage)) == expected


@pytest.mark.parametrize(
    ("known", "newer", "expected"),
    [
        ({}, {"a": 1}, {"a": 1}),
        ({"a": 1}, {"a": 2}, {"a": 2}),
        ({"a": 1}, {"a": 0}, {"a": 1}),
        ({"a": 1}, {"a": None}, {"a": 1}),
        ({"a": 1, "b": 2}, {"b": 3}, {"a": 1, "b": 3}),
        ({}, {"a": 0}, {"a": 0}),
        ({"a": None}, {"a": 0}, {"a": 0}),
        ({"d": {"x": 1, "y": 2}}, {"d": {"x": 3, "y": 0}}, {"d": {"x": 3, "y": 2}}),
        ({"d": {"x": 1}}, {"d": {}}, {"d": {"x": 1}}),
        ({"d": {"x": 1}}, {"d": None}, {"d": {"x": 1}}),
        ({"d": None}, {"d": {"x": 1}}, {"d": {"x": 1}}),
        ({"d": 1}, {"d": {"x": 1}}, {"d": {"x": 1}}),
    ],
)
def test_figures_of_a_stream_grow(known, newer, expected):
    before = dict(known)
    assert merged(known, newer) == expected
    assert known == before
