"""Parts that come in pieces: texts that go on, and function calls whose arguments are streamed.

Arguments come as values at JSON paths (RFC 9535), strings of them in several pieces:
https://cloud.google.com/vertex-ai/generative-ai/docs/multimodal/function-calling#streaming-fc.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, cast

from genspan_semconv.model import obj, seq, text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from genspan_semconv.model import Wire

_STEP: Final = re.compile(r"""\.([^.\[\]]+)|\[(\d{1,9})\]|\['((?:[^'\\]|\\.)*)'\]|\["((?:[^"\\]|\\.)*)"\]""")
_MAX_DEPTH: Final = 50
_MAX_GAP: Final = 1000
"""Elements that a list may be grown by at once, whatever index a path has."""
_VALUES: Final = ("numberValue", "boolValue", "stringValue", "nullValue")
_PARTIAL: Final = ("partialArgs", "willContinue")
_SPELLINGS: Final = {
    re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", name): name for name in (*_VALUES, *_PARTIAL, "jsonPath")
}
"""What the SDK sends back of a streamed call, in a chat, is spelled in snake case."""


class StreamedParts:
    """The parts of one message, each kept once and joined at the end."""

    def __init__(self) -> None:
        self._parts: list[object] = []
        self._open: list[_Call] = []

    def extend(self, parts: object) -> None:
        """Take the parts of a chunk, or of a content that was recorded from one."""
        for item in seq(parts):
            part = obj(item)
            piece = part.get("text")
            if isinstance(piece, str):
                self._add_text(piece, part.get("thought"))
            elif "functionCall" in part:
                self._add_call(part)
            else:
                self._parts.append(_copied(part))

    def _add_text(self, piece: str, thought: object) -> None:
        last = self._parts[-1] if self._parts else None
        if not isinstance(last, _Text) or last.thought is not thought:
            last = _Text(thought)
            self._parts.append(last)
        last.pieces.append(piece)

    def _add_call(self, part: Wire) -> None:
        """A whole call, the beginning of one, or a piece of one that goes on: that with its id, else the last one."""
        piece = _in_camel_case(obj(part["functionCall"]))
        call = self._going_on(text(piece.get("id")), text(piece.get("name")), bool(piece.get("partialArgs")))
        if call is None:
            if not any(name in piece for name in _PARTIAL):
                if piece:
                    self._parts.append(_copied(part))
                return  # the empty piece after the last one says only that nothing follows
            call = _Call(part)
            self._parts.append(call)
            self._open.append(call)
        call.add(piece)
        if not piece.get("willContinue"):
            self._open.remove(call)

    def _going_on(self, identity: str | None, name: str | None, partial: bool) -> _Call | None:
        for call in reversed(self._open):
            if identity and call.identity:
                if identity == call.identity:
                    return call
            elif not name or (partial and name == call.name):
                return call
        return None

    def parts(self) -> list[object]:
        """The parts as wire JSON."""
        return [part.part() if isinstance(part, (_Text, _Call)) else part for part in self._parts]


def _copied(part: Wire) -> dict[str, object]:
    """The part and its fields: google-genai takes out of a chunk, in place, what its own types do not have."""
    return {name: {**obj(value)} if isinstance(value, dict) else value for name, value in part.items()}


def join_pieces(contents: Sequence[object]) -> Sequence[object]:
    """The contents of a request; where a chat sends back a streamed call piece by piece, what the model said as one."""
    if not any(_is_piece(obj(part)) for content in contents for part in seq(obj(content).get("parts"))):
        return contents
    joined: list[object] = []
    model_parts: StreamedParts | None = None
    for content in map(obj, contents):
        if content.get("role") != "model":
            joined.append(content)
            model_parts = None
        elif model_parts is None:
            model_parts = StreamedParts()
            joined.append({"role": "model", "parts": model_parts})
        if model_parts is not None:
            model_parts.extend(content.get("parts"))
    return [{**wire, "parts": _finished(wire.get("parts"))} for wire in map(obj, joined)]


