"""Values that an MLflow server refuses, together with every span of the same request, made harmless.

Pure functions over the attributes of one span. Each rule was found on a real server (MLflow 3.17 and 3.18); what
cannot be kept as it is becomes text or is left out, and everything else passes through untouched.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, TypeAlias, TypeGuard

from genspan_semconv import attributes as names

if TYPE_CHECKING:
    from collections.abc import Callable

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"
Value: TypeAlias = "str | bool | int | float | bytes | Sequence[str | bool | int | float]"

MAX_DEPTH: Final = 30
"""Objects nested deeper are stored, but MLflow cannot read the trace again (it goes through protobuf, limit 100)."""
_MAX_PARSED_DEPTH: Final = 300
_MIN_INT: Final = -(2**63)
_MAX_INT: Final = 2**63 - 1
_MAX_DIGITS: Final = 4300  # Python refuses to read longer integers
_MAX_SESSION: Final = 250
_MAX_TRACE_NAME: Final = 4096

_USAGE_KEYS: Final = (
    "input_tokens",
    "output_tokens",
    "total_tokens",
    "cache_read_input_tokens",
    "cache_creation_input_tokens",
    "cache_creation_input_tokens_above_1hr",
)
_COST_KEYS: Final = ("input_cost", "output_cost", "total_cost")
_ESCAPES: Final = ("\\ud", "\\uD", "\\u0000")  # halves of surrogate pairs, perhaps, and NUL
_STARTS_WITH_HUGE_NUMBER: Final = re.compile(rf"\s*-?\d{{{_MAX_DIGITS + 1}}}")
_HUGE_NUMBER: Final = re.compile(rf"\d{{{_MAX_DIGITS + 1}}}")


def safe_attributes(attributes: Mapping[str, object]) -> dict[str, Value]:
    """A copy in which no value can cost the batch. Values that mean nothing to MLflow are left out."""
    safe: dict[str, Value] = {}
    for key, value in attributes.items():
        rule = _RULES.get(key)
        kept = safe_value(value)
        if rule is not None and kept is not None:
            kept = rule(kept)
        if kept is not None:
            safe[safe_text(key)] = kept
    return safe


def safe_text(text: str) -> str:
    """Halves of surrogate pairs (from cut streams) joined or replaced; NUL, which PostgreSQL refuses, replaced."""
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text.replace("\0", "\ufffd") if "\0" in text else text


def safe_value(value: object) -> Value | None:
    """One attribute's value, whatever it is called. Nested values become their JSON text, which MLflow reads alike."""
    if isinstance(value, str):
        return _safe_string(safe_text(value))
    if value is None or isinstance(value, bytes):
        return value
    if isinstance(value, bool | int | float):
        return _number(value)
    if _is_list(value) and all(isinstance(item, str | bool | int | float) for item in value):
        return tuple(_number(item) if isinstance(item, bool | int | float) else safe_text(str(item)) for item in value)
    return _dump(_plain(value, 0))


def _number(value: float) -> bool | int | float | str:
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if _MIN_INT <= value <= _MAX_INT:
        return value
    return str(value) if value.bit_length() < _MAX_DIGITS else hex(value)


def _safe_string(text: str) -> str:
    if text.lstrip()[:1] in ("{", "[", '"'):
        return _safe_json(text)
    return json.dumps(text) if _STARTS_WITH_HUGE_NUMBER.match(text) else text


def _safe_json(text: str) -> str:
    """Text that MLflow will try to read as JSON.

    What it cannot read is quoted once more: the server takes one layer of quotes off, and the text arrives as it was.
    """
    numbers = _Numbers()
    brackets = text.count("[") + text.count("{")
    try:
        value = json.loads(text, parse_int=numbers.integer, parse_float=numbers.real, parse_constant=numbers.constant)
        escapes = "\\u" in text and any(mark in text for mark in _ESCAPES)
        if escapes or numbers.changed or (brackets > MAX_DEPTH and _is_deeper(value, MAX_DEPTH)):
            return _dump(_plain(value, 0))
    except RecursionError:
        return json.dumps(text)
    except ValueError:  # not JSON, but the server may fail before it notices
        return json.dumps(text) if brackets > _MAX_PARSED_DEPTH or _HUGE_NUMBER.search(text) else text
    return text


