"""The response that the chunks of a streamed chat completion add up to.

https://platform.openai.com/docs/api-reference/chat-streaming: each chunk has a ``delta`` for some of the choices; usage
comes with the last one, or, cumulative, with each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from genspan.dialects.errors import reported_error
from genspan.dialects.openai_parts import REASONING, reasoning_details
from genspan.dialects.streamed_tool_calls import ToolCalls
from genspan.dialects.usage import merged
from genspan_semconv.model import integer, obj, several, text
from genspan_semconv.parts import Pieces, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from genspan_semconv.model import Wire

# Nearly every chunk is one piece of text. What it cannot hold is known by its fields, without a look at each.
_SELDOM: Final = ("citations", "timings")
_OF_SOME: Final = frozenset((*_SELDOM, "x_groq", "error"))
_OF_SOME_CHOICES: Final = frozenset(("error", "usage"))


class Fold:
    """The response JSON, rebuilt in O(1) a chunk."""

    def __init__(self) -> None:
        self._fields: dict[str, object] = {}
        self._usage: dict[str, object] = {}
        self._choices: dict[int, dict[str, object]] = {}
        self._messages: dict[int, _Message] = {}
        self._one_chunk_each = True
        """Whether no choice has had a second chunk, and no chunk two choices."""

    def metadata(self, chunk: Mapping[str, Any]) -> None:
        """Everything but the messages. The id is the first chunk's; of other fields the last value counts."""
        fields = self._fields
        if model := chunk.get("model"):
            fields["model"] = model
        if tier := chunk.get("service_tier"):
            fields["service_tier"] = tier
        if fingerprint := chunk.get("system_fingerprint"):
            fields["system_fingerprint"] = fingerprint
        if "id" not in fields and chunk.get("id"):
            fields["id"] = chunk["id"]
        if usage := chunk.get("usage"):
            self._usage = merged(self._usage, obj(usage))
        choices: Sequence[Any] = chunk.get("choices") or ()
        if choices and isinstance(choices, list):
            for choice in choices:
                self._add_choice(choice, len(choices) == 1)
        else:
            self._fail(reported_error(chunk))
        if not _OF_SOME.isdisjoint(chunk):
            self._add_seldom(chunk)

    def _add_seldom(self, chunk: Wire) -> None:
        for name in _SELDOM:
            if chunk.get(name):
                self._fields[name] = chunk[name]
        if not obj(chunk.get("usage")):
            self._usage = merged(self._usage, obj(obj(chunk.get("x_groq")).get("usage")))
        self._fail(reported_error(chunk))

    def _fail(self, error: object) -> None:
        if error:
            self._fields.setdefault("error", error)

    def _add_choice(self, choice: Mapping[str, Any], alone: bool) -> None:
        if not isinstance(choice, dict):
            choice = {}
        index = choice.get("index")
        if type(index) is not int:
            index = integer(index) or 0
        known = self._choices.get(index)
        if known is None:
            known = self._choices[index] = {"finish_reason": None}
            self._one_chunk_each = self._one_chunk_each and alone
        else:
            self._one_chunk_each = False
        if reason := choice.get("finish_reason"):
            known["finish_reason"] = reason
        if not _OF_SOME_CHOICES.isdisjoint(choice):
            self._fail(choice.get("error"))
            if choice.get("usage"):
                known["usage"] = merged(obj(known.get("usage")), obj(choice["usage"]))

    def content(self, chunk: Mapping[str, Any]) -> None:
        """The pieces of each choice's message; some servers send a ``message`` in place of the ``delta``."""
        choices: Sequence[Any] = chunk.get("choices") or ()
        for choice in choices if isinstance(choices, list) else ():
            self._add_piece(choice)

    def _add_piece(self, choice: Mapping[str, Any]) -> None:
        if not isinstance(choice, dict):
            choice = {}
        index = choice.get("index")
        if type(index) is not int:
            index = integer(index) or 0
        message = self._messages.get(index)
        delta: Mapping[str, Any] = choice.get("delta") or {}
        if not delta or not isinstance(delta, dict):
            delta = obj(choice.get("message")) or {"content": choice.get("text")}
            if message is not None and message.by_delta and (delta.get("content") or delta.get("tool_calls")):
                message = None  # after pieces, it is the whole once more
        if message is None:
            message = self._messages[index] = _Message("delta" in choice)
        message.add(delta)

    def data(self) -> dict[str, object]:
        """The response JSON."""
        if self._counts_up():
            choices = [self._as_one_choice()]
        else:
            choices = [
                {"index": index, **choice, "message": self._messages[index].wire() if index in self._messages else {}}
                for index, choice in sorted(self._choices.items())
            ]
        return {**self._fields, "usage": self._usage, "choices": choices}

    def _counts_up(self) -> bool:
        """Whether the index is a chunk's number and not a choice's, as Foundry Local has it."""
        reasons = [choice["finish_reason"] for choice in self._choices.values()]
        first = next(iter(self._choices), 0)
        consecutive = list(self._choices) == list(range(first, first + len(reasons)))
        return self._one_chunk_each and len(reasons) > 1 and consecutive and not any(reasons[:-1])

    def _as_one_choice(self) -> dict[str, object]:
        message, (*_, last) = _Message(True), self._choices.values()
        for piece in self._messages.values():
            message.add(piece.first)
        return {"index": 0, **last, "message": message.wire()}


