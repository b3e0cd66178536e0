"""The model as attributes of the OpenTelemetry GenAI conventions. Small and important ones first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from genspan_semconv import attributes as names

if TYPE_CHECKING:
    from genspan_semconv.model import (
        AttributeValue,
        Key,
        Message,
        Params,
        Part,
        Prompt,
        Response,
        ToolDefinition,
        Usage,
    )

_PARAMS: Final = {
    "output_type": names.GEN_AI_OUTPUT_TYPE,
    "max_tokens": names.GEN_AI_REQUEST_MAX_TOKENS,
    "temperature": names.GEN_AI_REQUEST_TEMPERATURE,
    "top_p": names.GEN_AI_REQUEST_TOP_P,
    "top_k": names.GEN_AI_REQUEST_TOP_K,
    "stop_sequences": names.GEN_AI_REQUEST_STOP_SEQUENCES,
    "seed": names.GEN_AI_REQUEST_SEED,
    "choice_count": names.GEN_AI_REQUEST_CHOICE_COUNT,
    "frequency_penalty": names.GEN_AI_REQUEST_FREQUENCY_PENALTY,
    "presence_penalty": names.GEN_AI_REQUEST_PRESENCE_PENALTY,
    "reasoning_level": names.GEN_AI_REQUEST_REASONING_LEVEL,
    "encoding_formats": names.GEN_AI_REQUEST_ENCODING_FORMATS,
    "dimension_count": names.GEN_AI_EMBEDDINGS_DIMENSION_COUNT,
    "previous_response_id": names.GEN_AI_REQUEST_PREVIOUS_RESPONSE_ID,
    "conversation_id": names.GEN_AI_CONVERSATION_ID,
    "prompt_name": names.GEN_AI_PROMPT_NAME,
    "prompt_version": names.GEN_AI_PROMPT_VERSION,
    "response_id": names.GEN_AI_RESPONSE_ID,
    "stream_cursor": names.GEN_AI_REQUEST_STREAM_CURSOR,
}

_USAGE: Final = (
    ("input", names.GEN_AI_USAGE_INPUT_TOKENS),
    ("output", names.GEN_AI_USAGE_OUTPUT_TOKENS),
    ("cache_read", names.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS),
    ("cache_write", names.GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS),
    ("reasoning", names.GEN_AI_USAGE_REASONING_OUTPUT_TOKENS),
)

_OWN_USAGE: Final = (
    ("accepted_prediction", names.GENSPAN_USAGE_ACCEPTED_PREDICTION_OUTPUT_TOKENS),
    ("rejected_prediction", names.GENSPAN_USAGE_REJECTED_PREDICTION_OUTPUT_TOKENS),
    ("seconds", names.GENSPAN_USAGE_AUDIO_SECONDS),
    ("video_seconds", names.GENSPAN_USAGE_VIDEO_SECONDS),
    ("searches", names.GENSPAN_USAGE_WEB_SEARCH_REQUESTS),
)

_CACHE_WRITE_BY_TTL: Final = {
    "5m": names.GENSPAN_USAGE_CACHE_WRITE_5M_INPUT_TOKENS,
    "30m": names.GENSPAN_USAGE_CACHE_WRITE_30M_INPUT_TOKENS,
    "1h": names.GENSPAN_USAGE_CACHE_WRITE_1H_INPUT_TOKENS,
    "12h": names.GENSPAN_USAGE_CACHE_WRITE_12H_INPUT_TOKENS,
}

_MODALITIES: Final = {
    ("text", "input"): names.GEN_AI_USAGE_TEXT_INPUT_TOKENS,
    ("text", "output"): names.GEN_AI_USAGE_TEXT_OUTPUT_TOKENS,
    ("text", "cache_read"): names.GEN_AI_USAGE_TEXT_CACHE_READ_INPUT_TOKENS,
    ("image", "input"): names.GEN_AI_USAGE_IMAGE_INPUT_TOKENS,
    ("image", "output"): names.GEN_AI_USAGE_IMAGE_OUTPUT_TOKENS,
    ("image", "cache_read"): names.GEN_AI_USAGE_IMAGE_CACHE_READ_INPUT_TOKENS,
    ("audio", "input"): names.GEN_AI_USAGE_AUDIO_INPUT_TOKENS,
    ("audio", "output"): names.GEN_AI_USAGE_AUDIO_OUTPUT_TOKENS,
    ("audio", "cache_read"): names.GEN_AI_USAGE_AUDIO_CACHE_READ_INPUT_TOKENS,
}

_ADDITIONAL: Final = {
    "tool": (names.GENSPAN_USAGE_TOOL_INPUT_TOKENS, names.GENSPAN_USAGE_TOOL_OUTPUT_TOKENS),
    "svg": (names.GENSPAN_USAGE_SVG_INPUT_TOKENS, names.GENSPAN_USAGE_SVG_OUTPUT_TOKENS),
    "compaction": (names.GENSPAN_USAGE_COMPACTION_INPUT_TOKENS, names.GENSPAN_USAGE_COMPACTION_OUTPUT_TOKENS),
    "advisor": (names.GENSPAN_USAGE_ADVISOR_INPUT_TOKENS, names.GENSPAN_USAGE_ADVISOR_OUTPUT_TOKENS),
    "fallback": (names.GENSPAN_USAGE_FALLBACK_INPUT_TOKENS, names.GENSPAN_USAGE_FALLBACK_OUTPUT_TOKENS),
}

_RESPONSE: Final = (
    ("id", names.GEN_AI_RESPONSE_ID),
    ("status", names.GEN_AI_RESPONSE_STATUS),
    ("compacted", names.GEN_AI_CONVERSATION_COMPACTED),
    ("conversation_id", names.GEN_AI_CONVERSATION_ID),
)


def start(key: Key) -> dict[str, AttributeValue]:
    """What is known when a span starts, which samplers see."""
    operation, provider, model, address, port, stream = key
    attributes: dict[str, AttributeValue] = {
        names.GEN_AI_OPERATION_NAME: operation,
    }
    if provider:
        attributes[names.GEN_AI_PROVIDER_NAME] = provider
    if model:
        attributes[names.GEN_AI_REQUEST_MODEL] = model
    if address:
        attributes[names.SERVER_ADDRESS] = address
        if port:
            attributes[names.SERVER_PORT] = port
    if stream:
        attributes[names.GEN_AI_REQUEST_STREAM] = True
    return attributes


def tool(name: str, call_id: str | None, description: str | None = None) -> dict[str, AttributeValue]:
    """What is known when the run of a tool starts."""
    attributes: dict[str, AttributeValue] = {
        names.GEN_AI_OPERATION_NAME: "execute_tool",
        names.GEN_AI_TOOL_NAME: name,
        names.GEN_AI_TOOL_TYPE: "function",
    }
    if call_id:
        attributes[names.GEN_AI_TOOL_CALL_ID] = call_id
    if description:
        attributes[names.GEN_AI_TOOL_DESCRIPTION] = description
    return attributes


def usage(usage: Usage, into: dict[str, AttributeValue]) -> None:
    """Token counts. Of those that only genspan has a name for, zeros are left out."""
    for field, name in _USAGE:
        figure = getattr(usage, field)
        if figure is not None:
            into[name] = figure
    for key, figure in usage.modalities.items():
        if key in _MODALITIES:
            into[_MODALITIES[key]] = figure
    if usage.total is not None and usage.total != (usage.input or 0) + (usage.output or 0):
        into[names.GENSPAN_USAGE_TOTAL_TOKENS] = usage.total
    _own_usage(usage, into)


def _own_usage(usage: Usage, into: dict[str, AttributeValue]) -> None:
    for field, name in _OWN_USAGE:
        if figure := getattr(usage, field):
            into[name] = figure
    for ttl, figure in usage.cache_write_by_ttl.items():
        if figure and ttl in _CACHE_WRITE_BY_TTL:
            into[_CACHE_WRITE_BY_TTL[ttl]] = figure
    for kind, counts in usage.additional.items():
        into.update((name, figure) for name, figure in zip(_ADDITIONAL[kind], counts, strict=True) if figure)


def response(response: Response, into: dict[str, AttributeValue]) -> None:
    """What the response says of itself, content apart."""
    if response.model:
        into[names.GEN_AI_RESPONSE_MODEL] = response.model
    if response.finish_reasons:
        into[names.GEN_AI_RESPONSE_FINISH_REASONS] = response.finish_reasons
    for field, name in _RESPONSE:
        value = getattr(response, field)
        if value:
            into[name] = value
    if response.attributes is not None:
        into.update({name: value for name, value in response.attributes.items() if value is not None})


def params(params: Params, into: dict[str, AttributeValue]) -> None:
    """Parameters of the request."""
    for field, value in params.items():
        name = _PARAMS.get(field) or ("." in field and field)
        if name:
            into[name] = value


def inputs(prompt: Prompt) -> dict[str, list[Message] | list[Part] | list[ToolDefinition]]:
    """The content of a request by attribute, not yet serialised."""
    return {
        names.GEN_AI_INPUT_MESSAGES: prompt.messages,
        names.GEN_AI_SYSTEM_INSTRUCTIONS: prompt.system,
        names.GEN_AI_TOOL_DEFINITIONS: prompt.tools,
    }
