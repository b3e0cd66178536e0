"""The one place where our own failures end, so that none of them reaches the user's call."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

_logger = logging.getLogger("genspan")
_reported: set[str] = set()


def swallow(site: str, error: Exception) -> None:
    """Log a failure of ours once per site, at debug: ``swallow("content of an answer", error)``."""
    if site not in _reported:
        _reported.add(site)
        _logger.debug("genspan failed in %s; the program's call is not affected", site, exc_info=error)


class Guard:
    """``with Guard("end of a call"):`` swallows an ``Exception`` of the block and logs it once per site, at debug.

    What is no ``Exception`` (KeyboardInterrupt, SystemExit, cancellation) belongs to the user's program and passes.
    Where every call and every chunk comes by, ``except Exception as error: swallow(site, error)`` costs less.
    """

    __slots__ = ("_site",)

    def __init__(self, site: str) -> None:
        self._site = site

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> bool:
        if error is None:
            return False
        if not isinstance(error, Exception):
            return False
        swallow(self._site, error)
        return True
