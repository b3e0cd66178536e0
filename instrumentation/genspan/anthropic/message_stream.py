"""The message that the events of a stream add up to: https://platform.claude.com/docs/en/build-with-claude/streaming.

Servers that speak Anthropic's API number blocks in their own ways, leave out events, and send the input of a tool call
whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from genspan.dialects.errors import reported_error
from genspan.dialects.usage import merged
from genspan_semconv.model import integer, obj, parsed, seq, text
from genspan_semconv.parts import Pieces

if TYPE_CHECKING:
    from genspan_semconv.model import Wire

_DELTAS: Final = {
    "text_delta": ("text", "text"),
    "citations_delta": ("text", ""),
    "thinking_delta": ("thinking", "thinking"),
    "signature_delta": ("thinking", ""),
    "input_json_delta": ("tool_use", "input"),
    "compaction_delta": ("compaction", "content"),
}
"""The kind of block that a delta belongs to, and the field of the block that its pieces add up to."""

_KEPT: Final = frozenset(("model", "stop_reason", "stop_details"))
_FIGURES: Final = frozenset((*_KEPT, "id", "usage", "error"))
"""What an event needs to be looked at for; nearly every one is a delta of a block, and has none of it."""
_DELTA: Final = "content_block_delta"
_INNER: Final = {"message_start": "message", "message_delta": "delta"}
"""Where the fields of a message stand in an event, beside its top."""

_EVENTS: Final = frozenset(
    (*_INNER, _DELTA, "message_stop", "content_block_start", "content_block_stop", "ping", "message")
)


class Fold:
    """The message JSON, rebuilt in O(1) an event."""

    def __init__(self) -> None:
        self._fields: dict[str, object] = {}
        self._usage: dict[str, object] = {}
        self._started = False
        """Whether the output so far is the placeholder of ``message_start``."""
        self._blocks: list[_Block] = []
        self._by_index: dict[int, _Block] = {}

    def metadata(self, chunk: Wire) -> None:
        """Everything but the content. Usage is cumulative; what an event leaves out stays as it was."""
        kind = text(chunk.get("type")) or ""
        if kind == _DELTA and _FIGURES.isdisjoint(chunk):
            return
        inner = obj(chunk.get(_INNER.get(kind, "")))
        for source in (chunk, inner):
            for name, value in source.items():
                if value is not None and name in _KEPT:
                    self._fields[name] = value
            if source.get("id"):
                self._fields.setdefault("id", source["id"])
        usage = obj(chunk.get("usage")) or obj(inner.get("usage"))
        if usage:
            self._add_usage(usage, kind == "message_start")
        error = reported_error(chunk) if kind not in _EVENTS else chunk.get("error")
        if error:
            self._fields.setdefault("error", error)

    def _add_usage(self, usage: Wire, starts: bool) -> None:
        if self._started and usage.get("output_tokens") is not None:
            self._usage["output_tokens"] = None
        self._started = starts
        self._usage = merged(self._usage, usage)

    def content(self, chunk: Wire) -> None:
        """The blocks, and the pieces of each."""
        kind, index = chunk.get("type"), chunk.get("index")
        index = index if type(index) is int else integer(index)
        if kind != _DELTA or "message" in chunk:
            message = chunk if kind == "message" else obj(chunk.get("message"))
            for position, block in enumerate(seq(message.get("content"))):
                self._start(obj(block), position)
        if kind == "content_block_start":
            self._start(obj(chunk.get("content_block")), index)
        elif kind == _DELTA or chunk.get("completion"):
            delta = obj(chunk.get("delta")) or {"type": "text_delta", "text": chunk.get("completion")}
            block = self._by_index.get(index) if index is not None else None
            (block or self._block(delta, index)).add(delta)

    def _start(self, wire: Wire, index: int | None) -> None:
        """A block begins. One under an index that is taken is another one, unless it is the same once more."""
        known = self._by_index.get(index) if index is not None else None
        if known is None or known.differs(wire):
            known = _Block(wire)
            self._blocks.append(known)
        if index is not None:
            self._by_index[index] = known

    def _block(self, delta: Wire, index: int | None) -> _Block:
        """The block of a delta that no block has the index of: the last one, where it has no index; else a new one."""
        if index is not None or not self._blocks:
            kind, _ = _DELTAS.get(text(delta.get("type")) or "", ("text", ""))
            self._start({"type": kind}, index)
        return self._blocks[-1]

    def data(self) -> dict[str, object]:
        """The message JSON."""
        return {**self._fields, "usage": self._usage, "content": [block.wire() for block in self._blocks]}


class _Block:
    """A block that is still growing: pieces of strings are joined once, at the end."""

    def __init__(self, start: Wire) -> None:
        self._start = start
        self._pieces = Pieces()
        self._input: object = None
        self._citations: list[object] = []

    def differs(self, start: Wire) -> bool:
        """Whether a start is one of another block."""
        same = all(self._start.get(name) == start.get(name) for name in ("type", "id"))
        return bool(self._pieces) or not same

    def add(self, delta: Wire) -> None:
        if delta.get("citation"):
            self._citations.append(delta["citation"])
        kind = text(delta.get("type")) or ""
        field = _DELTAS.get(kind, ("", ""))[1]
        piece = delta.get("partial_json", delta.get("input")) if field == "input" else delta.get(field)
        if isinstance(piece, dict):
            self._input = obj(piece)
        elif field:
            self._pieces.put(field, piece)

    def wire(self) -> dict[str, object]:
        """The block JSON. A tool's input is that of its deltas, if they add up to one."""
        block = dict(self._start)
        for field, joined in self._pieces.joined().items():
            if field != "input":
                block[field] = (text(block.get(field)) or "") + str(joined)
            elif not block.get(field) or isinstance(parsed(joined), dict):
                block[field] = parsed(joined)
        if self._input is not None:
            block["input"] = self._input
        if self._citations:
            block["citations"] = [*seq(block.get("citations")), *self._citations]
        return block
