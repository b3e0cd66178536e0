"""What all of Google's services say alike: names of resources (https://google.aip.dev/122), status of errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genspan_semconv.model import integer, text

if TYPE_CHECKING:
    from genspan_semconv.model import Wire


def model_name(name: object) -> str | None:
    """The name of a model, or of one of its operations, without what is before it."""
    found = text(name)
    return found and found.rpartition("models/")[2]


def error_status(error: Wire) -> str | None:
    """The ``status`` of a ``google.rpc.Status``, else its number; ``error`` where it has neither."""
    return text(error.get("status")) or str(integer(error.get("code")) or "error") if error else None
