"""Whether the installed SDKs have a patch point."""

from __future__ import annotations

import importlib

from genspan._core.hooks.patches import _has


def missing(module: str, attribute: str) -> str | None:
    """What is missing: a module, the class that would have it, or the function alone."""
    try:
        found = importlib.import_module(module)
    except ImportError:
        return "module"
    holder = attribute.rpartition(".")[0]
    if holder and not _has(found, holder):
        return "class"
    return None if _has(found, attribute) else "function"
