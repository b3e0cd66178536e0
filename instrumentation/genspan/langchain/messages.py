"""LangChain's messages, documents and inputs in the conventions' JSON shape.

Reads attributes of LangChain's objects by name and imports none of its classes. Total: what is not known becomes text.
https://docs.langchain.com/oss/python/langchain/messages
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from genspan_semconv import parts
from genspan_semconv.model import obj, seq, text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from genspan_semconv.model import Message, Part

_ROLES: Final = {"human": "user", "ai": "assistant", "AIMessageChunk": "assistant", "function": "tool"}
_MAX_DEPTH: Final = 8


def messages(value: object) -> list[Message]:
    """The messages of an input or a result: a list of them, a state that has one under ``messages``, or one alone."""
    return [message(item) for item in _items(value)]


def _items(value: object) -> list[object]:
    found = obj(value).get("messages", value)
    if hasattr(found, "to_messages"):
        found = cast("Any", found).to_messages()
    return cast("list[object]", found) if isinstance(found, list) else [found]


def added(value: object) -> list[Message]:
    """What of a conversation came after the user's last message; where that is the last one, that."""
    found: list[Message] = []
    for item in reversed(_items(value)):
        read = message(item)
        if read.get("role") == "user":
            return found[::-1] or [read]
        found.append(read)
    return found[::-1]


def holds_messages(value: object) -> bool:
    """Whether a value is messages, as LangChain takes them: objects, ``(role, text)`` pairs, or dicts with a role."""
    found = obj(value).get("messages", value)
    if hasattr(found, "to_messages"):
        return True
    items = cast("list[object]", found) if isinstance(found, list) else [found]
    return bool(items) and all(_is_message(item) for item in items)


def message(value: Any) -> Message:
    """One message, in any form that LangChain takes: an object, a dict, a ``(role, content)`` pair, a text."""
    if isinstance(value, str):
        return {"role": "user", "parts": [parts.text_part(value)]}
    if _is_pair(value):
        return message({"role": value[0], "content": value[1]})
    kind = text(_attribute(value, "role")) or text(_attribute(value, "type")) or "user"
    role, content = _ROLES.get(kind, kind), _attribute(value, "content")
    if role == "tool":
        part: Part = {"type": "tool_call_response", "response": parts.plain(plain(content))}
        return {"role": role, "parts": [parts.with_id(part, _attribute(value, "tool_call_id"))]}
    found = [parts.text_part(content)] if isinstance(content, str) and content else _blocks(content)
    for call in seq(_attribute(value, "tool_calls")):
        found.append(parts.tool_call(*(_attribute(call, name) for name in ("name", "args", "id"))))
    return {"role": role, "parts": found}


def _blocks(content: object) -> list[Part]:
    """Content blocks; calls of tools are left out, since LangChain has them apart."""
    found: list[Part] = []
    for block in seq(content):
        if isinstance(block, str):
            found.append(parts.text_part(block))
            continue
        wire = obj(block)
        read = _BLOCKS.get(text(wire.get("type")) or "")
        if read is None:
            found.append(parts.other(obj(plain(wire)), "langchain"))
            continue
        part = read(wire)
        if part is not None:
            found.append(part)
    return found


def _media(wire: Mapping[str, object]) -> Part | None:
    modality = str(wire.get("type")).removesuffix("_url")
    url = (
        text(obj(wire.get(f"{modality}_url")).get("url")) or text(wire.get(f"{modality}_url")) or text(wire.get("url"))
    )
    if url:
        return parts.by_url(url, modality)
    data = text(wire.get("base64")) or text(wire.get("data")) or text(obj(wire.get("source")).get("data"))
    if data:
        mime = text(wire.get("mime_type")) or text(obj(wire.get("source")).get("media_type")) or ""
        return {"type": "blob", "modality": modality, "mime_type": mime, "content": data}
    identity = text(wire.get("file_id"))
    return parts.by_id(identity, modality) if identity else parts.other(wire, "langchain")


def _reasoning(wire: Mapping[str, object]) -> Part | None:
    found = text(wire.get("reasoning")) or text(wire.get("thinking")) or text(wire.get("text"))
    return parts.text_part(found, "reasoning") if found else None


def _nothing(_: Mapping[str, object]) -> None:
    return None


_BLOCKS: Final[dict[str, Callable[[Mapping[str, object]], Part | None]]] = {
    "text": lambda wire: parts.text_part(wire.get("text")),
    "refusal": lambda wire: parts.text_part(wire.get("refusal"), "refusal"),
    "reasoning": _reasoning,
    "thinking": _reasoning,
    "image": _media,
    "image_url": _media,
    "audio": _media,
    "video": _media,
    "file": _media,
    "tool_call": _nothing,
    "tool_call_chunk": _nothing,
    "tool_use": _nothing,
    "function_call": _nothing,
    "input_json_delta": _nothing,
}


def plain(value: object, depth: int = 0) -> object:
    """A value as JSON: messages and documents by their content, objects of unknown classes by the name of the class."""
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if depth >= _MAX_DEPTH:
        return f"<{type(value).__name__}>"
    if isinstance(value, dict):
        return {str(key): plain(item, depth + 1) for key, item in cast("dict[object, object]", value).items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item, depth + 1) for item in cast("list[object]", value)]
    return _object(value, depth)


def _object(value: object, depth: int) -> object:
    if hasattr(value, "page_content"):
        return document(value)
    if hasattr(value, "to_messages"):
        return messages(value)
    if _is_message(value):
        return message(value)
    fields = cast("dict[str, object] | None", getattr(value, "__dict__", None))
    if fields and hasattr(value, "model_fields_set"):  # an answer in the form of the program's own pydantic class
        return {name: plain(item, depth + 1) for name, item in fields.items()}
    return f"<{type(value).__name__}>"


def document(value: object) -> dict[str, object]:
    """A document as MLflow's retriever spans have it: content, metadata and id."""
    found: dict[str, object] = {
        "page_content": _attribute(value, "page_content"),
        "metadata": plain(_attribute(value, "metadata"), 1),
    }
    identity = _attribute(value, "id")
    return {**found, "id": identity} if identity else found


def retrieved(documents: object) -> list[dict[str, object]]:
    """``gen_ai.retrieval.documents``: ids, and scores where the store put them into the metadata."""
    found: list[dict[str, object]] = []
    for one in seq(documents):
        metadata = obj(_attribute(one, "metadata"))
        shown = {"id": _attribute(one, "id") or metadata.get("id") or metadata.get("source")}
        score = metadata.get("score", metadata.get("relevance_score"))
        found.append({name: value for name, value in {**shown, "score": score}.items() if value is not None})
    return found


def _is_message(value: object) -> bool:
    if isinstance(value, dict):
        return "role" in value and "content" in value
    return _is_pair(value) or (
        hasattr(value, "content") and hasattr(value, "type") and hasattr(value, "response_metadata")
    )


def _is_pair(value: Any) -> bool:
    return isinstance(value, tuple) and len(cast("tuple[object, ...]", value)) == 2 and isinstance(value[0], str)


def _attribute(value: object, name: str) -> object:
    if isinstance(value, dict):
        return obj(value).get(name)
    return getattr(value, name, None)
