"""Every public method of google-genai's client that may send a request, found by walking the installed SDK."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from tests.support.surfaces import make_client

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
    client = make_client("http://localhost")
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
        value = _value(holder, name)
        if inspect.isroutine(value):
            yield f"{prefix}{name}"
        elif _is_resource(value):
            yield from _walk(value, f"{prefix}{name}.", depth + 1)


def _value(holder: Any, name: str) -> Any:
    try:
        return getattr(holder, name)
    except Exception:  # a property that asks for credentials, or for a package that is not installed
        return None


def _is_resource(value: Any) -> bool:
    module = type(value).__module__
    if isinstance(value, type) or hasattr(value, "model_fields") or not module.startswith("google.genai"):
        return False
    return "_api_client" not in module and "sdkconfiguration" not in module


def _public(kind: type) -> list[str]:
    return [name for name in dir(kind) if not name.startswith("_") and inspect.isroutine(getattr(kind, name))]
