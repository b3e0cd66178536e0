"""Plausible values for a declared JSON schema: arguments of a function call, or a structured answer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_PLACES = re.compile(r"\b(?:in|for|at|to|from|of)\s+((?:[A-Z][\w'-]+\s?)+)")


class Values:
    """Makes values from schemas, taking numbers and places from the prompt where it has some."""

    def __init__(self, prompt: str) -> None:
        self._numbers = iter(re.findall(r"\d+(?:\.\d+)?", prompt))
        self._places: Iterator[str] = iter(place.strip() for place in _PLACES.findall(prompt))

    def of(self, schema: Any, name: str = "value", root: Any = None) -> Any:
        root = schema if root is None else root
        if not isinstance(schema, dict):
            return None
        if "$ref" in schema:
            return self.of(_resolve(root, schema["$ref"]), name, root)
        for key in ("anyOf", "any_of", "oneOf", "allOf"):
            if schema.get(key):
                return self.of(schema[key][0], name, root)
        for key in ("const", "default"):
            if schema.get(key) is not None:
                return schema[key]
        if schema.get("enum"):
            return schema["enum"][0]
        return self._by_type(schema, name, root)

    def _by_type(self, schema: dict[str, Any], name: str, root: Any) -> Any:
        kind = schema.get("type") or ("object" if "properties" in schema else "string")
        kind = str(kind[0] if isinstance(kind, list) else kind).lower()
        if kind == "object":
            return {key: self.of(value, key, root) for key, value in (schema.get("properties") or {}).items()}
        if kind == "array":
            return [self.of(schema.get("items"), name, root)] * max(1, int(schema.get("minItems", 1)))
        if kind == "integer":
            return int(float(next(self._numbers, 3)))
        if kind == "number":
            return float(next(self._numbers, 1.5))
        if kind == "boolean":
            return True
        return None if kind == "null" else self._text(name, schema)

    def _text(self, name: str, schema: dict[str, Any]) -> str:
        if schema.get("format") in {"date", "date-time"} or "date" in name:
            return "2026-01-31"
        if re.search(r"city|place|location|country|town|where", name, re.IGNORECASE):
            return next(self._places, "Paris")
        return f"some {name.replace('_', ' ')}"


def _resolve(root: Any, reference: str) -> Any:
    found = root
    for step in reference.removeprefix("#/").split("/"):
        found = found.get(step) if isinstance(found, dict) else None
    return found
