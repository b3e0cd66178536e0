"""The response that the events of a stream add up to: https://platform.openai.com/docs/api-reference/responses-streaming.

The last event has it whole. Until it comes, or where it leaves something out, it is rebuilt from the pieces.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from genspan.dialects.errors import reported_error
from genspan.dialects.usage import merged
from genspan_semconv.model import integer, obj, seq, text

if TYPE_CHECKING:
    from genspan_semconv.model import Wire

# Where the pieces of an event belong: the field of the output item, and the kind of part where it has several.
_PIECES: Final = {
    "output_text": ("content", "output_text"),
    "output_audio_transcript": ("content", "output_text"),
    "audio_transcript": ("content", "output_text"),
    "refusal": ("content", "refusal"),
    "reasoning_text": ("content", "reasoning_text"),
    "reasoning_summary_text": ("summary", "summary_text"),
    "function_call_arguments": ("arguments", ""),
    "mcp_call_arguments": ("arguments", ""),
    "custom_tool_call_input": ("input", ""),
    "code_interpreter_call_code": ("code", ""),
}
_TYPES: Final = {
    "arguments": "function_call",
    "input": "custom_tool_call",
    **dict.fromkeys(("summary_text", "reasoning_text"), "reasoning"),
}
"""The type of an output item whose first event did not come, by the field or the kind of part that its pieces make."""
_WHOLE: Final = ("text", "arguments", "input", "code", "refusal", "transcript")
"""Fields of a ``*.done`` event that hold what its ``*.delta`` events add up to."""


class Fold:
    """The response JSON, rebuilt in O(1) an event."""

    def __init__(self) -> None:
        self._response: dict[str, object] = {}
        self._items: dict[int, dict[str, object]] = {}
        self._positions: dict[str, int] = {}
        """Position of each output item by its id."""
        self._pieces: dict[int, dict[tuple[str, str, int], list[str]]] = {}

    def metadata(self, chunk: Wire) -> None:
        """The response as far as the event has it, or an error. What is ``null`` erases nothing."""
        found = obj(chunk.get("response"))
        if found:
            usage = merged(obj(self._response.get("usage")), obj(found.get("usage")))
            known = {name: value for name, value in found.items() if value is not None}
            self._response = {**self._response, **known, "usage": usage}
        elif "delta" not in chunk and "item" not in chunk:
            error = reported_error(chunk)
            if error:
                self._response["error"] = error

    def content(self, chunk: Wire) -> None:
        """Output items, and the pieces of those that are not done."""
        kind, item = text(chunk.get("type")) or "", obj(chunk.get("item"))
        name, _, event = kind.removeprefix("response.").partition(".")
        place = _PIECES.get(name)
        if item:
            position = self._position(chunk, item, event == "added")
            self._items[position] = item = _filled(item, self._items.get(position, {}))
            pieces = self._pieces.get(position, {})
            self._pieces[position] = {key: texts for key, texts in pieces.items() if not item.get(key[0])}
        elif place is not None:
            inner = integer(chunk.get("content_index", chunk.get("summary_index"))) or 0
            pieces = self._pieces.setdefault(self._position(chunk, item, False), {}).setdefault((*place, inner), [])
            if event == "delta":
                pieces.append(text(chunk.get("delta")) or "")
            elif event == "done":
                pieces[:] = [next((found for field in _WHOLE if (found := text(chunk.get(field)))), "".join(pieces))]

    def _position(self, chunk: Wire, item: Wire, added: bool) -> int:
        """Of the item of an event: by its id, by ``output_index``, or the last one. Some servers leave out either."""
        identity, index = text(item.get("id")) or text(chunk.get("item_id")), integer(chunk.get("output_index"))
        position = self._positions.get(identity) if identity else None
        if position is None:
            newest = max((*self._items, *self._pieces), default=-1)
            position = max(newest, 0) if index is None else index
            if added and (index is None or index in self._items):
                position = newest + 1
            if identity:
                self._positions[identity] = position
        return position

    def data(self) -> dict[str, object]:
        """The response JSON."""
        output = [obj(item) for item in seq(self._response.get("output"))]
        if output and not any(map(_is_empty, output)):
            return self._response
        rebuilt = [self._rebuilt(position) for position in sorted({*self._items, *self._pieces})]
        if output:
            by_id = {item["id"]: item for item in rebuilt if text(item.get("id"))}
            rebuilt = [_filled(item, by_id.get(item.get("id"), {})) for item in output]
        return {**self._response, "output": rebuilt}

    def _rebuilt(self, position: int) -> dict[str, object]:
        """An item, with the pieces of what it lacks."""
        item = dict(self._items.get(position, {}))
        for (field, kind, _), pieces in sorted(self._pieces.get(position, {}).items()):
            item.setdefault("type", _TYPES.get(kind or field, "message"))
            joined = "".join(pieces)
            part = {"type": kind, "refusal" if kind == "refusal" else "text": joined}
            item[field] = [*seq(item.get(field)), part] if kind else joined
        return item


def _is_empty(item: Wire) -> bool:
    return any(item.get(field) in ("", []) for field in ("arguments", "input", "content"))


def _filled(item: Wire, rebuilt: Wire) -> dict[str, object]:
    """An item, with what only events before it had."""
    return {**rebuilt, **{name: value for name, value in item.items() if value or name not in rebuilt}}
