"""Gemini's contents as the conventions' messages: https://ai.google.dev/api/caching#Content.

Requests of the SDK mix two spellings of a field (``inlineData`` and ``inline_data``); responses use the first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from genspan_semconv.model import obj, seq, several, text
from genspan_semconv.parts import OWN, tool_definition, with_id

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from genspan_semconv.model import Message, Part, ToolDefinition

    Wire = Mapping[str, object]


def read_contents(contents: object) -> list[Message]:
    """The messages of ``contents``: a list of contents, or one content."""
    return [read_message(obj(item)) for item in several(contents)]


def read_message(content: Wire) -> Message:
    """One content. What a function returned is a tool's message, though Gemini gives it the user's role."""
    parts = read_parts(content.get("parts"))
    role = text(content.get("role")) or "user"
    if parts and parts[0]["type"] == "tool_call_response" and all(part["type"] == parts[0]["type"] for part in parts):
        role = "tool"
    return {"role": "assistant" if role == "model" else role, "parts": parts}


def read_parts(parts: object) -> list[Part]:
    """The parts that say something; a bare thought signature does not."""
    return [part for item in several(parts) if (part := _read_part(obj(item))) is not None]


def read_tools(tools: object) -> list[ToolDefinition]:
    """Tool definitions: each declared function, and the server's own tools by their kind."""
    found: list[ToolDefinition] = []
    for item in seq(tools):
        for kind, value in obj(item).items():
            if kind in ("functionDeclarations", "function_declarations"):
                found.extend(_function(obj(declaration)) for declaration in seq(value))
            else:
                found.append({"type": kind, "name": kind})
    return found


def _function(declaration: Wire) -> ToolDefinition:
    spellings = ("parameters", "parametersJsonSchema", "parameters_json_schema")
    parameters = [declaration[spelling] for spelling in spellings if declaration.get(spelling)]
    name = text(declaration.get("name")) or ""
    return tool_definition("function", name, declaration.get("description"), parameters[-1] if parameters else None)


def _read_part(part: Wire) -> Part | None:
    string = part.get("text")
    if isinstance(string, str):
        if not string and len(part) > 1:
            return None  # an empty text carries only a signature
        return {"type": "reasoning" if part.get("thought") is True else "text", "content": string}
    for key, value in part.items():
        reader = _READERS.get(key)
        if reader is not None:
            return reader(obj(value))
    for key, value in part.items():
        if key not in _BESIDE:
            return {"type": f"gemini_{key}" if key in OWN else key, "content": value}
    return None


def _blob(value: Wire) -> Part:
    mime = text(value.get("mimeType") or value.get("mime_type"))
    data = text(value.get("data")) or ""
    if "-" in data or "_" in data:  # requests of the SDK use the alphabet of URLs, which no data URL may
        data = data.replace("-", "+").replace("_", "/")
    return _with_mime({"type": "blob", "modality": modality(mime), "content": data}, mime)


def _uri(value: Wire) -> Part:
    mime = text(value.get("mimeType") or value.get("mime_type"))
    uri = text(value.get("fileUri") or value.get("file_uri")) or ""
    return _with_mime({"type": "uri", "modality": modality(mime), "uri": uri}, mime)


def _call(value: Wire) -> Part:
    part: Part = {"type": "tool_call", "name": text(value.get("name")) or "", "arguments": value.get("args") or {}}
    return with_id(part, value.get("id"))


def _result(value: Wire) -> Part:
    part: Part = {"type": "tool_call_response", "response": value.get("response")}
    if value.get("name"):
        part["name"] = value["name"]
    media = read_parts(value.get("parts"))
    if media:
        part["parts"] = media
    return with_id(part, value.get("id"))


def _server_call(kind: str) -> Callable[[Wire], Part]:
    def read(value: Wire) -> Part:
        name = text(value.get("toolType") or value.get("tool_type")) or kind
        part: Part = {"type": "server_tool_call", "name": name, "server_tool_call": {"type": kind, **value}}
        return with_id(part, value.get("id"))

    return read


def _server_result(kind: str) -> Callable[[Wire], Part]:
    def read(value: Wire) -> Part:
        part: Part = {"type": "server_tool_call_response", "server_tool_call_response": {"type": kind, **value}}
        return with_id(part, value.get("id"))

    return read


def _with_mime(part: Part, mime: str | None) -> Part:
    if mime:
        part["mime_type"] = mime
    return part


def modality(mime: str | None) -> str:
    """The conventions' modality of a MIME type."""
    kind = (mime or "").partition("/")[0]
    return kind if kind in ("image", "audio", "video") else "document"


_READERS: dict[str, Callable[[Wire], Part]] = {
    "inlineData": _blob,
    "inline_data": _blob,
    "fileData": _uri,
    "file_data": _uri,
    "functionCall": _call,
    "function_call": _call,
    "functionResponse": _result,
    "function_response": _result,
    "executableCode": _server_call("code_execution"),
    "executable_code": _server_call("code_execution"),
    "codeExecutionResult": _server_result("code_execution"),
    "code_execution_result": _server_result("code_execution"),
    "toolCall": _server_call("tool"),
    "toolResponse": _server_result("tool"),
}
# Fields that stand beside a part's content and say something about it.
_BESIDE = frozenset(
    ("thought", "thoughtSignature", "thought_signature", "videoMetadata", "video_metadata", "mediaResolution")
)


def merge(parts: list[object], more: object) -> None:
    """Append the parts of a chunk; text that goes on is gathered and joined once, by ``joined``."""
    for part in seq(more):
        wire = obj(part)
        piece = wire.get("text")
        if not isinstance(piece, str):
            parts.append(wire)
            continue
        last = parts[-1] if parts else None
        if not isinstance(last, _Text) or last.thought is not wire.get("thought"):
            last = _Text(wire.get("thought"))
            parts.append(last)
        last.pieces.append(piece)


def joined(parts: list[object]) -> list[object]:
    """The gathered parts as wire JSON."""
    return [part.part() if isinstance(part, _Text) else part for part in parts]


class _Text:
    """A text part that is still growing."""

    __slots__ = ("pieces", "thought")

    def __init__(self, thought: object) -> None:
        self.thought = thought
        self.pieces: list[str] = []

    def part(self) -> dict[str, object]:
        part: dict[str, object] = {"text": "".join(self.pieces)}
        if self.thought is not None:
            part["thought"] = self.thought
        return part
