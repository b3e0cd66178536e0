"""OpenAI's token counts in all their spellings: https://platform.openai.com/docs/api-reference/chat/object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from genspan_semconv.model import Usage, add, count, obj, real

if TYPE_CHECKING:
    from genspan_semconv.model import Wire

_INPUT_DETAILS: Final = ("prompt_tokens_details", "input_tokens_details", "input_token_details")
_OUTPUT_DETAILS: Final = ("completion_tokens_details", "output_tokens_details", "output_token_details")

# Spellings of a count by field of ``Usage``, the one that counts first.
_WHOLE: Final = (
    ("prompt_tokens", "input"),
    ("input_tokens", "input"),
    ("completion_tokens", "output"),
    ("output_tokens", "output"),
    ("total_tokens", "total"),
)
_CACHED: Final = (
    ("cached_tokens", "cache_read"),
    ("prompt_cache_hit_tokens", "cache_read"),
    ("num_cached_tokens", "cache_read"),
)
_INPUT: Final = (*_CACHED, ("cache_write_tokens", "cache_write"))
_WRITES: Final = (("ttl_30m_tokens", "cache_write_30m"), ("ttl_12h_tokens", "cache_write_12h"))
_OUTPUT: Final = (
    ("reasoning_tokens", "reasoning"),
    ("accepted_prediction_tokens", "accepted_prediction"),
    ("rejected_prediction_tokens", "rejected_prediction"),
)
_MODALITIES: Final = tuple(
    (f"{spelling}{modality}_tokens", modality)
    for modality in ("text", "image", "audio")
    for spelling in ("", "cached_")
)
_NOTHING: Final = Usage()


def read_usage(data: Wire) -> Usage | None:
    """The ``usage`` of a response, with what hosted tools and drawing cost beside it."""
    wire = obj(data.get("usage") or obj(data.get("x_groq")).get("usage"))
    inputs, outputs = _first(wire, _INPUT_DETAILS), _first(wire, _OUTPUT_DETAILS)
    usage = Usage(seconds=real(wire.get("seconds")))
    _read(usage, wire, _WHOLE)
    _read(usage, inputs, _INPUT)
    _read(usage, wire, _CACHED)  # where Moonshot, DeepSeek and Mistral report it
    _read(usage, obj(inputs.get("cache_write_tokens_details")), _WRITES)
    _read(usage, outputs, _OUTPUT)
    _read_modalities(usage, inputs, "input")
    _read_modalities(usage, outputs, "output")
    _read_modalities(usage, obj(inputs.get("cached_tokens_details")), "cache_read")
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


def _read(usage: Usage, wire: Wire, table: tuple[tuple[str, str], ...]) -> None:
    for name, field in table:
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


def _first(wire: Wire, names: tuple[str, ...]) -> Wire:
    for name in names:
        if name in wire:
            return obj(wire[name])
    return {}
