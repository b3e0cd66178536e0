"""What a model call is, whatever the provider: slotted dataclasses, and content in the conventions' JSON shape.

Content is not an object tree: messages and parts are dicts in the shape of the GenAI conventions
(https://github.com/open-telemetry/semantic-conventions-genai), built from the wire JSON by a provider's
converters and serialised as they are.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, TypedDict, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

AttributeValue: TypeAlias = "str | bool | int | float | Sequence[str] | Sequence[int] | Sequence[float]"
Wire: TypeAlias = "Mapping[str, object]"
"""A JSON object of a provider's, of which nothing is known."""
Part: TypeAlias = "dict[str, object]"
Params: TypeAlias = "dict[str, AttributeValue]"
"""Parameters of a request by the conventions' short names: ``temperature``, ``max_tokens``, ``output_type``, ...

What only one provider has stands under its attribute's name: ``openai.request.service_tier``.
"""


Parameter: TypeAlias = "tuple[str, Callable[[object], AttributeValue | None], tuple[str, ...]]"
"""A parameter's name, what reads its value, and the fields that may have it; the first that says something counts."""
ParamTable: TypeAlias = "Mapping[str, Sequence[tuple[int, int, str, str, Callable[[object], AttributeValue | None]]]]"
"""Parameters by field: numbers of parameter and spelling, the field again, the parameter's name, what reads it."""


class Message(TypedDict, total=False):
    """One chat message: ``role`` and ``parts`` always, ``finish_reason`` on answers where the provider gave one.

    ``finish_message`` is why an answer was blocked, in the provider's words.
    """

    role: str
    parts: list[Part]
    finish_reason: str
    finish_message: str


class ToolDefinition(TypedDict, total=False):
    """One tool of a request: ``type`` and ``name`` always; a function's ``description`` and JSON schema."""

    type: str
    name: str
    description: str
    parameters: object


class Prompt(NamedTuple):
    """The content of a request: system instructions, messages in the order sent, tool definitions."""

    system: list[Part]
    messages: list[Message]
    tools: list[ToolDefinition]


class Last:
    """The fold of an API whose answers come in one piece."""

    def __init__(self) -> None:
        self._data: dict[str, object] = {}

    def metadata(self, chunk: Mapping[str, object]) -> None:
        """Take the answer."""
        self._data = dict(chunk)

    def content(self, chunk: Mapping[str, object]) -> None:
        """It is taken already."""

    def data(self) -> dict[str, object]:
        """The answer."""
        return self._data


class NoContent:
    """What an API is but for its ``response``, where its requests and answers hold no messages."""

    Fold: type[Any] = Last

    def params(self, body: Mapping[str, object]) -> Params:
        """Nothing."""
        return {}

    def prompt(self, body: Mapping[str, object]) -> Prompt:
        """Nothing."""
        return Prompt([], [], [])

    def answer(self, data: Mapping[str, object]) -> list[Message]:
        """Nothing."""
        return []


class Key(NamedTuple):
    """What is known of a call before it is made. Low in cardinality: names and attributes are cached by it."""

    operation: str
    provider: str
    model: str | None
    address: str | None
    port: int | None
    stream: bool


# Calling ``dict[str, int]()`` or ``list[str]()`` costs ten times as much as ``{}`` or ``[]``.
def _no_lifetimes() -> dict[str, int]:
    return {}


def _no_modalities() -> dict[tuple[str, str], int]:
    return {}


def _no_reasons() -> list[str]:
    return []


def _nothing_additional() -> dict[str, tuple[int | None, int | None]]:
    return {}


@dataclass(slots=True)
class Usage:
    """Tokens of one call, as the provider billed them. ``None``: not reported, which is not zero.

    ``input`` includes cached tokens and whatever else is billed as input, ``output`` includes reasoning.
    ``cache_read``, ``cache_write``, ``reasoning``, ``*_prediction`` and ``modalities`` are subsets. ``total`` is the
    provider's own figure. ``additional`` is billed beside input and output: ``{"tool": (input, output)}``.
    """

    input: int | None = None
    output: int | None = None
    total: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    reasoning: int | None = None
    accepted_prediction: int | None = None
    rejected_prediction: int | None = None
    seconds: float | None = None
    """Seconds of sound, where a provider bills those in place of tokens."""
    video_seconds: float | None = None
    """Seconds of video, where a provider bills those in place of tokens."""
    searches: int | None = None
    """Web searches billed beside the tokens."""
    cache_write_by_ttl: dict[str, int] = field(default_factory=_no_lifetimes)
    """Parts of ``cache_write`` by how long the cache lives (``5m``, ``1h``), where they are priced apart."""
    modalities: dict[tuple[str, str], int] = field(default_factory=_no_modalities)
    """Tokens by modality (``text``, ``image``, ``audio``) and direction (``input``, ``output``, ``cache_read``)."""
    additional: dict[str, tuple[int | None, int | None]] = field(default_factory=_nothing_additional)

    def __add__(self, other: Usage) -> Usage:
        """What two calls cost together."""
        total = Usage()
        for name in _FIGURES:
            setattr(total, name, add(getattr(self, name), getattr(other, name)))
        for ttl in (*self.cache_write_by_ttl, *other.cache_write_by_ttl):
            total.cache_write_by_ttl[ttl] = self.cache_write_by_ttl.get(ttl, 0) + other.cache_write_by_ttl.get(ttl, 0)
        for key in (*self.modalities, *other.modalities):
            total.modalities[key] = self.modalities.get(key, 0) + other.modalities.get(key, 0)
        for kind in (*self.additional, *other.additional):
            mine, theirs = (one.additional.get(kind, (None, None)) for one in (self, other))
            total.additional[kind] = add(mine[0], theirs[0]), add(mine[1], theirs[1])
        return total


