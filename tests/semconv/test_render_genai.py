"""The model as attributes of the conventions."""

from __future__ import annotations

from itertools import product

import pytest

from genspan_semconv import render_genai
from genspan_semconv.model import Key, Prompt, Response, Usage


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
    usage = Usage(
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
    assert rendered(usage) == {
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


def test_every_modality_and_everything_billed_beside():
    directions, kinds = ("input", "output", "cache_read"), ("text", "image", "audio")
    modalities = {(kind, way): 1 + number for number, (kind, way) in enumerate(product(kinds, directions))}
    additional = {kind: (20 + number, 30 + number) for number, kind in enumerate(("compaction", "advisor", "fallback"))}
    modalities["video", "input"] = 99
    assert rendered(Usage(modalities=modalities, additional=additional)) == {
        "gen_ai.usage.text.input_tokens": 1,
        "gen_ai.usage.text.output_tokens": 2,
        "gen_ai.usage.text.cache_read.input_tokens": 3,
        "gen_ai.usage.image.input_tokens": 4,
        "gen_ai.usage.image.output_tokens": 5,
        "gen_ai.usage.image.cache_read.input_tokens": 6,
        "gen_ai.usage.audio.input_tokens": 7,
        "gen_ai.usage.audio.output_tokens": 8,
        "gen_ai.usage.audio.cache_read.input_tokens": 9,
        "genspan.usage.compaction.input_tokens": 20,
        "genspan.usage.compaction.output_tokens": 30,
        "genspan.usage.advisor.input_tokens": 21,
        "genspan.usage.advisor.output_tokens": 31,
        "genspan.usage.fallback.input_tokens": 22,
        "genspan.usage.fallback.output_tokens": 32,
    }


@pytest.mark.parametrize(
    ("usage", "shown"),
    [
        (Usage(1, 2, 3), False),
        (Usage(1, 2, 4), True),
        (Usage(input=3, total=3), False),
        (Usage(output=3, total=4), True),
    ],
)
def test_a_total_is_shown_where_it_contradicts(usage, shown):
    assert ("genspan.usage.total_tokens" in rendered(usage)) is shown


def test_the_start_of_a_span():
    assert render_genai.start(Key("chat", "openai", "m", "h", 443, True)) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "m",
        "server.address": "h",
        "server.port": 443,
        "gen_ai.request.stream": True,
    }
    assert render_genai.start(Key("chat", "openai", None, None, 443, False)) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
    }


def test_tools():
    assert render_genai.tool("f", "c", "d") == {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "f",
        "gen_ai.tool.type": "function",
        "gen_ai.tool.call.id": "c",
        "gen_ai.tool.description": "d",
    }
    assert "gen_ai.tool.call.id" not in render_genai.tool("f", None)
    assert "gen_ai.tool.description" not in render_genai.tool("f", None)


def test_a_response():
    into: dict[str, object] = {}
    render_genai.response(
        Response(
            id="r",
            model="m",
            finish_reasons=["stop", "length"],
            status="completed",
            conversation_id="c",
            compacted=True,
            attributes={"x.y": 1, "x.z": None},
        ),
        into,
    )
    assert into == {
        "gen_ai.response.id": "r",
        "gen_ai.response.model": "m",
        "gen_ai.response.finish_reasons": ["stop", "length"],
        "gen_ai.response.status": "completed",
        "gen_ai.conversation.id": "c",
        "gen_ai.conversation.compacted": True,
        "x.y": 1,
    }
    into = {}
    render_genai.response(Response(), into)
    assert into == {}


def test_parameters():
    into: dict[str, object] = {}
    render_genai.params(
        {
            "output_type": "json",
            "max_tokens": 1,
            "temperature": 0.5,
            "top_p": 0.25,
            "top_k": 2,
            "stop_sequences": ["x"],
            "seed": 3,
            "choice_count": 4,
            "frequency_penalty": 0.75,
            "presence_penalty": 0.125,
            "reasoning_level": "low",
            "encoding_formats": ["base64"],
            "dimension_count": 5,
            "previous_response_id": "p",
            "conversation_id": "c",
            "prompt_name": "n",
            "prompt_version": "2",
            "response_id": "r",
            "stream_cursor": "7",
            "openai.request.service_tier": "flex",
            "unknown": 1,
        },
        into,
    )
    assert into == {
        "gen_ai.output.type": "json",
        "gen_ai.request.max_tokens": 1,
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.top_p": 0.25,
        "gen_ai.request.top_k": 2,
        "gen_ai.request.stop_sequences": ["x"],
        "gen_ai.request.seed": 3,
        "gen_ai.request.choice.count": 4,
        "gen_ai.request.frequency_penalty": 0.75,
        "gen_ai.request.presence_penalty": 0.125,
        "gen_ai.request.reasoning.level": "low",
        "gen_ai.request.encoding_formats": ["base64"],
        "gen_ai.embeddings.dimension.count": 5,
        "gen_ai.request.previous_response.id": "p",
        "gen_ai.conversation.id": "c",
        "gen_ai.prompt.name": "n",
        "gen_ai.prompt.version": "2",
        "gen_ai.response.id": "r",
        "gen_ai.request.stream_cursor": "7",
        "openai.request.service_tier": "flex",
    }


def test_inputs():
    assert render_genai.inputs(Prompt([{"type": "text"}], [{"role": "user"}], [{"name": "f"}])) == {
        "gen_ai.input.messages": [{"role": "user"}],
        "gen_ai.system_instructions": [{"type": "text"}],
        "gen_ai.tool.definitions": [{"name": "f"}],
    }
