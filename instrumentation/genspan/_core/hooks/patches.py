"""Patch points as data. Install and remove read the same table, and nothing else patches anything."""

from __future__ import annotations

import logging
import sys
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import wrapt

from genspan._core.guard import Guard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import ModuleType

    from genspan._core.emit.telemetry import Telemetry
    from genspan._core.hooks.wrappers import Wrapper

_logger = logging.getLogger("genspan")


class Patch(NamedTuple):
    """One patch point: what of which module is wrapped, and what makes the wrapper."""

    module: str
    attribute: str
    wrapper: Callable[[Telemetry], Wrapper]
    unless: str = ""
    """What of the same module makes this patch unneeded: newer versions of the SDK have a better place."""


class Replacement(NamedTuple):
    """A patch point that is no function: ``value(telemetry, original)`` stands in its place."""

    module: str
    attribute: str
    value: Callable[[Telemetry, Any], Any]


class _Wrapped(NamedTuple):
    parent: Any
    attribute: str
    original: Any
    wrapper: Any
    inherited: bool


class Bindings:
    """The patches of one instrumentor. A module that is not imported yet is patched when it is."""

    def __init__(self, patches: Iterable[Patch | Replacement], telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        self._patches: dict[str, list[Patch | Replacement]] = {}
        self._done: list[_Wrapped] = []
        self._active = True
        self._lock = Lock()
        for patch in patches:
            self._patches.setdefault(patch.module, []).append(patch)

    def install(self) -> None:
        """Patch what is imported, and leave hooks for the rest: no SDK is imported for our sake."""
        for name in self._patches:
            if name in sys.modules:
                self._apply(sys.modules[name])
            else:
                wrapt.register_post_import_hook(self._apply, name)

    def remove(self) -> None:
        """Put every original back; where somebody wrapped our wrapper meanwhile, ours passes through."""
        with self._lock:
            self._active = False  # an import hook cannot be taken back
            self._telemetry.close()  # nor a bound method that the program keeps, or a wrapper around ours
            while self._done:
                done = self._done.pop()
                if cast("dict[str, object]", vars(done.parent)).get(done.attribute) is not done.wrapper:
                    continue
                if done.inherited:
                    delattr(done.parent, done.attribute)
                else:
                    setattr(done.parent, done.attribute, done.original)

    def _apply(self, module: ModuleType) -> None:
        with self._lock:
            for patch in self._patches[module.__name__] if self._active else ():
                with Guard("a patch point"):
                    self._patch(module, patch)

    def _patch(self, module: ModuleType, patch: Patch | Replacement) -> None:
        if isinstance(patch, Patch) and patch.unless and _has(module, patch.unless):
            return
        try:
            parent, attribute, original = wrapt.resolve_path(module, patch.attribute)
        except (AttributeError, ImportError):
            _logger.debug("%s.%s is not in this version of the SDK", module.__name__, patch.attribute)
            return
        wrapper = self._made(patch, original)
        self._done.append(_Wrapped(parent, attribute, original, wrapper, attribute not in vars(parent)))
        setattr(parent, attribute, wrapper)

    def _made(self, patch: Patch | Replacement, original: Any) -> Any:
        if isinstance(patch, Replacement):
            return patch.value(self._telemetry, original)
        return wrapt.FunctionWrapper(original, patch.wrapper(self._telemetry))


def _has(module: ModuleType, attribute: str) -> bool:
    try:
        wrapt.resolve_path(module, attribute)
    except (AttributeError, ImportError):
        return False
    return True
