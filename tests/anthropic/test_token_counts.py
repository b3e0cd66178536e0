"""Anthropic's token counts, field by field: https://platform.claude.com/docs/en/api/messages#usage."""

from __future__ import annotations

import pytest

from genspan.anthropic.usage import read_usage
from genspan_semconv.model import Usage

COMPACTION = {"type": "compaction", "input_tokens": 100, "output_tokens": 20}
ADVISOR = {"type": "advisor_message", "model": "b", "input_tokens": 30, "output_tokens": 4}
REFUSED = {"type": "message", "model": "a", "input_tokens": 9, "output_tokens": 2}
SERVED = {"type": "fallback_message", "model": "b", "input_tokens": 8, "output_tokens": 5}


@pytest.mark.parametrize(
    ("wire", "expected"),
    [
        ({"input_tokens": 9, "output_tokens": 4}, Usage(9, 4)),
        (
            {
                "input_tokens": 9,
                "output_tokens": 4,
                "cache_read_input_tokens": 30,
                "cache_creation_input_tokens": 7,
            },
            Usage(46, 4, cache_read=30, cache_write=7),
        ),
        ({"cache_read_input_tokens": 30}, Usage(30, cache_read=30)),
        ({"cache_creation_input_tokens": 7}, Usage(7, cache_write=7)),
        ({"output_tokens": 0}, Usage(output=0)),
        (
            {
                "input_tokens": 9,
                "cache_creation_input_tokens": 7,
                "cache_creation": {"ephemeral_5m_input_tokens": 3, "ephemeral_1h_input_tokens": 4},
            },
            Usage(16, cache_write=7, cache_write_by_ttl={"5m": 3, "1h": 4}),
        ),
        (
            {"input_tokens": 9, "cache_creation": {"ephemeral_5m_input_tokens": 3, "ephemeral_1h_input_tokens": 4}},
            Usage(16, cache_write=7, cache_write_by_ttl={"5m": 3, "1h": 4}),
        ),
        (
            {
                "input_tokens": 9,
                "cache_creation_input_tokens": 0,
                "cache_creation": {"ephemeral_1h_input_tokens": 0},
            },
            Usage(9, cache_write=0, cache_write_by_ttl={"1h": 0}),
        ),
        (
            {"output_tokens": 4, "output_tokens_details": {"thinking_tokens": 3}},
            Usage(output=4, reasoning=3),
        ),
        ({"input_tokens": 9, "server_tool_use": {"web_search_requests": 2}}, Usage(9, searches=2)),
        ({"input_tokens": 9, "server_tool_use": {"web_search_requests": 0}}, Usage(9)),
        # A server that has a total says by it whether the input includes the caches.
        (
            {"input_tokens": 9, "output_tokens": 4, "total_tokens": 13, "cache_read_input_tokens": 5},
            Usage(9, 4, 13, cache_read=5),
        ),
        (
            {"input_tokens": 9, "output_tokens": 4, "total_tokens": 18, "cache_read_input_tokens": 5},
            Usage(14, 4, 18, cache_read=5),
        ),
        ({"output_tokens": 4, "total_tokens": 4}, Usage(None, 4, 4)),
        ({"input_tokens": 9, "total_tokens": 9, "cache_read_input_tokens": 5}, Usage(9, None, 9, cache_read=5)),
        # Servers that translate everything but the usage.
        ({"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}, Usage(9, 4, 13)),
        ({"prompt_tokens": 9, "completion_tokens": 4, "input_tokens": 0}, Usage(9, 4)),
        ({"prompt_tokens": 9, "input_tokens": 8, "output_tokens": 4}, Usage(8, 4)),
        ({"prompt_tokens": None, "input_tokens": 8}, Usage(8)),
        ({}, None),
        (None, None),
        ({"input_tokens": None, "service_tier": "standard"}, None),
        ({"input_tokens": -1}, None),
    ],
)
def test_figures(wire, expected):
    assert read_usage(wire) == expected


@pytest.mark.parametrize(
    ("wire", "declined", "additional"),
    [
        ({"iterations": [COMPACTION, ADVISOR]}, (), {"compaction": (100, 20), "advisor": (30, 4)}),
        (
            {
                "iterations": [
                    {**COMPACTION, "cache_read_input_tokens": 5, "cache_creation_input_tokens": 6},
                    {"type": "compaction", "output_tokens": 2},
                ]
            },
            (),
            {"compaction": (111, 22)},
        ),
        ({"iterations": [{"type": "message", "input_tokens": 9, "output_tokens": 5}]}, (), {}),
        ({"iterations": []}, (), {}),
        # Models that refused are in addition, where the whole is what the rest adds up to.
        ({"iterations": [REFUSED, SERVED]}, (), {"fallback": (9, 2)}),
        ({"iterations": [REFUSED, COMPACTION, SERVED]}, (), {"fallback": (9, 2), "compaction": (100, 20)}),
        ({"iterations": [REFUSED, {**REFUSED, "model": "c"}, SERVED]}, (), {"fallback": (18, 4)}),
        (
            {"iterations": [REFUSED, {**REFUSED, "model": "b"}, {**SERVED, "output_tokens": 3}]},
            (),
            {"fallback": (9, 2)},
        ),
        ({"iterations": [REFUSED, {**SERVED, "output_tokens": 3}]}, (), {}),
        ({"iterations": [{**REFUSED, "model": None}, {**SERVED, "output_tokens": 3}]}, (), {}),
        ({"iterations": [REFUSED]}, (), {}),
        ({}, [{"input_tokens": 6, "output_tokens": 1}, {"input_tokens": 2}], {"fallback": (8, 1)}),
        ({"iterations": [REFUSED, SERVED]}, [{"input_tokens": 6}], {"fallback": (6, None)}),
    ],
)
def test_what_is_billed_beside(wire, declined, additional):
    found = read_usage({"input_tokens": 8, "output_tokens": 5, **wire}, declined)
    assert found == Usage(8, 5, additional=additional)
