"""Content blocks, messages and tools of Anthropic's API as the conventions' messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genspan_semconv.model import obj, seq, text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from genspan_semconv.model import Message, Part, ToolDefinition

    Wire = Mapping[str, object]

FINISH = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_call",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "content_filter",
}
"""The conventions' finish reason of a message, where Anthropic's word is another."""

_BESIDE = ("cache_control", "citations", "title", "context")
"""Of a block, what is kept beside the fields of its part."""


def read_message(message: Wire) -> Message:
    """One message, of a request or of an answer. What tools returned is said by ``user`` on the wire."""
    parts = read_blocks(message.get("content"))
    returned = bool(parts) and all(part["type"] == "tool_call_response" for part in parts)
    return {"role": "tool" if returned else text(message.get("role")) or "assistant", "parts": parts}


def read_blocks(content: object) -> list[Part]:
    """The parts of a ``content`` or ``system``: a string, or a list of blocks."""
    if isinstance(content, str):
        return [{"type": "text", "content": content}] if content else []
    return [part for block in seq(content) for part in _read_block(block)]


def read_tools(body: Wire) -> list[ToolDefinition]:
    """The program's own tools with their schema, Anthropic's by type and name, and MCP servers by name."""
    found: list[ToolDefinition] = []
    for item in (*seq(body.get("tools")), *({"type": "mcp", **obj(one)} for one in seq(body.get("mcp_servers")))):
        wire = obj(item)
        kind = text(wire.get("type")) or "custom"
        own = kind == "custom"
        name = text(wire.get("name")) or text(wire.get("mcp_server_name")) or kind
        tool: ToolDefinition = {"type": "function" if own else "mcp" if kind == "url" else kind, "name": name}
        description = text(wire.get("description"))
        if description:
            tool["description"] = description
        if wire.get("input_schema"):
            tool["parameters"] = wire["input_schema"]
        found.append(tool)
    return found


def _read_block(block: object) -> list[Part]:
    if isinstance(block, str):
        return [{"type": "text", "content": block}]
    wire = obj(block)
    kind = text(wire.get("type")) or "unknown"
    parts = _READERS.get(kind, _server_result if kind.endswith("_tool_result") else _other)(wire)
    beside = {name: wire[name] for name in _BESIDE if wire.get(name)}
    if parts and beside and kind in _READERS:
        parts[-1] = {**parts[-1], **beside}
    return parts


def _other(wire: Wire) -> list[Part]:
    return [{**wire, "type": text(wire.get("type")) or "unknown"}]


def _thinking(wire: Wire) -> list[Part]:
    """The thoughts; their signature says nothing. Those that are encrypted are named."""
    part: Part = {"type": "reasoning", "content": text(wire.get("thinking")) or ""}
    return [{**part, "redacted": True} if wire.get("type") == "redacted_thinking" else part]


def _media(modality: str) -> Callable[[Wire], list[Part]]:
    def read(wire: Wire) -> list[Part]:
        source = obj(wire.get("source"))
        identity, url = text(source.get("file_id")) or text(wire.get("file_id")), text(source.get("url"))
        if source.get("type") == "content":
            return read_blocks(source.get("content"))
        if source.get("type") == "text":
            return [{"type": "text", "content": text(source.get("data")) or ""}]
        if identity:
            return [{"type": "file", "modality": modality, "file_id": identity}]
        if url:
            return [{"type": "uri", "modality": modality, "uri": url}]
        data, mime = text(source.get("data")) or "", text(source.get("media_type")) or ""
        return [{"type": "blob", "modality": modality, "mime_type": mime, "content": data}]

    return read


def _tool_use(wire: Wire) -> list[Part]:
    part: Part = {"type": "tool_call", "name": text(wire.get("name")) or "", "arguments": wire.get("input")}
    return [_named(part, wire.get("id"))]


def _tool_result(wire: Wire) -> list[Part]:
    """What a tool returned: its text where that is all there is, else parts."""
    content = wire.get("content")
    parts = read_blocks(content)
    plain = all(part.keys() == {"type", "content"} and part["type"] == "text" for part in parts)
    said = "".join(str(part["content"]) for part in parts) if plain else parts
    part: Part = {"type": "tool_call_response", "response": said}
    if wire.get("is_error") is True:
        part["is_error"] = True
    return [_named(part, wire.get("tool_use_id"))]


def _server_call(wire: Wire) -> list[Part]:
    """What the provider ran itself: searches, code, tools of MCP servers."""
    call = {name: value for name, value in wire.items() if name not in ("id", "cache_control")}
    part: Part = {"type": "server_tool_call", "name": text(wire.get("name")) or "", "server_tool_call": call}
    return [_named(part, wire.get("id"))]


def _server_result(wire: Wire) -> list[Part]:
    """What that returned, without what only the provider can decrypt."""
    result = {name: _clear(value) for name, value in wire.items() if name not in ("tool_use_id", "cache_control")}
    return [_named({"type": "server_tool_call_response", "server_tool_call_response": result}, wire.get("tool_use_id"))]


def _clear(value: object) -> object:
    items, fields = seq(value), obj(value)
    if items:
        return [_clear(item) for item in items]
    return {name: item for name, item in fields.items() if not name.startswith("encrypted_")} if fields else value


def _named(part: Part, identity: object) -> Part:
    return {**part, "id": identity} if text(identity) else part


_READERS: dict[str, Callable[[Wire], list[Part]]] = {
    "text": lambda wire: [{"type": "text", "content": text(wire.get("text")) or ""}],
    "image": _media("image"),
    "document": _media("document"),
    "thinking": _thinking,
    "redacted_thinking": _thinking,
    "tool_use": _tool_use,
    "tool_result": _tool_result,
    "server_tool_use": _server_call,
    "mcp_tool_use": _server_call,
    "container_upload": _media("document"),
    "compaction": lambda wire: [{"type": "compaction", "content": text(wire.get("content")) or ""}],
}
