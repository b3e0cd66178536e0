"""The model as attributes of the conventions."""

from __future__ import annotations

from genspan_semconv import render_genai
from genspan_semconv.model import Usage


def rendered(usage: Usage) -> dict[str, object]:
    into: dict[str, object] = {}
    render_genai.usage(usage, into)
    return into


def test_zeros_of_the_conventions_are_kept_and_those_of_genspan_left_out():
    zeros = Usage(
        input=0,
        output=0,
        total=0,
        cache_read=0,
        cache_write=0,
        reasoning=0,
        accepted_prediction=0,
        rejected_prediction=0,
        seconds=0.0,
        searches=0,
        cache_write_by_ttl={"5m": 0, "1h": 0},
        modalities={("text", "input"): 0},
        additional={"tool": (0, 0), "svg": (None, 0)},
    )
    assert rendered(zeros) == {
        "gen_ai.usage.input_tokens": 0,
        "gen_ai.usage.output_tokens": 0,
        "gen_ai.usage.cache_read.input_tokens": 0,
        "gen_ai.usage.cache_write.input_tokens": 0,
        "gen_ai.usage.reasoning.output_tokens": 0,
        "gen_ai.usage.text.input_tokens": 0,
    }


def test_figures():
    figures = Usage(
        input=1,
        output=2,
        total=4,
        accepted_prediction=5,
        rejected_prediction=6,
        seconds=1.5,
        searches=7,
        cache_write_by_ttl={"5m": 8, "30m": 9, "1h": 10, "12h": 11, "1y": 12},
        additional={"tool": (13, None), "svg": (0, 14)},
    )
    assert rendered(figures) == {
        "gen_ai.usage.input_tokens": 1,
        "gen_ai.usage.output_tokens": 2,
        "genspan.usage.total_tokens": 4,
        "genspan.usage.accepted_prediction.output_tokens": 5,
        "genspan.usage.rejected_prediction.output_tokens": 6,
        "genspan.usage.audio.seconds": 1.5,
        "genspan.usage.web_search.requests": 7,
        "genspan.usage.cache_write_5m.input_tokens": 8,
        "genspan.usage.cache_write_30m.input_tokens": 9,
        "genspan.usage.cache_write_1h.input_tokens": 10,
        "genspan.usage.cache_write_12h.input_tokens": 11,
        "genspan.usage.tool.input_tokens": 13,
        "genspan.usage.svg.output_tokens": 14,
    }


def test_what_is_not_reported_is_absent():
    assert rendered(Usage()) == {}
