"""Google's token counts, field by field: https://ai.google.dev/api/generate-content#UsageMetadata."""

from __future__ import annotations

import pytest

from genspan.gemini.interactions import response as interaction
from genspan.gemini.usage import merged, read_usage
from genspan_semconv.model import Usage


@pytest.mark.parametrize(
    ("wire", "expected"),
    [
        ({"promptTokenCount": 9, "candidatesTokenCount": 4, "totalTokenCount": 13}, Usage(9, 4, 13)),
        # Tool-use prompts are billed as input, thoughts as output.
        (
            {
                "promptTokenCount": 9,
                "toolUsePromptTokenCount": 5,
                "candidatesTokenCount": 4,
                "thoughtsTokenCount": 3,
                "totalTokenCount": 21,
                "cachedContentTokenCount": 2,
            },
            Usage(14, 7, 21, cache_read=2, reasoning=3),
        ),
        ({"promptTokenCount": 9, "toolUsePromptTokenCount": 5}, Usage(input=14)),
        ({"promptTokenCount": 9, "thoughtsTokenCount": 3}, Usage(input=9, output=3, reasoning=3)),
        ({"promptTokenCount": 9, "responseTokenCount": 4}, Usage(9, 4)),
        ({"candidatesTokenCount": 4}, Usage(output=4)),
        # A count of zero is left out of Google's JSON; the total says it.
        ({"promptTokenCount": 9, "totalTokenCount": 9}, Usage(9, 0, 9)),
        ({"promptTokenCount": 9, "totalTokenCount": 12}, Usage(9, 3, 12)),
        ({"promptTokenCount": 9, "totalTokenCount": 5}, Usage(9, 0, 5)),
        # Gateways that count thoughts inside the answer.
        (
            {"promptTokenCount": 9, "candidatesTokenCount": 4, "thoughtsTokenCount": 3, "totalTokenCount": 13},
            Usage(9, 4, 13, reasoning=3),
        ),
        (
            {
                "promptTokenCount": 9,
                "toolUsePromptTokenCount": 5,
                "candidatesTokenCount": 4,
                "thoughtsTokenCount": 3,
                "totalTokenCount": 13,
            },
            Usage(14, 4, 13, reasoning=3),
        ),
        (
            {
                "promptTokenCount": 9,
                "toolUsePromptTokenCount": 5,
                "candidatesTokenCount": 4,
                "thoughtsTokenCount": 3,
                "totalTokenCount": 16,
            },
            Usage(14, 7, 16, reasoning=3),
        ),
        (
            {"promptTokenCount": 9, "candidatesTokenCount": 3, "thoughtsTokenCount": 4, "totalTokenCount": 12},
            Usage(9, 7, 12, reasoning=4),
        ),
        (
            {"promptTokenCount": 9, "candidatesTokenCount": 3, "thoughtsTokenCount": 3, "totalTokenCount": 12},
            Usage(9, 3, 12, reasoning=3),
        ),
        (
            {"promptTokenCount": 9, "candidatesTokenCount": 4, "thoughtsTokenCount": 3, "totalTokenCount": 99},
            Usage(9, 7, 99, reasoning=3),
        ),
        ({"totalTokenCount": 9}, None),
        ({"cachedContentTokenCount": 9}, None),
        ({}, None),
        (None, None),
        ("9", None),
    ],
)
def test_figures(wire, expected):
    assert read_usage(wire) == expected


@pytest.mark.parametrize(
    ("field", "direction"),
    [
        ("promptTokensDetails", "input"),
        ("promptTokenDetails", "input"),
        ("toolUsePromptTokensDetails", "input"),
        ("candidatesTokensDetails", "output"),
        ("responseTokensDetails", "output"),
        ("cacheTokensDetails", "cache_read"),
    ],
)
def test_modalities(field, direction):
    details = [
        {"modality": "TEXT", "tokenCount": 4},
        {"modality": "IMAGE", "tokenCount": 3},
        {"modality": "AUDIO"},
        {"modality": "VIDEO", "tokenCount": 2},
        {"modality": "TEXT", "tokenCount": 5},
        None,
    ]
    found = read_usage({"promptTokenCount": 20, field: details})
    assert found is not None
    assert found.modalities == {("text", direction): 9, ("image", direction): 3}


def test_modalities_of_prompt_and_tool_use_add_up():
    found = read_usage(
        {
            "promptTokenCount": 9,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 4}, {"modality": "AUDIO", "tokenCount": 5}],
            "toolUsePromptTokensDetails": [{"modality": "TEXT", "tokenCount": 2}],
        }
    )
    assert found is not None
    assert found.modalities == {("text", "input"): 6, ("audio", "input"): 5}


@pytest.mark.parametrize(
    ("earlier", "later", "expected"),
    [
        (None, {"promptTokenCount": 1}, {"promptTokenCount": 1}),
        ({"a": 1, "b": 2}, {"b": 3, "c": 4}, {"a": 1, "b": 3, "c": 4}),
        ({"a": 1}, {"a": 0}, {"a": 0}),
        ({"a": 1}, {"a": None}, {"a": 1}),
        ({"a": 1}, None, {"a": 1}),
    ],
)
def test_a_stream_is_cumulative(earlier, later, expected):
    assert merged(earlier, later) == expected


@pytest.mark.parametrize(
    ("wire", "expected"),
    [
        (
            {
                "total_input_tokens": 9,
                "total_tool_use_tokens": 5,
                "total_output_tokens": 4,
                "total_thought_tokens": 3,
                "total_tokens": 21,
                "total_cached_tokens": 2,
            },
            Usage(14, 7, 21, cache_read=2, reasoning=3),
        ),
        ({"total_input_tokens": 9}, Usage(9)),
        ({"total_output_tokens": 4}, Usage(output=4)),
        (
            {
                "total_input_tokens": 20,
                "input_tokens_by_modality": [
                    {"modality": "text", "tokens": 4},
                    {"modality": "text", "tokens": 1},
                    {"modality": "video", "tokens": 7},
                    {"modality": "image"},
                ],
                "tool_use_tokens_by_modality": [{"modality": "text", "tokens": 2}],
                "output_tokens_by_modality": [{"modality": "image", "tokens": 6}],
                "cached_tokens_by_modality": [{"modality": "audio", "tokens": 3}],
            },
            Usage(20, modalities={("text", "input"): 7, ("image", "output"): 6, ("audio", "cache_read"): 3}),
        ),
        (
            {
                "grounding_tool_count": [
                    {"type": "google_search", "count": 2},
                    {"type": "google_maps", "count": 5},
                    {"type": "google_search", "count": 1},
                ]
            },
            Usage(searches=3),
        ),
        ({"total_tokens": 21, "total_cached_tokens": 2}, None),
        ({}, None),
    ],
)
def test_usage_of_an_interaction(wire, expected):
    assert interaction({"usage": wire}).usage == expected
