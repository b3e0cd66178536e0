"""Messages and their events: https://platform.claude.com/docs/en/api/messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from genspan.anthropic.message_stream import Fold
from genspan.anthropic.parts import read_blocks, read_message, read_tools, read_unknown
from genspan.anthropic.usage import DECLINED, read_usage
from genspan.dialects.errors import error_code, reported_error
from genspan_semconv import attributes as names
from genspan_semconv.model import Prompt, Response, integer, obj, param_table, read_params, real, seq, text, texts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from genspan_semconv.model import Message, Params

    Wire = Mapping[str, object]

__all__ = ["Fold", "answer", "params", "prompt", "response"]


def _format(config: object) -> str | None:
    """``output_config``, or ``output_format`` as it was before."""
    form = obj(obj(config).get("format") or config)
    return "json" if form.get("type") == "json_schema" else None


_PARAMS: Final = param_table(
    ("max_tokens", integer, ("max_tokens", "max_tokens_to_sample")),
    ("temperature", real, ("temperature",)),
    ("top_p", real, ("top_p",)),
    ("top_k", integer, ("top_k",)),
    ("stop_sequences", lambda value: texts(value) or None, ("stop_sequences",)),
    ("reasoning_level", lambda value: text(obj(value).get("effort")), ("output_config",)),
    ("output_type", _format, ("output_config", "output_format")),
    ("previous_response_id", lambda value: text(obj(value).get("previous_message_id")), ("thread",)),
    (names.ANTHROPIC_REQUEST_SERVICE_TIER, text, ("service_tier",)),
    (names.ANTHROPIC_REQUEST_SPEED, text, ("speed",)),
)


def params(body: Wire) -> Params:
    """Parameters of the request."""
    return read_params(body, _PARAMS)


def response(data: Wire) -> Response:
    """Id, model, stop reason and usage; an error that came with status 200."""
    reason, usage = text(data.get("stop_reason")), obj(data.get("usage"))
    return Response(
        id=text(data.get("id")),
        model=text(data.get("model")),
        finish_reasons=[reason] if reason else [],
        usage=read_usage(usage, data.get(DECLINED)),
        complete=reason is not None,
        final=reason is not None,
        error=error_code(reported_error(data)) or ("error" if reason == "error" else None),
        compacted=any(obj(item).get("type") == "compaction" for item in seq(usage.get("iterations"))),
        attributes={
            names.ANTHROPIC_RESPONSE_SERVICE_TIER: text(usage.get("service_tier")),
            names.ANTHROPIC_RESPONSE_SPEED: text(usage.get("speed")),
        },
    )


def prompt(body: Wire) -> Prompt:
    """System blocks, messages in the order sent, and tools."""
    messages = [read_message(obj(message)) for message in seq(body.get("messages"))]
    return Prompt(read_blocks(body.get("system")), messages, read_tools(body))


# The conventions' finish reason of a message, where Anthropic's word is another.
_FINISH = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_call",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "content_filter",
}


def answer(data: Wire) -> list[Message]:
    """The one message, with why it stopped where there is more to say of that."""
    reason, details = text(data.get("stop_reason")), obj(data.get("stop_details"))
    parts = read_blocks(data.get("content"))
    if details:
        parts.append(read_unknown({"type": "stop_details", **details}))
    if not parts and not reason:
        return []
    message: Message = {"role": "assistant", "parts": parts}
    if reason:
        message["finish_reason"] = _FINISH.get(reason, reason)
    return [message]
