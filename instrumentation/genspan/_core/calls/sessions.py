"""Chats that a program keeps as objects of an SDK: their turns are one session, for which the provider has no id."""

from __future__ import annotations

from typing import Any
from uuid import uuid4
from weakref import WeakKeyDictionary

from genspan._core.guard import Guard


class Chats:
    """An id for each chat object, for as long as the program keeps the object."""

    def __init__(self) -> None:
        self._ids: WeakKeyDictionary[Any, str] = WeakKeyDictionary()

    def __call__(self, chat: Any) -> str | None:
        """The id of a chat; ``None`` for an object that cannot be told from others."""
        with Guard("session of a chat"):
            return self._ids.setdefault(chat, str(uuid4()))
        return None
