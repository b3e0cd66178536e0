"""Parts of messages in the conventions' JSON shape, as the converters of all providers make them.

https://github.com/open-telemetry/semantic-conventions-genai: the schemas of ``gen_ai.input.messages`` and
``gen_ai.output.messages``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from genspan_semconv.model import obj, parsed, seq, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from genspan_semconv.model import Part, ToolDefinition

OWN: Final = frozenset(
    (
        *("text", "reasoning", "blob", "uri", "file", "compaction"),
        *("tool_call", "tool_call_response", "server_tool_call", "server_tool_call_response"),
    )
)
"""The conventions' own kinds, which say what else is in a part."""


def text_part(content: object, kind: str = "text") -> Part:
    """What somebody says; ``kind`` may be ``reasoning`` or ``refusal``."""
    return {"type": kind, "content": text(content) or ""}


def tool_call(name: object, arguments: object, identity: object = None) -> Part:
    """A call of the program's tool, with its arguments as an object where they are JSON."""
    return with_id({"type": "tool_call", "name": text(name) or "", "arguments": parsed(arguments)}, identity)


def server_tool_call(name: object, call: Mapping[str, object]) -> Part:
    """A call of a tool that the provider runs itself."""
    return with_id({"type": "server_tool_call", "name": text(name) or "", "server_tool_call": call}, call.get("id"))


def tool_definition(kind: str, name: str, description: object, parameters: object) -> ToolDefinition:
    """A tool of a request, with what is said of it."""
    tool: ToolDefinition = {"type": kind, "name": name}
    if text(description):
        tool["description"] = str(description)
    if parameters:
        tool["parameters"] = parameters
    return tool


def by_url(url: str, modality: str) -> Part:
    """A part for a URL, or for the data inside a data URL."""
    if not url.startswith("data:"):
        return {"type": "uri", "modality": modality, "uri": url}
    comma = url.find(",", 0, 256)
    mime = url[5:comma].partition(";")[0]
    return {"type": "blob", "modality": modality, "mime_type": mime, "content": url[comma + 1 :]}


def by_id(identity: str, modality: str) -> Part:
    """A part for a file that the provider keeps."""
    return {"type": "file", "modality": modality, "file_id": identity}


def with_id(part: Part, identity: object) -> Part:
    """The part, with its id if it has one."""
    if text(identity):
        part["id"] = identity
    return part


def other(wire: Mapping[str, object], provider: str) -> Part:
    """A part of a kind that is not known, as it is."""
    kind = text(wire.get("type")) or "unknown"
    return {**wire, "type": f"{provider}_{kind}" if kind in OWN else kind}


def plain(content: object) -> object:
    """Parts of the wire as one text where they are nothing else; else what they are."""
    if isinstance(content, str):
        return content
    parts = [obj(part) for part in seq(content)]
    texts = [part["text"] for part in parts if isinstance(part.get("text"), str)]
    return "".join(map(str, texts)) if parts and len(texts) == len(parts) else content


class Pieces(dict[str, list[str]]):
    """Strings that grow piece by piece, by name; joined once, at the end."""

    def put(self, name: str, piece: object) -> None:
        """Add a piece, if it is one."""
        if isinstance(piece, str) and piece:
            self.setdefault(name, []).append(piece)

    def joined(self) -> dict[str, object]:
        """The strings."""
        return {name: "".join(pieces) for name, pieces in self.items()}
