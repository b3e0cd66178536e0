"""Which request of an SDK means which operation, as a table of methods and paths."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from genspan._core.routes.contract import Api


class Row(NamedTuple):
    """Method and path of a request that a model answers (a pattern), the API that reads it, the operation's name."""

    request: str
    api: Api
    operation: str


def finder(rows: Sequence[Row], around: str) -> Callable[[str, str], tuple[Row, dict[str, str]] | None]:
    """A function of method and URL that gives the row and its named groups; ``around`` is what of a URL is no path."""
    patterns = [(re.compile(row.request), row) for row in rows]
    left_out = re.compile(around)

    @lru_cache(maxsize=512)
    def find(method: str, url: str) -> tuple[Row, dict[str, str]] | None:
        request = f"{method.upper()} {left_out.sub('', url)}"
        for pattern, row in patterns:
            match = pattern.fullmatch(request)
            if match is not None:
                return row, {name: value for name, value in match.groupdict().items() if value is not None}
        return None

    return find
