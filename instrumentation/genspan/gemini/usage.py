"""Gemini's token counts: https://ai.google.dev/api/generate-content#UsageMetadata."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genspan_semconv.model import Usage, add, count, obj, seq, text

if TYPE_CHECKING:
    from collections.abc import Mapping

_MODALITIES = {"TEXT": "text", "IMAGE": "image", "AUDIO": "audio"}
_DETAILS = {
    "promptTokensDetails": "input",
    "promptTokenDetails": "input",  # batchEmbedContents spells it so
    "toolUsePromptTokensDetails": "input",
    "candidatesTokensDetails": "output",
    "responseTokensDetails": "output",  # live sessions
    "cacheTokensDetails": "cache_read",
}


def read_usage(metadata: object) -> Usage | None:
    """Usage of one HTTP request. Tool-use prompts are billed as input, thoughts as output; the counts are apart."""
    wire = obj(metadata)
    total, thoughts = count(wire.get("totalTokenCount")), count(wire.get("thoughtsTokenCount"))
    answered = count(wire.get("candidatesTokenCount", wire.get("responseTokenCount")))
    usage = Usage(
        input=add(count(wire.get("promptTokenCount")), count(wire.get("toolUsePromptTokenCount"))),
        output=add(answered, thoughts),
        total=total,
        cache_read=count(wire.get("cachedContentTokenCount")),
        reasoning=thoughts,
    )
    if usage.output is None and total is not None and usage.input is not None:
        usage.output = max(total - usage.input, 0)  # a count of zero is left out of Google's JSON; the total says it
    if usage.input is None and usage.output is None:
        return None
    _read_modalities(wire, usage)
    return usage


def _read_modalities(wire: Mapping[str, object], usage: Usage) -> None:
    for name, details in wire.items():
        direction = _DETAILS.get(name)
        if direction is None:
            continue
        for item in seq(details):
            detail = obj(item)
            modality = _MODALITIES.get(text(detail.get("modality")) or "")
            tokens = count(detail.get("tokenCount"))
            if modality and tokens is not None:
                key = (modality, direction)
                usage.modalities[key] = usage.modalities.get(key, 0) + tokens
