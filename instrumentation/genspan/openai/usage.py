"""OpenAI's token counts in all their spellings: https://platform.openai.com/docs/api-reference/chat/object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from genspan_semconv.model import Usage, add, count, obj, real

if TYPE_CHECKING:
    from genspan_semconv.model import Wire

_COUNTS: Final = {
    "prompt_tokens": "input",
    "input_tokens": "input",
    "completion_tokens": "output",
    "output_tokens": "output",
    "total_tokens": "total",
    "cached_tokens": "cache_read",
    "prompt_cache_hit_tokens": "cache_read",
    "num_cached_tokens": "cache_read",
    "cache_write_tokens": "cache_write",
    "reasoning_tokens": "reasoning",
    "accepted_prediction_tokens": "accepted_prediction",
    "rejected_prediction_tokens": "rejected_prediction",
}
"""Fields of ``Usage`` by the spellings of a count, which mean the same at whatever depth; the first one counts."""

_MODALITIES: Final = tuple(
    (f"{spelling}{modality}_tokens", modality)
    for modality in ("text", "image", "audio")
    for spelling in ("", "cached_")
)
_TTLS: Final = (("ttl_30m_tokens", "30m"), ("ttl_12h_tokens", "12h"))
_NOTHING: Final = Usage()


def read_usage(data: Wire) -> Usage | None:
    """The ``usage`` of a response, with what hosted tools and drawing cost beside it."""
    wire = obj(data.get("usage") or obj(data.get("x_groq")).get("usage"))
    inputs = _first(wire, "prompt_tokens_details", "input_tokens_details", "input_token_details")
    outputs = _first(wire, "completion_tokens_details", "output_tokens_details", "output_token_details")
    writes, cached = obj(inputs.get("cache_write_tokens_details")), obj(inputs.get("cached_tokens_details"))
    usage = Usage(seconds=real(wire.get("seconds")))
    for name, ttl in _TTLS:
        figure = count(writes.get(name))
        if figure is not None:
            usage.cache_write_by_ttl[ttl] = figure
    for counts in (inputs, outputs, wire):  # Moonshot, DeepSeek and Mistral have cached tokens in the last
        _read(usage, counts)
    for counts, direction in ((inputs, "input"), (outputs, "output"), (cached, "cache_read")):
        _read_modalities(usage, counts, direction)
    if "tool_usage" in data or "svg_usage" in data:
        _read_additional(usage, data)
    return usage if usage != _NOTHING else None


def all_but_input(usage: Usage) -> Usage:
    """Usage whose output is only in its total."""
    if usage.input is not None and usage.total is not None and usage.total >= usage.input:
        thoughts = usage.total - usage.input - (usage.output or 0)
        usage.reasoning = thoughts if thoughts > 0 and usage.reasoning is None else usage.reasoning
        usage.output = usage.total - usage.input
    return usage


def _read(usage: Usage, wire: Wire) -> None:
    for name, field in _COUNTS.items():
        if name in wire and getattr(usage, field) is None:
            setattr(usage, field, count(wire[name]))


def _read_modalities(usage: Usage, wire: Wire, direction: str) -> None:
    for name, modality in _MODALITIES:
        tokens = count(wire[name]) if name in wire else None
        if tokens is not None:
            usage.modalities.setdefault((modality, direction), tokens)


def _read_additional(usage: Usage, data: Wire) -> None:
    tools = obj(data.get("tool_usage"))
    usage.searches = count(obj(tools.get("web_search")).get("num_requests"))
    for kind, wires in (("tool", list(tools.values())), ("svg", [data.get("svg_usage")])):
        inputs, outputs = ([count(obj(wire).get(f"{side}_tokens")) for wire in wires] for side in ("input", "output"))
        if (add(*inputs), add(*outputs)) != (None, None):
            usage.additional[kind] = add(*inputs), add(*outputs)


def _first(wire: Wire, *names: str) -> Wire:
    return obj(next((wire[name] for name in names if name in wire), None))