def _is_piece(part: Wire) -> bool:
    return "functionCall" in part and any(name in _in_camel_case(obj(part["functionCall"])) for name in _PARTIAL)


def _in_camel_case(wire: Wire) -> Wire:
    return {_SPELLINGS.get(name, name): value for name, value in wire.items()}


def _finished(parts: object) -> object:
    return parts.parts() if isinstance(parts, StreamedParts) else parts


class _Text:
    """A text part that is still growing."""

    __slots__ = ("pieces", "thought")

    def __init__(self, thought: object) -> None:
        self.thought = thought
        self.pieces: list[str] = []

    def part(self) -> dict[str, object]:
        part: dict[str, object] = {"text": "".join(self.pieces)}
        if self.thought is not None:
            part["thought"] = self.thought
        return part


class _Call:
    """A function call whose arguments are still coming: values by path, those of strings as lists of pieces."""

    __slots__ = ("_args", "_part", "_values", "identity", "name")

    def __init__(self, part: Wire) -> None:
        self._part = part
        self._args: dict[str, object] = {}
        self._values: dict[str, object] = {}
        self.identity: str | None = None
        self.name: str | None = None

    def add(self, piece: Wire) -> None:
        self.identity = self.identity or text(piece.get("id"))
        self.name = self.name or text(piece.get("name"))
        self._args.update(obj(piece.get("args")))
        for item in seq(piece.get("partialArgs")):
            partial = _in_camel_case(obj(item))
            path = text(partial.get("jsonPath"))
            kind = next((name for name in _VALUES if name in partial), None)
            if path is None or kind is None:
                continue
            value = None if kind == "nullValue" else partial[kind]
            if isinstance(value, str):
                pieces = self._values.get(path)
                if not isinstance(pieces, list):
                    pieces = self._values[path] = list[str]()
                cast("list[str]", pieces).append(value)
            else:
                self._values[path] = value

    def part(self) -> dict[str, object]:
        args: dict[str, object] = dict(self._args)
        for path, value in self._values.items():
            steps = list(_steps(path))
            if steps:
                _put(args, steps, "".join(cast("list[str]", value)) if isinstance(value, list) else value)
        call: dict[str, object] = {"name": self.name, "args": args}
        if self.identity:
            call["id"] = self.identity
        return {**self._part, "functionCall": call}


def _steps(path: str) -> Iterator[str | int]:
    """The names and indexes of a path such as ``$.stops[0]['name']``; nothing of one that is of another form."""
    found = list(_STEP.finditer(path))
    if not path.startswith("$") or "".join(match[0] for match in found) != path[1:] or len(found) > _MAX_DEPTH:
        return
    for match in found:
        name, index, single, double = match.groups()
        if index is not None:
            yield int(index)
        else:
            yield name if name is not None else re.sub(r"\\(.)", r"\1", single if single is not None else double)


def _put(args: dict[str, object], steps: list[str | int], value: object) -> None:
    """Set a value at a path, and make what is on the way there."""
    holder: object = args
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        last = following is None
        made: object = value if last else [] if isinstance(following, int) else {}
        holder = _put_item(holder, step, made, last) if isinstance(step, int) else _put_field(holder, step, made, last)


def _put_field(holder: object, name: str, made: object, last: bool) -> object:
    if not isinstance(holder, dict):
        return None
    fields = cast("dict[str, object]", holder)
    if last or name not in fields:
        fields[name] = made
    return fields[name]


def _put_item(holder: object, index: int, made: object, last: bool) -> object:
    items = cast("list[object]", holder) if isinstance(holder, list) else None
    if items is None or index >= len(items) + _MAX_GAP:
        return None
    items.extend([None] * (index + 1 - len(items)))
    if last or items[index] is None:
        items[index] = made
    return items[index]
