"""Messages and their events: https://platform.claude.com/docs/en/api/messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from genspan.anthropic.parts import read_blocks, read_message, read_odd, read_tools
from genspan.anthropic.usage import DECLINED, read_usage
from genspan_semconv import attributes as names
from genspan_semconv.model import Prompt, Response, obj, parsed, read_params, real, seq, text, texts, whole
from genspan_semconv.parts import Pieces

if TYPE_CHECKING:
    from collections.abc import Mapping

    from genspan_semconv.model import Message, Parameter, Params

    Wire = Mapping[str, object]

# Where the pieces of a delta belong, and the field of the block that they add up to.
_DELTAS = {
    "text_delta": ("text", "text"),
    "thinking_delta": ("thinking", "thinking"),
    "input_json_delta": ("partial_json", "input"),
    "compaction_delta": ("content", "content"),
}

# What of a message is kept beside usage and content.
_KEPT = frozenset(("id", "model", "stop_reason", "stop_details", "error"))
# Where the fields of a message stand in an event; in others at the top.
_FIELDS = {"message_start": "message", "message_delta": "delta"}


def _format(config: object) -> str | None:
    """``output_config``, or ``output_format`` as it was before."""
    form = obj(obj(config).get("format") or config)
    return "json" if form.get("type") == "json_schema" else None


_PARAMS: Final[tuple[Parameter, ...]] = (
    ("max_tokens", whole, ("max_tokens", "max_tokens_to_sample")),
    ("temperature", real, ("temperature",)),
    ("top_p", real, ("top_p",)),
    ("top_k", whole, ("top_k",)),
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
    """Id, model, stop reason and usage; an error among the events of a stream."""
    reason, usage, error = text(data.get("stop_reason")), obj(data.get("usage")), obj(data.get("error"))
    return Response(
        id=text(data.get("id")),
        model=text(data.get("model")),
        finish_reasons=[reason] if reason else [],
        usage=read_usage(usage, data.get(DECLINED)),
        complete=reason is not None,
        final=reason is not None,
        error=(text(error.get("type")) or "error") if error else None,
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
        parts.append(read_odd({"type": "stop_details", **details}))
    if not parts and not reason:
        return []
    message: Message = {"role": "assistant", "parts": parts}
    if reason:
        message["finish_reason"] = _FINISH.get(reason, reason)
    return [message]


class Fold:
    """The message that the events of a stream add up to."""

    def __init__(self) -> None:
        self._fields: dict[str, object] = {}
        self._usage: dict[str, object] = {}
        self._blocks: dict[int, _Block] = {}

    def figures(self, chunk: Wire) -> None:
        """Everything but the content. Usage is cumulative; what an event leaves out stays as it was."""
        source = obj(chunk.get(_FIELDS.get(text(chunk.get("type")) or "", ""))) or chunk
        for name, value in source.items():
            if value is not None and name in _KEPT:
                self._fields[name] = value
        usage = obj(chunk.get("usage")) or obj(source.get("usage"))
        if usage:
            self._usage.update({name: value for name, value in usage.items() if value is not None})

    def content(self, chunk: Wire) -> None:
        """The blocks, and the pieces of each."""
        kind, index = chunk.get("type"), whole(chunk.get("index")) or 0
        if "message" in chunk:
            for position, block in enumerate(seq(obj(chunk["message"]).get("content"))):
                self._blocks[position] = _Block(obj(block))
        delta: Wire = obj(chunk.get("delta")) if kind == "content_block_delta" else {}
        if chunk.get("completion"):
            delta = {"type": "text_delta", "text": chunk["completion"]}
        if kind == "content_block_start":
            self._blocks[index] = _Block(obj(chunk.get("content_block")))
        elif delta:
            if index not in self._blocks:
                self._blocks[index] = _Block({"type": "text"})
            self._blocks[index].add(delta)

    def data(self) -> dict[str, object]:
        """The message JSON."""
        content = [block.whole() for _, block in sorted(self._blocks.items())]
        return {**self._fields, "usage": self._usage, "content": content}


class _Block:
    """A block that is still growing: pieces of strings are joined once, at the end."""

    def __init__(self, start: Wire) -> None:
        self._start = start
        self._pieces = Pieces()
        self._citations: list[object] = []

    def add(self, delta: Wire) -> None:
        if delta.get("citation"):
            self._citations.append(delta["citation"])
        source, field = _DELTAS.get(text(delta.get("type")) or "", ("", ""))
        self._pieces.put(field, delta.get(source))

    def whole(self) -> dict[str, object]:
        block = dict(self._start)
        for field, joined in self._pieces.joined().items():
            block[field] = parsed(joined) if field == "input" else (text(block.get(field)) or "") + str(joined)
        if self._citations:
            block["citations"] = [*seq(block.get("citations")), *self._citations]
        return block
