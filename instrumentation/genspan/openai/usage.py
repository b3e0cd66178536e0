"""OpenAI's token counts in all their spellings: https://platform.openai.com/docs/api-reference/chat/object."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genspan_semconv.model import Usage, add, count, obj, real

if TYPE_CHECKING:
    from genspan_semconv.model import Wire

_INPUT_DETAILS = ("prompt_tokens_details", "input_tokens_details", "input_token_details")
_OUTPUT_DETAILS = ("completion_tokens_details", "output_tokens_details", "output_token_details")
_MODALITIES = ("text", "image", "audio")


def read_usage(data: Wire) -> Usage | None:
    """The ``usage`` of a response, with what hosted tools and drawing cost beside it."""
    wire = obj(data.get("usage") or obj(data.get("x_groq")).get("usage"))
    inputs, outputs = _first(wire, _INPUT_DETAILS), _first(wire, _OUTPUT_DETAILS)
    writes = obj(inputs.get("cache_write_tokens_details"))
    usage = Usage(
        input=_count(wire, "prompt_tokens", "input_tokens"),
        output=_count(wire, "completion_tokens", "output_tokens"),
        total=count(wire.get("total_tokens")),
        # Moonshot, DeepSeek and Mistral report cached tokens beside the details.
        cache_read=_count({**wire, **inputs}, "cached_tokens", "prompt_cache_hit_tokens", "num_cached_tokens"),
        cache_write=count(inputs.get("cache_write_tokens")),
        cache_write_30m=count(writes.get("ttl_30m_tokens")),
        cache_write_12h=count(writes.get("ttl_12h_tokens")),
        reasoning=count(outputs.get("reasoning_tokens")),
        accepted_prediction=count(outputs.get("accepted_prediction_tokens")),
        rejected_prediction=count(outputs.get("rejected_prediction_tokens")),
        seconds=real(wire.get("seconds")),
    )
    cached = obj(inputs.get("cached_tokens_details"))
    _read_modalities(usage, ((inputs, "input"), (outputs, "output"), (cached, "cache_read")))
    _read_additional(usage, data)
    return usage if usage != Usage() else None


def all_but_input(usage: Usage) -> Usage:
    """Usage whose output is only in its total."""
    if usage.input is not None and usage.total is not None and usage.total >= usage.input:
        thoughts = usage.total - usage.input - (usage.output or 0)
        usage.reasoning = thoughts if thoughts > 0 and usage.reasoning is None else usage.reasoning
        usage.output = usage.total - usage.input
    return usage


def _read_modalities(usage: Usage, details: tuple[tuple[Wire, str], ...]) -> None:
    for wire, direction in details:
        for modality in _MODALITIES:
            tokens = _count(wire, f"{modality}_tokens", f"cached_{modality}_tokens")
            if tokens is not None:
                usage.modalities[modality, direction] = tokens


def _read_additional(usage: Usage, data: Wire) -> None:
    tools = obj(data.get("tool_usage"))
    usage.searches = count(obj(tools.get("web_search")).get("num_requests"))
    for kind, wires in (("tool", list(tools.values())), ("svg", [data.get("svg_usage")])):
        inputs, outputs = ([count(obj(wire).get(f"{side}_tokens")) for wire in wires] for side in ("input", "output"))
        if (add(*inputs), add(*outputs)) != (None, None):
            usage.additional[kind] = add(*inputs), add(*outputs)


def _first(wire: Wire, names: tuple[str, ...]) -> Wire:
    return next((obj(wire[name]) for name in names if name in wire), obj(None))


def _count(wire: Wire, *names: str) -> int | None:
    return next((found for name in names if (found := count(wire.get(name))) is not None), None)
