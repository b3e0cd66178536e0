"""Every public method of google-genai's client that may send a request, found by walking the installed SDK."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from google import genai

if TYPE_CHECKING:
    from collections.abc import Iterator

_DEPTH = 3
# The way back up; the one method below all others; and the same methods once more, with the raw response.
_APART = {
    "parent_ref",
    "do_request",
    "do_request_async",
    "dynamic_import",
    "with_raw_response",
    "with_streaming_response",
}


def methods() -> set[str]:
    """As `models.generate_content`; the methods of `client.aio` are the same names behind `aio.`."""
    client = genai.Client(api_key="none")
    found = set(_walk(client, "", 0))
    found |= {f"chat.{name}" for name in _public(type(client.chats.create(model="m")))}
    found |= {f"aio.chat.{name}" for name in _public(type(client.aio.chats.create(model="m")))}
    from google.genai.live import AsyncSession

    found |= {f"aio.session.{name}" for name in _public(AsyncSession)}
    client.close()
    return found


def _walk(holder: Any, prefix: str, depth: int) -> Iterator[str]:
    for name in dir(type(holder)) + list(vars(holder)):
        if name.startswith("_") or name in _APART or depth > _DEPTH:
            continue
        try:
            value = getattr(holder, name)
        except Exception:
            continue  # a property that asks for credentials or a package that is not installed
        module = getattr(type(value), "__module__", "") or ""
        if inspect.isroutine(value):
            yield f"{prefix}{name}"
        elif module.startswith("google.genai") and not isinstance(value, type) and not hasattr(value, "model_fields"):
            if "_api_client" not in module and "sdkconfiguration" not in module:
                yield from _walk(value, f"{prefix}{name}.", depth + 1)


def _public(kind: type) -> list[str]:
    return [name for name in dir(kind) if not name.startswith("_") and inspect.isroutine(getattr(kind, name))]
