"""Other distributions' instrumentations of the SDKs that genspan traces. Two of them count every call twice."""

from __future__ import annotations

import logging
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.instrumentation.dependencies import get_dependency_conflicts

from genspan._core.config import OTHERS, is_left_out, keeps_others

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_logger = logging.getLogger("genspan")

GROUP: Final = "opentelemetry_instrumentor"
_PREFIX: Final = "genspan-"
# The entry-point names by which OpenTelemetry, OpenInference and OpenLLMetry instrument an SDK.
_NAMES: Final[Mapping[str, frozenset[str]]] = {
    "gemini": frozenset({"google-genai", "google_genai", "google_generativeai", "gemini"}),
    "openai": frozenset({"openai"}),
    "google-generativeai": frozenset({"google-generativeai", "google_generativeai"}),
}


def found(candidates: Iterable[EntryPoint] | None = None) -> dict[str, str]:
    """Installed instrumentations (name and module) that trace an SDK which ours traces too, with our name for it."""
    if candidates is None:
        candidates = entry_points(group=GROUP)
    return {f"{other.name} ({other.value})": ours for other in candidates if (ours := covered_by(other)) is not None}


def is_superseded(other: EntryPoint) -> bool:
    """Whether to leave out another distribution's instrumentation; says so."""
    ours = covered_by(other)
    if ours is None or keeps_others():
        return False
    _logger.warning(
        "%s traces what the instrumentation %r (%s) traces too; the latter is left out, so that calls are counted "
        "once. %s=keep loads both; OTEL_PYTHON_DISABLED_INSTRUMENTATIONS=%s loads the other one.",
        *(ours, other.name, other.value, OTHERS, ours),
    )
    return True


def covered_by(other: EntryPoint) -> str | None:
    """The name of our own instrumentation of the same SDK, if it is active."""
    if other.value.startswith("genspan."):
        return None
    for ours in own():
        sdk = ours.name.removeprefix(_PREFIX)
        if other.name in _NAMES.get(sdk, frozenset({sdk})) and _is_active(ours):
            return ours.name
    return None


@cache
def own() -> tuple[EntryPoint, ...]:
    """Our own instrumentations, by their entry points."""
    return tuple(point for point in entry_points(group=GROUP) if point.name.startswith(_PREFIX))


@cache
def _is_active(ours: EntryPoint) -> bool:
    if is_left_out(ours.name):
        return False
    try:
        instrumentor: Any = ours.load()()
        return get_dependency_conflicts(instrumentor.instrumentation_dependencies()) is None
    except Exception:
        _logger.debug("%s cannot be loaded", ours.name, exc_info=True)
        return False
