"""What has been counted already, of the last ones: usage that a provider shows again on every reading counts once."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import Final

_MAX_IDS: Final = 10_000


class Counted:
    """Ids whose usage has been counted, each with how many items of it."""

    def __init__(self) -> None:
        self._items: OrderedDict[str, int] = OrderedDict()
        self._lock = Lock()

    def first(self, identity: str, item: int = 0) -> bool:
        """Whether this item of an id is new. Items are numbered from 0, and come in order."""
        with self._lock:
            counted = self._items.get(identity, 0)
            new = item >= counted
            self._items[identity] = item + 1 if new else counted
            if len(self._items) > _MAX_IDS:
                self._items.popitem(last=False)
            return new
