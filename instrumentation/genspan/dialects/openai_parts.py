"""Messages, content parts and tools of OpenAI's APIs as the conventions' messages."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from genspan_semconv.model import obj, seq, several, text, texts
from genspan_semconv.parts import by_id, by_url, plain, text_part, tool_call, tool_definition
from genspan_semconv.parts import other as any_other

if TYPE_CHECKING:
    from collections.abc import Callable

    from genspan_semconv.model import Message, Part, ToolDefinition, Wire

FINISH: Final = {
    "tool_calls": "tool_call",
    "function_call": "tool_call",
    "max_output_tokens": "length",
    "completed": "stop",
    "failed": "error",
}
"""The conventions' finish reason of a message, where OpenAI's word is another."""

REASONING: Final = ("reasoning_content", "reasoning", "reasoning_text", "thinking")
"""Where compatible servers have an answer's reasoning as text, beside its content."""

_BESIDE_CONTENT: Final = frozenset((*REASONING, "reasoning_details", "annotations", "images", "refusal", "audio"))
_SPEAKERS: Final = frozenset(("system", "developer", "user", "assistant"))

_MIME: Final = {"mp3": "audio/mpeg"}


def read_message(message: Wire) -> Message:
    """One chat message, of a request or of an answer."""
    role, content = text(message.get("role")) or "assistant", message.get("content")
    if len(message) == 2 and "role" in message and type(content) is str and content and role in _SPEAKERS:  # most
        return {"role": role, "parts": [{"type": "text", "content": content}]}
    identity = text(message.get("tool_call_id"))
    if identity or role in ("tool", "function"):
        part: Part = {"type": "tool_call_response", "response": content if type(content) is str else plain(content)}
        if identity:
            part["id"] = identity
        elif message.get("name"):
            part["name"] = message["name"]
        return {"role": "tool", "parts": [part]}
    parts = read_parts(content)
    if not _BESIDE_CONTENT.isdisjoint(message):
        _read_beside(message, parts)
    calls = several(message.get("tool_calls"))
    if message.get("function_call"):
        calls = (*calls, {"function": message["function_call"]})
    if calls:
        parts += [called for call in calls if (called := _read_call(obj(call))) is not None]
    return {"role": role, "parts": parts}


def _read_beside(message: Wire, parts: list[Part]) -> None:
    """Put what stands in a message beside its content and its calls to the parts."""
    if message.get("annotations"):
        _annotate(parts, message["annotations"])
    thoughts = _reasoning(message)
    if thoughts:
        parts.insert(0, text_part(thoughts, "reasoning"))
    if message.get("images"):
        parts += [read_image(image) for image in several(message["images"])]
    if text(message.get("refusal")):
        parts.append(text_part(message["refusal"], "refusal"))
    if message.get("audio"):
        parts += _spoken(obj(message["audio"]))


def read_parts(content: object) -> list[Part]:
    """The parts of a ``content``: a string, or a list of parts. Token numbers say nothing."""
    if isinstance(content, str):
        return [text_part(content)] if content else []
    wires = ((part, obj(part)) for part in several(content))
    return [_read_part(wire) if wire else text_part(part) for part, wire in wires if wire or text(part)]


def said_by_user(content: object) -> list[Message]:
    """Messages of the user: one per text, or one of all parts."""
    strings = [[text_part(item)] for item in texts(content) if item]
    return [{"role": "user", "parts": parts} for parts in strings or [read_parts(content)] if parts]


def read_tools(tools: object, functions: object = None) -> list[ToolDefinition]:
    """Tool definitions; a function's stand one level down in chat completions. ``functions`` is the older form."""
    found: list[ToolDefinition] = []
    for item in (*seq(tools), *({"function": function} for function in seq(functions))):
        wire = obj(item)
        kind = text(wire.get("type")) or "function"
        inner = obj(wire.get(kind)) or wire
        name = text(inner.get("name")) or text(wire.get("server_label")) or kind
        found.append(tool_definition(kind, name, inner.get("description"), obj(inner.get("parameters"))))
    return found


def other(wire: Wire) -> Part:
    """A part of a kind that we do not know."""
    return any_other(wire, "openai")


