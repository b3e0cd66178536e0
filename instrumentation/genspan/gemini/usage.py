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
    """Usage of one HTTP request. Tool-use prompts are billed as input, thoughts as output."""
    wire = obj(metadata)
    total = count(wire.get("totalTokenCount"))
    usage = Usage(total=total, cache_read=count(wire.get("cachedContentTokenCount")))
    answered = count(wire.get("candidatesTokenCount", wire.get("responseTokenCount")))
    thoughts = count(wire.get("thoughtsTokenCount"))
    put_counts(
        usage, count(wire.get("promptTokenCount")), count(wire.get("toolUsePromptTokenCount")), answered, thoughts
    )
    if usage.output is None and total is not None and usage.input is not None:
        usage.output = max(total - usage.input, 0)  # a count of zero is left out of Google's JSON; the total says it
    if usage.input is None and usage.output is None:
        return None
    _read_modalities(wire, usage)
    return usage


def merged(earlier: object, later: object) -> dict[str, object]:
    """Usage of a stream, which is cumulative: the later count of each field; what a chunk leaves out stays."""
    return {**obj(earlier), **{field: value for field, value in obj(later).items() if value is not None}}


def put_counts(usage: Usage, prompt: int | None, tools: int | None, answered: int | None, thoughts: int | None) -> None:
    """Input and output from Google's four counts.

    Thoughts are counted beside the answer; but gateways exist that count them inside it, which the total tells.
    """
    usage.input, usage.output, usage.reasoning = add(prompt, tools), add(answered, thoughts), thoughts
    beside = (add(usage.input, usage.output), add(prompt, usage.output))  # a total may leave out the tools' prompts
    if thoughts and answered is not None and usage.total is not None and usage.total not in beside:
        inside = thoughts <= answered and usage.total in (add(usage.input, answered), add(prompt, answered))
        usage.output = answered if inside else usage.output


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
