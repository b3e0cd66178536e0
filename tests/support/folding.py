"""A stream's chunks through a reader, without an SDK."""

from __future__ import annotations

from typing import Any


def folded(api: Any, *chunks: Any, metadata_alone: bool = False) -> dict[str, Any]:
    """The response JSON that the chunks add up to; ``metadata_alone`` as where no content is recorded."""
    fold = api.Fold()
    for chunk in chunks:
        fold.metadata(chunk)
        if not metadata_alone:
            fold.content(chunk)
    return fold.data()