def _read_part(wire: Wire) -> Part:
    return _READERS.get(text(wire.get("type")) or "", other)(wire)


def _read_call(call: Wire) -> Part | None:
    """A tool call of chat completions; nothing where an empty one is sent with every message, as some servers do."""
    function = obj(call.get("function")) or obj(call.get("custom")) or call
    name, identity = text(function.get("name")), call.get("id")
    return tool_call(name, function.get("arguments", function.get("input")), identity) if name or identity else None


def reasoning_details(details: object) -> str:
    """The text of ``reasoning_details`` (OpenRouter, MiniMax): reasoning, or summaries of it; nothing of encrypted."""
    wires = [obj(item) for item in several(details)]
    return "".join(text(wire.get("text")) or text(wire.get("summary")) or "" for wire in wires)


def _reasoning(message: Wire) -> str:
    for name in REASONING:
        if message.get(name):
            return str(plain(message[name]))
    return reasoning_details(message["reasoning_details"]) if message.get("reasoning_details") else ""


def _annotate(parts: list[Part], annotations: object) -> None:
    """Put the sources that a text cites beside it."""
    for part in reversed(parts):
        if part["type"] == "text":
            part["annotations"] = annotations
            return


def read_image(image: object) -> Part:
    """An image that a model drew: a part as in a request, or its data or URL."""
    wire = obj(image)
    data = text(wire.get("b64_json"))
    url = text(image) or text(wire.get("url")) or (f"data:image/png;base64,{data}" if data else None)
    return by_url(url, "image") if url else _read_part(wire)


def _spoken(audio: Wire) -> list[Part]:
    """The transcript of spoken answers, and the sound, whose format only the request says."""
    transcript, data, identity = text(audio.get("transcript")), text(audio.get("data")), text(audio.get("id"))
    parts = [text_part(transcript)] if transcript else []
    if data:
        parts.append({"type": "blob", "modality": "audio", "content": data})
    elif identity and not transcript:
        parts.append(by_id(identity, "audio"))
    return parts


def _text(wire: Wire) -> Part:
    part = text_part(wire.get("text"))
    if wire.get("annotations"):
        part["annotations"] = wire["annotations"]
    return part


def _thinking(wire: Wire) -> Part:
    thinking = wire.get("thinking")
    return text_part(thinking if isinstance(thinking, str) else str(plain(thinking) or ""), "reasoning")


def _media(modality: str, wire: Wire) -> Part:
    holder = wire.get(text(wire.get("type")) or "")
    url = text(holder) or text(obj(holder).get("url")) or text(wire.get("image_url")) or ""
    identity = text(wire.get("file_id"))
    return by_url(url, modality) if url or not identity else by_id(identity, modality)


def _audio(wire: Wire) -> Part:
    if text(wire.get("transcript")):  # realtime sessions transcribe sound
        return text_part(wire["transcript"])
    audio = obj(wire.get("input_audio"))
    kind = text(audio.get("format")) or "wav"
    mime = _MIME.get(kind, f"audio/{kind}")
    return {"type": "blob", "modality": "audio", "mime_type": mime, "content": text(audio.get("data")) or ""}


def _file(wire: Wire) -> Part:
    file = obj(wire.get("file")) or wire
    identity, data, url = (text(file.get(name)) for name in ("file_id", "file_data", "file_url"))
    if data and not data.startswith("data:"):
        data = f"data:;base64,{data}"
    return by_id(identity, "document") if identity else by_url(data or url or "", "document")


_READERS: dict[str, Callable[[Wire], Part]] = {
    **dict.fromkeys(("text", "input_text", "output_text"), _text),
    "refusal": lambda wire: text_part(wire.get("refusal"), "refusal"),
    "thinking": _thinking,
    **dict.fromkeys(("image_url", "input_image"), partial(_media, "image")),
    "video_url": partial(_media, "video"),
    "document_url": partial(_media, "document"),
    **dict.fromkeys(("audio", "input_audio", "output_audio"), _audio),
    **dict.fromkeys(("file", "input_file"), _file),
}
