"""Other distributions' instrumentations of the SDKs that genspan traces: two of them make two spans of each call."""

from __future__ import annotations

import logging
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.instrumentation.dependencies import get_dependency_conflicts
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from genspan._core.config import OTHERS, is_left_out, keeps_others
from genspan._core.supported_sdks import SDKS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_logger = logging.getLogger("genspan")

GROUP: Final = "opentelemetry_instrumentor"
_PREFIX: Final = "genspan-"
_EXTRAS: Final = ("instruments", "instruments-any")
NAMES: Final[Mapping[str, frozenset[str]]] = {
    "gemini": frozenset({"google-genai", "google_genai", "google_generativeai", "gemini"}),
    "google_generativeai": frozenset({"google-generativeai"}),
}
"""Entry-point names of OpenTelemetry, OpenInference and OpenLLMetry for an SDK, where they are not our name for it."""


def found(candidates: Iterable[EntryPoint] | None = None) -> dict[str, str]:
    """Installed instrumentations (name and module) that trace an SDK which ours traces too, with our name for it."""
    if candidates is None:
        candidates = entry_points(group=GROUP)
    return {f"{other.name} ({other.value})": ours for other in candidates if (ours := covered_by(other)) is not None}


def is_superseded(other: EntryPoint) -> bool:
    """Whether to leave out another distribution's instrumentation, which is logged."""
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
    instruments = _instruments(other)
    for ours in own():
        sdk = ours.name.removeprefix(_PREFIX)
        by_name = other.name == sdk or other.name in NAMES.get(sdk, ())
        if (by_name or (sdk in SDKS and instruments == {SDKS[sdk].distribution})) and _is_active(ours):
            return ours.name
    return None


def _instruments(other: EntryPoint) -> set[str]:
    """The SDKs that its distribution instruments, as it declares to the loader of ``opentelemetry-instrument``."""
    found: set[str] = set()
    for text in (other.dist and other.dist.requires) or ():
        requirement = Requirement(text)
        marker = requirement.marker
        if marker and not marker.evaluate({"extra": ""}) and any(marker.evaluate({"extra": one}) for one in _EXTRAS):
            found.add(canonicalize_name(requirement.name))
    return found


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
