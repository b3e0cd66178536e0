"""What has been counted already, of the last ones: usage that a provider shows again on every reading counts once."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import Final, Generic, TypeVar

_MAX_IDS: Final = 10_000

_K = TypeVar("_K")
_V = TypeVar("_V")


class Recent(OrderedDict[_K, _V], Generic[_K, _V]):
    """A mapping that forgets the oldest of too many ids."""

    def put(self, identity: _K, value: _V) -> None:
        """Keep a value."""
        self[identity] = value
        if len(self) > _MAX_IDS:
            self.popitem(last=False)


class Counted:
    """Ids whose usage has been counted, each with how many items of it."""

    def __init__(self) -> None:
        self._items = Recent[str, int]()
        self._lock = Lock()

    def first(self, identity: str, item: int = 0) -> bool:
        """Whether this item of an id is new. Items are numbered from 0, and come in order."""
        with self._lock:
            new = item >= self._items.get(identity, 0)
            if new:
                self._items.put(identity, item + 1)
            self._items.move_to_end(identity)  # what is read again and again is not what is forgotten
            return new
