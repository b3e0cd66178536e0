"""Parameters of Google's requests: a field means the same wherever it stands, in both spellings that the SDK sends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from genspan_semconv import attributes as names
from genspan_semconv.model import integer, obj, param_table, read_params, real, several, text, texts

if TYPE_CHECKING:
    from genspan_semconv.model import Params, Wire

_OUTPUT_TYPES: Final = {"APPLICATION/JSON": "json", "IMAGE": "image", "AUDIO": "speech"}


def read(body: Wire, *configs: object) -> Params:
    """The parameters in the configurations of a request (of the same one the last counts), and its labels.

    ``labels`` are what a program marks a request with for its bill, ``{"team": "search"}``:
    https://cloud.google.com/vertex-ai/generative-ai/docs/multimodal/add-labels-to-api-calls.
    """
    found: Params = {}
    for config in configs:
        found.update(read_params(obj(config), _TABLE))
    for label, value in obj(body.get("labels")).items():
        if isinstance(value, str):
            found[f"{names.GCP_GEN_AI_REQUEST_LABELS}.{label}"] = value
    return found


def _choices(value: object) -> int | None:
    choices = integer(value)
    return choices if choices != 1 else None


def _reasoning_level(value: object) -> str | None:
    thinking = obj(value)
    budget = integer(thinking.get("thinkingBudget", thinking.get("thinking_budget")))
    level = text(value) or text(thinking.get("thinkingLevel") or thinking.get("thinking_level"))
    return level or (str(budget) if budget is not None else None)


def _output_type(value: object) -> str | None:
    """From a MIME type, from modalities, or from the formats of an interaction; a schema stands for JSON."""
    formats = [obj(one) for one in several(value)]
    kinds = [text(one.get("mime_type") if one.get("type") == "text" else one.get("type")) or "" for one in formats]
    for kind in (*texts(value), *kinds):
        if kind.upper() in _OUTPUT_TYPES:
            return _OUTPUT_TYPES[kind.upper()]
    return "json" if any("schema" in one or "properties" in one for one in formats) else None


_TABLE: Final = param_table(
    ("temperature", real, ("temperature",)),
    ("top_p", real, ("topP", "top_p")),
    ("top_k", integer, ("topK", "top_k")),
    ("max_tokens", integer, ("maxOutputTokens", "max_output_tokens")),
    ("stop_sequences", lambda value: texts(value) or None, ("stopSequences", "stop_sequences")),
    ("seed", integer, ("seed",)),
    ("frequency_penalty", real, ("frequencyPenalty", "frequency_penalty")),
    ("presence_penalty", real, ("presencePenalty", "presence_penalty")),
    ("choice_count", _choices, ("candidateCount", "candidate_count", "sampleCount")),
    ("reasoning_level", _reasoning_level, ("thinkingConfig", "thinking_config", "thinking_level")),
    ("output_type", _output_type, ("responseMimeType", "response_mime_type", "response_format")),
    ("output_type", _output_type, ("responseModalities", "response_modalities")),
    ("dimension_count", integer, ("outputDimensionality", "output_dimensionality")),
    ("previous_response_id", text, ("previous_interaction_id",)),
    (names.GEN_AI_AGENT_NAME, text, ("agent",)),
)
