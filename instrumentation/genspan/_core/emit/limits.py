"""Content on its way to a span: which forms, scrubbed, within the span's limits and still valid JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from genspan._core.otel_internals import bounded_attributes
from genspan_semconv import attributes as names
from genspan_semconv.encode import clean, dumps

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.trace import Span

    from genspan._core.emit.redaction import Secrets
    from genspan_semconv.model import AttributeValue

_ALWAYS: Final = 5
"""Error, usage and model: worth more than what a session or a sampler put on the span before."""
_SMALLEST: Final = 16
"""Strings are cut down to this many characters before whole items are left out."""


class Limits(NamedTuple):
    """What a span can hold; ``None`` is no limit."""

    attributes: int | None
    length: int | None


def of_span(span: Span) -> Limits:
    """The limits of a span of the SDK: how many more attributes, and how long a string may be.

    The SDK evicts the oldest attribute where there are too many and cuts strings anywhere, so we keep within both.
    """
    bounded = bounded_attributes(span)
    maximum = getattr(bounded, "maxlen", None)
    free = maximum - len(cast("Mapping[str, object]", bounded)) if maximum is not None else None
    return Limits(free, getattr(bounded, "max_value_len", None))


def within(attributes: dict[str, AttributeValue], limit: Limits) -> dict[str, AttributeValue]:
    """As many of the attributes as the span holds, the first ones first; the very first even if older ones must go.

    A string that is too long for the span is left out: cut off, an id or a figure would be another one.
    """
    if limit.length is not None:
        attributes = {name: value for name, value in attributes.items() if _fits(value, limit.length)}
    if limit.attributes is None or len(attributes) <= limit.attributes:
        return attributes
    return dict(list(attributes.items())[: max(limit.attributes, _ALWAYS)])


def _fits(value: AttributeValue, length: int) -> bool:
    if isinstance(value, str):
        return len(value) <= length
    return not isinstance(value, list) or all(len(item) <= length for item in value if isinstance(item, str))


def put(name: str, value: object, limit: int | None, secrets: Secrets, into: dict[str, AttributeValue]) -> None:
    """Add content as JSON text (a string as it is), scrubbed; too long, it is shortened, still valid, and says so."""
    text = secrets.scrub(clean(value) if isinstance(value, str) else dumps(value))
    if limit is not None and len(text) > limit:
        into[names.GENSPAN_CONTENT_TRUNCATED] = True
        shorter = text[:limit] if isinstance(value, str) else _shorten(json.loads(text), limit)
        if shorter is None:
            return
        text = shorter
    into[name] = text


def _shorten(value: object, limit: int) -> str | None:
    """The JSON text of the value with its long strings cut, and then its oldest items left out, until it fits."""
    longest = limit
    while longest >= _SMALLEST:
        text = dumps(_cut(value, longest))
        if len(text) <= limit:
            return text
        longest //= 2
    value = _cut(value, _SMALLEST)
    while (halved := _halve(value)) != value:
        value = halved
        text = dumps(value)
        if len(text) <= limit:
            return text
    return None


def _halve(value: object) -> object:
    """The value with the newer half of every list in it (one item stays)."""
    if isinstance(value, dict):
        return {key: _halve(item) for key, item in cast("dict[object, object]", value).items()}
    if isinstance(value, list):
        items = cast("list[object]", value)
        return [_halve(item) for item in items[len(items) // 2 :]]
    return value


def _cut(value: object, longest: int) -> object:
    if isinstance(value, str):
        return value if len(value) <= longest else value[: longest - 1] + "\N{HORIZONTAL ELLIPSIS}"
    if isinstance(value, dict):
        return {key: _cut(item, longest) for key, item in cast("dict[object, object]", value).items()}
    if isinstance(value, (list, tuple)):
        return [_cut(item, longest) for item in cast("list[object]", value)]
    return value
