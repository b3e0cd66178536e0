"""Content blocks, messages and tools of Anthropic's API as the conventions' messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genspan_semconv.model import obj, parsed, seq, text
from genspan_semconv.parts import by_id, other, text_part, tool_definition, with_id

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from genspan_semconv.model import Message, Part, ToolDefinition

    Wire = Mapping[str, object]

_BESIDE = ("cache_control", "citations", "title", "context")
"""Of a block, what is kept beside the fields of its part."""


def read_message(message: Wire) -> Message:
    """One message, of a request or of an answer. Results of tools have the role ``user`` on the wire."""
    parts = read_blocks(message.get("content"))
    returned = bool(parts) and all(part["type"] == "tool_call_response" for part in parts)
    return {"role": "tool" if returned else text(message.get("role")) or "assistant", "parts": parts}


def read_blocks(content: object) -> list[Part]:
    """The parts of a ``content`` or ``system``: a string, or a list of blocks."""
    if isinstance(content, str):
        return [text_part(content)] if content else []
    return [part for block in seq(content) for part in _read_block(block)]


def read_tools(body: Wire) -> list[ToolDefinition]:
    """The program's own tools with their schema, Anthropic's by type and name, and MCP servers by name."""
    found: list[ToolDefinition] = []
    for item in (*seq(body.get("tools")), *({"type": "mcp", **obj(one)} for one in seq(body.get("mcp_servers")))):
        wire = obj(item)
        kind = text(wire.get("type")) or "custom"
        name = text(wire.get("name")) or text(wire.get("mcp_server_name")) or kind
        kind = {"custom": "function", "url": "mcp"}.get(kind, kind)
        found.append(tool_definition(kind, name, wire.get("description"), wire.get("input_schema")))
    return found


def read_unknown(wire: Wire) -> Part:
    """A block of a kind that the conventions do not have."""
    return other(_cleared(wire), "anthropic")


def _read_block(block: object) -> list[Part]:
    if isinstance(block, str):
        return [text_part(block)]
    wire = obj(block)
    kind = text(wire.get("type")) or "unknown"
    if kind not in _READERS:
        return [_server_result(wire) if kind.endswith("_tool_result") else read_unknown(wire)]
    parts = _READERS[kind](wire)
    beside = {name: _clear(wire[name]) for name in _BESIDE if wire.get(name)}
    if parts:
        parts[-1] = {**parts[-1], **beside}
    return parts


def _thinking(wire: Wire) -> list[Part]:
    """The thoughts; their signature says nothing. Those that are encrypted are named."""
    part = text_part(wire.get("thinking"), "reasoning")
    return [{**part, "redacted": True} if wire.get("type") == "redacted_thinking" else part]


def _media(modality: str) -> Callable[[Wire], list[Part]]:
    def read(wire: Wire) -> list[Part]:
        source = obj(wire.get("source"))
        identity, url = text(source.get("file_id")) or text(wire.get("file_id")), text(source.get("url"))
        if source.get("type") == "content":
            return read_blocks(source.get("content"))
        if source.get("type") == "text":
            return [text_part(source.get("data"))]
        if identity:
            return [by_id(identity, modality)]
        return [{"type": "uri", "modality": modality, "uri": url} if url else _blob(source, modality)]

    return read


def _blob(source: Wire, modality: str) -> Part:
    mime, data = (text(source.get(name)) or "" for name in ("media_type", "data"))
    return {"type": "blob", "modality": modality, "mime_type": mime, "content": data}


def _tool_use(wire: Wire) -> list[Part]:
    part: Part = {"type": "tool_call", "name": text(wire.get("name")) or "", "arguments": parsed(wire.get("input"))}
    return [with_id(part, wire.get("id"))]


def _tool_result(wire: Wire) -> list[Part]:
    """What a tool returned: its text where that is all there is, else parts."""
    parts = read_blocks(wire.get("content"))
    plain = all(part.keys() == {"type", "content"} and part["type"] == "text" for part in parts)
    response = "".join(str(part["content"]) for part in parts) if plain else parts
    part: Part = {"type": "tool_call_response", "response": response}
    if wire.get("is_error") is True:
        part["is_error"] = True
    return [with_id(part, wire.get("tool_use_id"))]


def _server_call(wire: Wire) -> list[Part]:
    """What the provider ran itself: searches, code, tools of MCP servers."""
    call = {name: value for name, value in wire.items() if name not in ("id", "cache_control")}
    part: Part = {"type": "server_tool_call", "name": text(wire.get("name")) or "", "server_tool_call": call}
    return [with_id(part, wire.get("id"))]


def _server_result(wire: Wire) -> Part:
    """What that returned, without what only the provider can decrypt."""
    result = {name: value for name, value in _cleared(wire).items() if name not in ("tool_use_id", "cache_control")}
    part: Part = {"type": "server_tool_call_response", "server_tool_call_response": result}
    return with_id(part, wire.get("tool_use_id"))


def _cleared(wire: Wire) -> dict[str, object]:
    return {name: _clear(value) for name, value in wire.items() if not name.startswith("encrypted_")}


def _clear(value: object) -> object:
    """Inside a block: data is a blob, of which a large one is left out."""
    items, fields = seq(value), obj(value)
    if items:
        return [_clear(item) for item in items]
    return _blob(fields, "document") if fields.get("type") == "base64" else _cleared(fields) if fields else value


_READERS: dict[str, Callable[[Wire], list[Part]]] = {
    "text": lambda wire: [text_part(wire.get("text"))],
    "image": _media("image"),
    "document": _media("document"),
    "thinking": _thinking,
    "redacted_thinking": _thinking,
    "tool_use": _tool_use,
    "tool_result": _tool_result,
    "server_tool_use": _server_call,
    "mcp_tool_use": _server_call,
    "container_upload": _media("document"),
    "compaction": lambda wire: [text_part(wire.get("content"), "compaction")],
}