class _Message:
    """The message of one choice, growing. Its first piece is folded when there is a second one."""

    def __init__(self, by_delta: bool) -> None:
        self.by_delta = by_delta
        self.first: Wire = {}
        self._grown: _Growing | None = None

    def add(self, delta: Wire) -> None:
        if self._grown is None and not self.first:
            self.first = delta
            return
        if self._grown is None:
            self._grown = _Growing()
            self._grown.add(self.first)
        self._grown.add(delta)

    def wire(self) -> dict[str, object]:
        """The message JSON."""
        growing = self._grown or _Growing()
        if self._grown is None:
            growing.add(self.first)
        return growing.wire()


class _Growing:
    """What the deltas of one message add up to."""

    def __init__(self) -> None:
        self._role = "assistant"
        self._texts, self._audio = Pieces(), Pieces()
        self._parts: list[object] = []
        self._lists: dict[str, list[object]] = {}
        self._calls = ToolCalls()

    def add(self, delta: Wire) -> None:
        for name, value in delta.items():
            if value and name in _FOLDED:
                _FOLDED[name](self, name, value)

    def put_role(self, name: str, value: object) -> None:
        self._role = text(value) or self._role

    def put_text(self, name: str, value: object) -> None:
        if isinstance(value, str):
            self._texts.put(name, value)
            return
        for part in several(value):
            self._add_part(part)

    def put_details(self, name: str, value: object) -> None:
        self._texts.put(name, reasoning_details(value))

    def put_audio(self, name: str, value: object) -> None:
        for field, piece in obj(value).items():
            self._audio.put(field, piece)

    def put_list(self, name: str, value: object) -> None:
        known = self._lists.setdefault(name, [])
        known += [item for item in several(value) if item not in known]

    def put_calls(self, name: str, value: object) -> None:
        self._calls.add(several(value) if name == "tool_calls" else [{"index": -1, "function": value}])

    def _add_part(self, item: object) -> None:
        """Mistral streams text and thinking as parts, piece by piece."""
        part = obj(item)
        if isinstance(item, str) or part.get("type") == "text":
            self._texts.put("content", part.get("text") if part else item)
        elif part.get("type") == "thinking":
            self._texts.put("reasoning", plain(part.get("thinking")))
        elif part:
            self._parts.append(part)

    def wire(self) -> dict[str, object]:
        """The message JSON."""
        message: dict[str, object] = {"role": self._role, **self._texts.joined(), **self._lists}
        thoughts = message.pop("reasoning_details", None)
        if thoughts:
            message["reasoning_details"] = [{"type": "reasoning.text", "text": thoughts}]
        if self._parts:
            message["content"] = [message.get("content") or "", *self._parts]
        if self._audio:
            message["audio"] = self._audio.joined()
        calls = self._calls.wire()
        if calls:
            message["tool_calls"] = calls
        return message


_FOLDED: Final[dict[str, Callable[[_Growing, str, object], None]]] = {
    "role": _Growing.put_role,
    **dict.fromkeys(("content", "refusal", *REASONING), _Growing.put_text),
    "reasoning_details": _Growing.put_details,
    "audio": _Growing.put_audio,
    **dict.fromkeys(("images", "annotations"), _Growing.put_list),
    **dict.fromkeys(("tool_calls", "function_call"), _Growing.put_calls),
}
"""How the pieces of each field of a message are put together."""