_FIGURES = [one.name for one in fields(Usage) if one.default is None]


@dataclass(slots=True)
class Response:
    """What a response says of itself; every field is absent (``None``, empty) where the wire did not have it."""

    id: str | None = None
    model: str | None = None
    requested_model: str | None = None
    """The model, or the agent in its place, that was asked for, where a response is read that others asked for."""
    finish_reasons: list[str] = field(default_factory=_no_reasons)
    usage: Usage | None = None
    complete: bool = True
    """False where a finish reason was due and did not come, so that the answer is not known to be whole."""
    final: bool = False
    """True where the response itself says that nothing follows: who stops reading there has missed nothing."""
    error: str | None = None
    """The provider's own code of an error that it reported inside a response, e.g. ``RESOURCE_EXHAUSTED``."""
    status: str | None = None
    conversation_id: str | None = None
    continuable: bool = False
    """Whether the provider keeps the response, so that a later request can go on from it by its id."""
    compacted: bool = False
    """True where the provider replaced part of the conversation by a summary."""
    operation: str | None = None
    """What the call turned out to be, where only the response says so: a batch's first reading is its model call."""
    attributes: Mapping[str, AttributeValue | None] | None = None
    """What only this provider says, by attribute: ``{"openai.response.service_tier": "flex"}``."""
    summary: dict[str, object] | None = None
    """What is worth showing of a response that holds no messages: ``{"embeddings": 2, "dimension": 768}``."""


# Total accessors: whatever a provider sends, these return the type or nothing. They run dozens of times in a call:
# ``Any`` in place of ``object`` spares them a ``cast``, which costs as much as what it is there for.

_EMPTY: dict[str, object] = {}
_INT64 = 2**63


def obj(value: Any) -> Mapping[str, object]:
    """The JSON object, or an empty one."""
    wire: Mapping[str, object] = value
    return wire if isinstance(value, dict) else _EMPTY


def seq(value: Any) -> Sequence[object]:
    """The JSON array, or an empty one. Lists and tuples only: other iterables may be the user's, used up by reading."""
    items: Sequence[object] = value
    return items if isinstance(value, (list, tuple)) else ()


def several(value: object) -> Sequence[object]:
    """The JSON array, or the lone object as an array of one."""
    return (cast("object", value),) if isinstance(value, dict) else seq(value)


def text(value: object) -> str | None:
    """The string, if it is one and not empty. An SDK's enum, which is a string too, as its plain text."""
    if type(value) is str:
        return value or None
    return str.__str__(value) or None if isinstance(value, str) else None


def integer(value: object) -> int | None:
    """The integer, if it is one (2.0 counts, ``true`` does not) and fits in 64 bits."""
    if type(value) is not int:
        if not isinstance(value, float) or not value.is_integer():
            return None
        value = int(value)
    return value if -_INT64 <= value < _INT64 else None


def count(value: object) -> int | None:
    """The number of something: an integer that is not negative."""
    number = value if type(value) is int else integer(value)
    return number if number is not None and 0 <= number < _INT64 else None


def real(value: object) -> float | None:
    """The number as a float, if it is one and finite."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def texts(value: object) -> list[str]:
    """The strings of an array; a lone string counts as an array of one."""
    if isinstance(value, str):
        return [value]
    return [item for item in seq(value) if isinstance(item, str)]


def param_table(*parameters: Parameter) -> ParamTable:
    """A provider's parameters, in order, as what ``read_params`` reads: requests have few of them."""
    table: dict[str, list[tuple[int, int, str, str, Callable[[object], AttributeValue | None]]]] = {}
    for number, (name, read, spellings) in enumerate(parameters):
        for order, spelling in enumerate(spellings):
            table.setdefault(spelling, []).append((number, order, spelling, name, read))
    return table


def read_params(body: Mapping[str, object], table: ParamTable) -> Params:
    """The parameters that a request has, by a provider's table."""
    found: Params = {}
    last = -1
    for number, _, spelling, name, read in sorted([row for key in body if key in table for row in table[key]]):
        if number != last and (value := body[spelling]) is not None and (figure := read(value)) is not None:
            found[name], last = figure, number
    return found


def parsed(arguments: object) -> object:
    """The JSON value of a text, or the text (of a call that broke off, say)."""
    if not isinstance(arguments, str):
        return arguments
    try:
        return json.loads(arguments)
    except (ValueError, RecursionError):
        return arguments


def add(*counts: int | None) -> int | None:
    """The sum of the counts that are known; unknown if none is."""
    total: int | None = None
    for figure in counts:
        if figure is not None:
            total = figure if total is None else total + figure
    return total


def summed(first: Mapping[str, object], second: Mapping[str, object]) -> dict[str, object]:
    """Two JSON objects of numbers as one: numbers added, also those of objects inside."""
    total: dict[str, object] = {**first, **second}
    for name in first:
        if isinstance(first[name], dict):
            total[name] = summed(obj(first[name]), obj(second.get(name)))
        else:
            total[name] = add(integer(first[name]), integer(second.get(name)))
    return total
