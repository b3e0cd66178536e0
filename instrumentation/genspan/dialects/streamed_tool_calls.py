"""Tool calls of a streamed message, put together from pieces: ``{"index", "id", "function": {"name", "arguments"}}``.

OpenAI sends index, id and name once and the arguments piece by piece. Other servers leave out the index or the id,
repeat the name, give every piece another id or every call the same index, or send the arguments as an object.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from genspan_semconv.model import integer, obj, parsed, text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from genspan_semconv.model import Wire


class ToolCalls:
    """The tool calls of one message, in the order in which they began."""

    def __init__(self) -> None:
        self._calls: list[_Call] = []
        self._by_index: dict[int, _Call] = {}
        self._by_id: dict[str, _Call] = {}

    def add(self, pieces: Sequence[object]) -> None:
        """The pieces of one chunk. Several without an index are as many calls."""
        for position, item in enumerate(pieces):
            piece = obj(item)
            index = integer(piece.get("index"))
            self._add(piece, position if index is None and len(pieces) > 1 else index)

    def wire(self) -> list[dict[str, object]]:
        """The calls as a message has them."""
        return [call.wire() for call in self._calls]

    def _add(self, piece: Wire, index: int | None) -> None:
        identity = text(piece.get("id"))
        function = obj(piece.get("function")) or obj(piece.get("custom")) or piece
        name, arguments = text(function.get("name")), function.get("arguments")
        if arguments is None:
            arguments = function.get("input")
        call = self._find(identity, index, name)
        if call is None or call.is_over(identity, index, name, arguments):
            name = name or (call.name if call else None)
            call = _Call()
            self._calls.append(call)
        if index is not None:
            self._by_index[index] = call
            call.index = index
        if identity:
            self._by_id[identity] = call
            call.id = call.id or identity
        call.put(name, arguments)

    def _find(self, identity: str | None, index: int | None, name: str | None) -> _Call | None:
        """The call that a piece may belong to: by its id where the index says no other one; else by its index."""
        known = self._by_id.get(identity) if identity else None
        if known is not None and (index is None or known.index == index or not name):
            return known
        if index is not None:
            return self._by_index.get(index)
        return self._calls[-1] if self._calls else None


class _Call:
    """One call, growing."""

    __slots__ = ("_named_again", "_object", "_pieces", "id", "index", "name")

    def __init__(self) -> None:
        self.id: str | None = None
        self.index: int | None = None
        self.name = ""
        self._pieces: list[str] = []
        self._object: object = None
        self._named_again = False

    def is_over(self, identity: str | None, index: int | None, name: str | None, arguments: object) -> bool:
        """Whether a piece that is found where this call stands begins another one."""
        if not name:  # whatever its id
            return self._named_again and isinstance(arguments, str) and arguments.startswith("{")
        if identity and self.id and identity != self.id:
            return index is None or name != self.name or self._is_complete()
        if not self.name or not self._is_complete():
            return False
        self._named_again = name == self.name and not arguments
        return name != self.name or arguments not in (None, "", self._arguments())

    def put(self, name: str | None, arguments: object) -> None:
        """Add a piece."""
        if name and not (self.name and self._pieces):
            self.name = name if name.startswith(self.name) else self.name + name
        if not isinstance(arguments, str):
            self._object = arguments if arguments is not None else self._object
        elif arguments:
            if arguments[0] == "{" and self._is_complete():
                self._pieces.clear()  # they come whole once more
            self._pieces.append(arguments)

    def wire(self) -> dict[str, object]:
        return {"id": self.id, "function": {"name": self.name, "arguments": self._arguments()}}

    def _arguments(self) -> object:
        return "".join(self._pieces) if self._object is None else self._object

    def _is_complete(self) -> bool:
        """Whether the arguments are there whole: a JSON object. Parsed only where they may be."""
        if self._object is not None:
            return True
        ends = bool(self._pieces) and self._pieces[-1].rstrip().endswith("}")
        return ends and isinstance(parsed(self._arguments()), dict)
