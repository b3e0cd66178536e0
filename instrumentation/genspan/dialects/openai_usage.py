"""Token counts of OpenAI's APIs and of servers that speak them, in all their spellings and places.

https://platform.openai.com/docs/api-reference/chat/object: ``usage`` with ``*_tokens`` and ``*_tokens_details``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from genspan.dialects.usage import merged
from genspan_semconv.model import Usage, add, count, obj, real, seq

if TYPE_CHECKING:
    from collections.abc import Iterator

    from genspan_semconv.model import Wire

_COUNTS: Final = {
    "prompt_tokens": "input",
    "input_tokens": "input",
    "prompt_eval_count": "input",  # Ollama's own API
    "completion_tokens": "output",
    "output_tokens": "output",
    "eval_count": "output",
    "total_tokens": "total",
    "cached_tokens": "cache_read",
    "prompt_cache_hit_tokens": "cache_read",  # DeepSeek
    "num_cached_tokens": "cache_read",  # Mistral
    "cache_read_input_tokens": "cache_read",  # LiteLLM, Databricks and others repeat Anthropic's names
    "cache_write_tokens": "cache_write",
    "cache_creation_input_tokens": "cache_write",
    "cache_creation_tokens": "cache_write",
    "reasoning_tokens": "reasoning",
    "thoughtsTokenCount": "reasoning",  # MLflow's gateway before Gemini
    "accepted_prediction_tokens": "accepted_prediction",
    "rejected_prediction_tokens": "rejected_prediction",
    "web_search_requests": "searches",
    "num_search_queries": "searches",  # Perplexity
}
"""Fields of ``Usage`` by the spellings of a count, which mean the same at whatever depth; the first one counts."""

_TTLS: Final = {
    "ephemeral_5m_input_tokens": "5m",
    "ephemeral_1h_input_tokens": "1h",
    "ttl_30m_tokens": "30m",
    "ttl_12h_tokens": "12h",
}
"""Lifetimes of caches by the spellings of what was written to them."""

_INNER: Final = {
    **dict.fromkeys(("prompt_tokens_details", "prompt_token_details"), "input"),
    **dict.fromkeys(("input_tokens_details", "input_token_details"), "input"),
    **dict.fromkeys(("completion_tokens_details", "completion_token_details"), "output"),
    **dict.fromkeys(("output_tokens_details", "output_token_details"), "output"),
    "cached_tokens_details": "cache_read",
    **dict.fromkeys(("cache_write_tokens_details", "cache_creation", "cache_creation_token_details"), ""),
    "server_tool_use": "",
}
"""Objects inside a usage object, by what their tokens by modality are: input, output or read from a cache."""

_MODALITIES: Final = {
    name: (modality, direction)
    for modality in ("text", "image", "audio")
    for name, direction in ((f"{modality}_tokens", None), (f"cached_{modality}_tokens", "cache_read"))
}
_NOTHING: Final = Usage()


def read_usage(data: Wire) -> Usage | None:
    """The usage of a response, wherever it stands, with what hosted tools and drawing cost beside it."""
    usage = _read(obj(data.get("usage")))  # as good as always
    if usage is None:
        usage = next((found for wire in _other_places(data) if (found := _read(wire)) is not None), None)
    if "tool_usage" in data or "svg_usage" in data:
        usage = usage or Usage()
        _read_additional(usage, data)
        return usage if usage != _NOTHING else None
    return usage


def all_but_input(usage: Usage) -> Usage:
    """Usage whose output is only in its total."""
    if usage.input is not None and usage.total is not None and usage.total >= usage.input:
        thoughts = usage.total - usage.input - (usage.output or 0)
        usage.reasoning = thoughts if thoughts > 0 and usage.reasoning is None else usage.reasoning
        usage.output = usage.total - usage.input
    return usage


def _other_places(data: Wire) -> Iterator[Wire]:
    """Where usage may stand but by itself: in ``x_groq`` (Groq), in the choices (Moonshot), at the top (Ollama's own
    API), and in ``timings`` (llama.cpp, where a stream was not asked for its usage).
    """
    yield obj(obj(data.get("x_groq")).get("usage"))
    yield _of_choices([usage for choice in seq(data.get("choices")) if (usage := obj(obj(choice).get("usage")))])
    if "eval_count" in data:
        yield data
    timings = obj(data.get("timings"))
    cached = count(timings.get("cache_n"))
    sent = add(count(timings.get("prompt_n")), cached)
    yield {"prompt_tokens": sent, "completion_tokens": timings.get("predicted_n"), "cached_tokens": cached}


def _of_choices(usages: list[Wire]) -> Wire:
    """Usage of a call that has one for each of its choices: of the same prompt, and of an answer of its own."""
    total: Wire = usages[0] if usages else {}
    for usage in usages[1:]:
        output = add(count(total.get("completion_tokens")), count(usage.get("completion_tokens")))
        total = {**merged(total, usage), "completion_tokens": output, "total_tokens": None}
    return total


class _Collected(NamedTuple):
    counts: dict[str, int]
    cache_write_by_ttl: dict[str, int]
    modalities: dict[tuple[str, str], int]


def _read(wire: Wire) -> Usage | None:
    if not wire:
        return None
    found = _Collected({}, {}, {})
    _collect(wire, None, found)
    by_ttl = found.cache_write_by_ttl
    usage = Usage(
        seconds=real(wire.get("seconds", wire.get("prompt_audio_seconds"))),
        cache_write_by_ttl=by_ttl,
        modalities=found.modalities,
        **cast("dict[str, Any]", found.counts),
    )
    if usage.seconds is None and not any(found):
        return None
    if usage.cache_write is None and by_ttl:
        usage.cache_write = sum(by_ttl.values())
    _decide_by_total(usage)
    return usage


def _collect(wire: Wire, direction: str | None, found: _Collected) -> None:
    """The counts of an object and of those inside it. A zero gives way to a number in another spelling."""
    for name, value in wire.items():
        if name in _COUNTS:
            number, field = count(value), _COUNTS[name]
            if number is not None and not found.counts.get(field):
                found.counts[field] = number
        elif name in _INNER:
            _collect(obj(value), _INNER[name], found)
        elif name in _MODALITIES and direction:
            number, (modality, own) = count(value), _MODALITIES[name]
            if number is not None:
                found.modalities.setdefault((modality, own or direction), number)
        elif name in _TTLS and (number := count(value)) is not None:
            found.cache_write_by_ttl[_TTLS[name]] = number


def _decide_by_total(usage: Usage) -> None:
    """Some servers bill reasoning beside the output (xAI), or cached tokens beside the input: their total tells."""
    cached, thoughts = add(usage.cache_read, usage.cache_write) or 0, usage.reasoning or 0
    if usage.total is None:
        if usage.output is not None and thoughts > usage.output:
            usage.output += thoughts
        if usage.input is not None and cached > usage.input:
            usage.input += cached
        return
    beside = usage.total - (usage.input or 0) - (usage.output or 0)
    if beside <= 0:
        return
    if usage.input is None or usage.output is None:
        if usage.input is not None:
            usage.output = beside
        elif usage.output is not None:
            usage.input = beside
    elif beside in (thoughts, thoughts + cached):
        usage.output += thoughts
        usage.input += beside - thoughts
    elif beside in (cached, usage.cache_read, usage.cache_write):
        usage.input += beside


def _read_additional(usage: Usage, data: Wire) -> None:
    tools = obj(data.get("tool_usage"))
    usage.searches = count(obj(tools.get("web_search")).get("num_requests"))
    for kind, wires in (("tool", list(tools.values())), ("svg", [data.get("svg_usage")])):
        inputs, outputs = ([count(obj(wire).get(f"{side}_tokens")) for wire in wires] for side in ("input", "output"))
        if (add(*inputs), add(*outputs)) != (None, None):
            usage.additional[kind] = add(*inputs), add(*outputs)
