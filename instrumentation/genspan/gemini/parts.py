"""Gemini's contents as the conventions' messages: https://ai.google.dev/api/caching#Content.

Requests of the SDK mix two spellings of a field (``inlineData`` and ``inline_data``); responses use the first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from genspan.gemini.streamed_parts import join_pieces
from genspan_semconv.model import obj, seq, several, text
from genspan_semconv.parts import OWN, server_tool_call, text_part, tool_call, tool_definition, with_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from genspan_semconv.model import Message, Part, ToolDefinition, Wire


def read_contents(contents: object) -> list[Message]:
    """The messages of ``contents``: a list of contents, or one content."""
    return [read_message(obj(item)) for item in join_pieces(several(contents))]


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


def finished(message: Message, reason: str | None, explanation: object = None) -> Message:
    """The message with why it ended: a finish reason of the conventions, and the provider's words if it gave some."""
    if reason:
        message["finish_reason"] = reason
    if text(explanation):
        message["finish_message"] = str(explanation)
    return message


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
        return text_part(string, "reasoning" if part.get("thought") is True else "text")
    for key, value in part.items():
        reader = _READERS.get(key)
        if reader is not None:
            return reader(obj(value))
    for key, value in part.items():
        if key not in _BESIDE:
            return {"type": f"gemini_{key}" if key in OWN else key, "content": value}
    return None


def media(mime: str | None, data: str | None, uri: str | None, kind: str | None = None) -> Part:
    """A part for an image, a video, a sound or a document: ``data`` in base64, or where it is."""
    part: Part = {"type": "blob" if data else "uri", "modality": kind or modality(mime)}
    if mime:
        part["mime_type"] = mime
    if data and ("-" in data or "_" in data):  # requests of the SDK use the alphabet of URLs, which no data URL may
        data = data.replace("-", "+").replace("_", "/")
    return {**part, "content": data} if data else {**part, "uri": uri or ""}


def _media(value: Wire) -> Part:
    mime = text(value.get("mimeType") or value.get("mime_type"))
    return media(mime, text(value.get("data")), text(value.get("fileUri") or value.get("file_uri")))


def _call(value: Wire) -> Part:
    return tool_call(value.get("name"), value.get("args") or {}, value.get("id"))


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
        return server_tool_call(name, {"type": kind, **value})

    return read


def _server_result(kind: str) -> Callable[[Wire], Part]:
    def read(value: Wire) -> Part:
        part: Part = {"type": "server_tool_call_response", "server_tool_call_response": {"type": kind, **value}}
        return with_id(part, value.get("id"))

    return read


def modality(mime: str | None) -> str:
    """The conventions' modality of a MIME type."""
    kind = (mime or "").partition("/")[0]
    return kind if kind in ("image", "audio", "video") else "document"


_READERS: dict[str, Callable[[Wire], Part]] = {
    "inlineData": _media,
    "inline_data": _media,
    "fileData": _media,
    "file_data": _media,
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
