"""Parameters of all of OpenAI's requests: a field means the same wherever it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from genspan_semconv.model import integer, obj, param_table, read_params, real, text, texts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from genspan_semconv.model import Params


def read(body: Mapping[str, object]) -> Params:
    """The parameters of a request."""
    return read_params(body, _TABLE)


def conversation(value: object) -> str | None:
    """The id of a conversation, which is given by itself or as an object."""
    return text(value) or text(obj(value).get("id"))


def _output_type(value: object) -> str | None:
    """From modalities, or from a format, which the Responses API has one level down."""
    if "audio" in texts(value):
        return "speech"
    kind = text(obj(obj(value).get("format") or value).get("type")) or ""
    return "json" if kind.startswith("json") else "text" if kind == "text" else None


_TABLE: Final = param_table(
    ("temperature", real, ("temperature",)),
    ("top_p", real, ("top_p",)),
    ("top_k", integer, ("top_k",)),
    ("max_tokens", integer, ("max_completion_tokens", "max_tokens", "max_output_tokens")),
    ("stop_sequences", lambda value: texts(value) or None, ("stop",)),
    ("seed", integer, ("seed", "random_seed")),
    ("frequency_penalty", real, ("frequency_penalty",)),
    ("presence_penalty", real, ("presence_penalty",)),
    ("choice_count", lambda value: integer(value) if value != 1 else None, ("n",)),
    ("reasoning_level", lambda value: text(value) or text(obj(value).get("effort")), ("reasoning_effort", "reasoning")),
    ("output_type", _output_type, ("modalities", "output_modalities", "response_format", "text")),
    ("previous_response_id", text, ("previous_response_id",)),
    ("conversation_id", conversation, ("conversation",)),
    ("prompt_name", lambda value: text(obj(value).get("id")), ("prompt",)),
    ("prompt_version", lambda value: text(obj(value).get("version")), ("prompt",)),
    ("dimension_count", integer, ("dimensions",)),
    ("encoding_formats", lambda value: texts(value) or None, ("encoding_format",)),
)