class _Numbers:
    """Reads numbers that JavaScript, protobuf or Python could not read again as text, and notes that it did."""

    __slots__ = ("changed",)

    def __init__(self) -> None:
        self.changed = False

    def integer(self, digits: str) -> int | str:
        if len(digits) < 19 or (len(digits) < 21 and _MIN_INT <= int(digits) <= _MAX_INT):
            return int(digits)
        return self.constant(digits)

    def real(self, digits: str) -> float | str:
        value = float(digits)
        return value if math.isfinite(value) else self.constant(digits)

    def constant(self, name: str) -> str:
        self.changed = True
        return name


def _is_deeper(value: object, levels: int) -> bool:
    if _is_mapping(value):
        value = tuple(value.values())
    elif not _is_list(value):
        return False
    return levels == 0 or any(_is_deeper(member, levels - 1) for member in value)


def _plain(value: object, depth: int) -> Json:
    if depth >= MAX_DEPTH and (_is_mapping(value) or _is_list(value)):
        return safe_text(json.dumps(value, ensure_ascii=False, default=_contents))
    if _is_mapping(value):
        return {safe_text(str(key)): _plain(member, depth + 1) for key, member in value.items()}
    if _is_list(value):
        return [_plain(member, depth + 1) for member in value]
    return _plain_leaf(value)


def _plain_leaf(value: object) -> str | int | float | bool | None:
    if value is None:
        return None
    if isinstance(value, bool | int | float):
        return _number(value)
    return safe_text(value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value))


def _contents(value: object) -> object:
    return dict(value) if _is_mapping(value) else str(value)


def _is_mapping(value: object) -> TypeGuard[Mapping[object, object]]:
    return isinstance(value, Mapping)


def _is_list(value: object) -> TypeGuard[Sequence[object]]:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _dump(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _usage(value: Value) -> Value | None:
    """Whole numbers only: a null or a text among them costs the batch, and without a total the trace counts 0.

    A text that is no JSON object (``"null"``: "count my children, not me") is left alone.
    """
    members = _object(value)
    if members is None:
        return value
    counts = {key: int(n) for key in _USAGE_KEYS if _is_number(n := members.get(key)) and n == int(n)}
    if "total_tokens" not in counts and counts.keys() & {"input_tokens", "output_tokens"}:
        counts["total_tokens"] = counts.get("input_tokens", 0) + counts.get("output_tokens", 0)
    return json.dumps(counts) if counts else None


def _cost(value: Value) -> Value | None:
    members = _object(value)
    if members is None:
        return None
    costs = {key: n for key in _COST_KEYS if _is_number(n := members.get(key))}
    if "total_cost" not in costs and len(costs) == 2:
        costs["total_cost"] = costs["input_cost"] + costs["output_cost"]
    return json.dumps(costs) if costs else None


def _word(value: Value) -> Value | None:
    return value if isinstance(value, str) and value.lstrip()[:1] not in ("[", "{") else None


def _session(value: Value) -> Value | None:
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    if len(text) <= _MAX_SESSION:
        return value
    # Cut alone, two long ids with the same beginning would become one session.
    return text[: _MAX_SESSION - 33] + "~" + hashlib.blake2s(text.encode(), digest_size=16).hexdigest()


def _trace_name(value: Value) -> Value | None:
    return str(value)[:_MAX_TRACE_NAME]


def _leave_out(_: Value) -> Value | None:
    return None


def _object(value: Value) -> dict[str, object] | None:
    try:
        members: object = json.loads(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return {str(key): member for key, member in members.items()} if _is_mapping(members) else None


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


_RULES: Final[dict[str, Callable[[Value], Value | None]]] = {
    names.MLFLOW_CHAT_TOKEN_USAGE: _usage,
    "mlflow.llm.cost": _cost,
    names.MLFLOW_SPAN_TYPE: _word,
    names.GEN_AI_OPERATION_NAME: _word,
    names.SESSION_ID: _session,
    names.GEN_AI_CONVERSATION_ID: _session,
    names.MLFLOW_TRACE_TAG_MLFLOW_TRACE_NAME: _trace_name,
    # Where a trace's spans are is for the server to know: before 3.18 such a tag makes the trace unreadable.
    f"{names.MLFLOW_TRACE_TAG}.mlflow.trace.spansLocation": _leave_out,
    f"{names.MLFLOW_TRACE_TAG}.mlflow.trace.archiveLocation": _leave_out,
    f"{names.MLFLOW_TRACE_TAG}.mlflow.trace.archivalFailure": _leave_out,
}
