"""Anthropic's token counts: https://platform.claude.com/docs/en/api/messages#usage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genspan.dialects import openai_usage
from genspan_semconv.model import Usage, add, count, obj, seq, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    Wire = Mapping[str, object]

DECLINED = "declined"
"""Where the usage of answers stands that were refused before the one that counts. Not a field of the wire."""

_ADDITIONAL = {"compaction": "compaction", "advisor_message": "advisor"}
"""Iterations that the usage of the message leaves out."""
_NOTHING = Usage()


def read_usage(value: object, declined: object = ()) -> Usage | None:
    """A ``usage`` object. Its input leaves out what was read from and written to a cache; ours does not.

    Where a server has a total, it decides whether the input includes those.
    """
    wire = obj(value)
    if wire.get("prompt_tokens") is not None and not wire.get("input_tokens"):
        return openai_usage.read_usage({"usage": wire})  # servers that translate everything else
    writes = obj(wire.get("cache_creation"))
    short, long = count(writes.get("ephemeral_5m_input_tokens")), count(writes.get("ephemeral_1h_input_tokens"))
    written = count(wire.get("cache_creation_input_tokens"))
    usage = Usage(
        output=count(wire.get("output_tokens")),
        total=count(wire.get("total_tokens")),
        cache_read=count(wire.get("cache_read_input_tokens")),
        cache_write=add(short, long) if written is None else written,
        cache_write_by_ttl={ttl: figure for ttl, figure in (("5m", short), ("1h", long)) if figure is not None},
        reasoning=count(obj(wire.get("output_tokens_details")).get("thinking_tokens")),
        searches=count(obj(wire.get("server_tool_use")).get("web_search_requests")) or None,
    )
    sent = count(wire.get("input_tokens"))
    includes_caches = usage.total is not None and usage.total == (sent or 0) + (usage.output or 0)
    usage.input = sent if includes_caches else add(sent, usage.cache_read, usage.cache_write)
    if usage == _NOTHING:
        return None
    if declined or "iterations" in wire:
        _read_additional(usage, wire, declined)
    return usage


def _read_additional(usage: Usage, wire: Wire, declined: object) -> None:
    iterations = [obj(item) for item in seq(wire.get("iterations"))]
    apart = {name: [one for one in iterations if one.get("type") == kind] for kind, name in _ADDITIONAL.items()}
    apart["fallback"] = [obj(item) for item in seq(declined)] or _declined(usage, iterations)
    usage.additional = {name: _spent(wires) for name, wires in apart.items() if wires}


def _declined(usage: Usage, iterations: list[Wire]) -> list[Wire]:
    """Iterations of models that refused, before a model that is asked in such a case answered.

    The usage of the message may include them or not; it does not where it equals that of the others.
    """
    served = [text(item.get("model")) for item in iterations if item.get("type") == "fallback_message"]
    hops = [item for item in iterations if item.get("type") == "message"]
    others = [item for item in hops if text(item.get("model")) not in (None, *served)]
    rest = [item for item in iterations if item.get("type") not in _ADDITIONAL and item not in others]
    return others if served and _spent(rest)[1] == usage.output else []


def _spent(wires: list[Wire]) -> tuple[int | None, int | None]:
    names = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    inputs = [count(wire.get(name)) for wire in wires for name in names]
    return add(*inputs), add(*(count(wire.get("output_tokens")) for wire in wires))
