"""Messages, content parts and tools of OpenAI's APIs as the conventions' messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genspan_semconv.model import obj, parsed, seq, text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from genspan_semconv.model import Message, Part, ToolDefinition

    Wire = Mapping[str, object]

FINISH = {
    "tool_calls": "tool_call",
    "function_call": "tool_call",
    "max_output_tokens": "length",
    "completed": "stop",
    "failed": "error",
}
"""The conventions' finish reason of a message, where OpenAI's word is another."""

_CALLS = ("tool_call", "tool_call_response", "server_tool_call", "server_tool_call_response")
_TAKEN = frozenset(("text", "reasoning", "blob", "uri", "file", "compaction", *_CALLS))
_AUDIO = {"mp3": "audio/mpeg", "wav": "audio/wav"}


def read_message(message: Wire) -> Message:
    """One chat message, of a request or of an answer."""
    role = text(message.get("role")) or "assistant"
    identity = text(message.get("tool_call_id"))
    if identity or role in ("tool", "function"):
        part: Part = {"type": "tool_call_response", "response": _plain(message.get("content"))}
        if identity:
            part["id"] = identity
        elif message.get("name"):
            part["name"] = message["name"]
        return {"role": "tool", "parts": [part]}
    parts = [_reasoning(thought) for thought in _thoughts(message)]
    parts += read_parts(message.get("content"))
    refusal = text(message.get("refusal"))
    if refusal:
        parts.append({"type": "refusal", "content": refusal})
    parts += _audio_answer(obj(message.get("audio")))
    calls = [*seq(message.get("tool_calls")), {"function": message.get("function_call")}]
    parts += [called for call in calls if (called := read_call(obj(call))) is not None]
    return {"role": role, "parts": parts}


def read_parts(content: object) -> list[Part]:
    """The parts of a ``content``: a string, or a list of parts."""
    if isinstance(content, str):
        return [{"type": "text", "content": content}] if content else []
    return [_read_part(part) for part in seq(content)]


def read_call(call: Wire) -> Part | None:
    """A tool call of chat completions; nothing where an empty one is sent with every message, as some servers do."""
    function = obj(call.get("function")) or obj(call.get("custom"))
    name = text(function.get("name"))
    if not name and not call.get("id"):
        return None
    return tool_call(name, function.get("arguments", function.get("input")), call.get("id"))


def tool_call(name: object, arguments: object, identity: object) -> Part:
    """A tool call with its arguments as an object where they are JSON."""
    part: Part = {"type": "tool_call", "name": text(name) or "", "arguments": parsed(arguments)}
    if text(identity):
        part["id"] = identity
    return part


def read_tools(tools: object, functions: object = None) -> list[ToolDefinition]:
    """Tool definitions; a function's stand one level down in chat completions. ``functions`` is the older form."""
    found: list[ToolDefinition] = []
    for item in (*seq(tools), *({"function": function} for function in seq(functions))):
        wire = obj(item)
        kind = text(wire.get("type")) or "function"
        inner = obj(wire.get(kind)) or wire
        tool: ToolDefinition = {"type": kind, "name": text(inner.get("name")) or text(wire.get("server_label")) or kind}
        description = text(inner.get("description"))
        if description:
            tool["description"] = description
        if obj(inner.get("parameters")):
            tool["parameters"] = inner["parameters"]
        found.append(tool)
    return found


def _thoughts(message: Wire) -> list[str]:
    """Reasoning beside the content, as compatible servers spell it."""
    for name in ("reasoning_content", "reasoning"):
        found = text(message.get(name))
        if found:
            return [found]
    return []


def _reasoning(content: str) -> Part:
    return {"type": "reasoning", "content": content}


def _plain(content: object) -> object:
    """A tool's result: its text where that is all there is."""
    parts = [obj(part) for part in seq(content)]
    texts = [part["text"] for part in parts if isinstance(part.get("text"), str)]
    return "".join(map(str, texts)) if parts and len(texts) == len(parts) else content


def _read_part(part: object) -> Part:
    if isinstance(part, str):
        return {"type": "text", "content": part}
    wire = obj(part)
    kind = text(wire.get("type")) or "unknown"
    return _READERS.get(kind, other)(wire)


def other(wire: Wire) -> Part:
    """A part of a kind that we do not know, as it is; the conventions' own kinds say what else is in a part."""
    kind = text(wire.get("type")) or "unknown"
    return {**wire, "type": f"openai_{kind}" if kind in _TAKEN else kind}


def _text(wire: Wire) -> Part:
    return {"type": "text", "content": text(wire.get("text")) or ""}


def _refusal(wire: Wire) -> Part:
    return {"type": "refusal", "content": text(wire.get("refusal")) or ""}


def _thinking(wire: Wire) -> Part:
    thinking = wire.get("thinking")
    return _reasoning(thinking if isinstance(thinking, str) else str(_plain(thinking) or ""))


def _media(modality: str) -> Callable[[Wire], Part]:
    def read(wire: Wire) -> Part:
        holder = wire.get(text(wire.get("type")) or "")
        url = text(holder) or text(obj(holder).get("url")) or text(wire.get("image_url")) or ""
        identity = text(wire.get("file_id"))
        return by_url(url, modality) if url or not identity else _by_id(identity, modality)

    return read


def by_url(url: str, modality: str) -> Part:
    """A part for a URL, or for the data inside a data URL."""
    if not url.startswith("data:"):
        return {"type": "uri", "modality": modality, "uri": url}
    comma = url.find(",", 0, 256)
    mime = url[5:comma].partition(";")[0]
    return {"type": "blob", "modality": modality, "mime_type": mime, "content": url[comma + 1 :]}


def _by_id(identity: str, modality: str) -> Part:
    return {"type": "file", "modality": modality, "file_id": identity}


def _audio(wire: Wire) -> Part:
    audio = obj(wire.get("input_audio"))
    if text(wire.get("transcript")):  # realtime sessions write down what was said
        return {"type": "text", "content": wire["transcript"]}
    kind = text(audio.get("format")) or "wav"
    mime = _AUDIO.get(kind, f"audio/{kind}")
    return {"type": "blob", "modality": "audio", "mime_type": mime, "content": text(audio.get("data")) or ""}


def _audio_answer(audio: Wire) -> list[Part]:
    """The transcript of spoken answers, and the sound, whose format only the request says."""
    transcript, data, identity = text(audio.get("transcript")), text(audio.get("data")), text(audio.get("id"))
    parts: list[Part] = [{"type": "text", "content": transcript}] if transcript else []
    if data:
        parts.append({"type": "blob", "modality": "audio", "content": data})
    elif identity and not transcript:
        parts.append(_by_id(identity, "audio"))
    return parts


def _file(wire: Wire) -> Part:
    file = obj(wire.get("file")) or wire
    identity, data, url = (text(file.get(name)) for name in ("file_id", "file_data", "file_url"))
    if identity:
        return _by_id(identity, "document")
    if data:
        return by_url(data if data.startswith("data:") else f"data:;base64,{data}", "document")
    return by_url(url or "", "document")


_READERS: dict[str, Callable[[Wire], Part]] = {
    "text": _text,
    "input_text": _text,
    "output_text": _text,
    "refusal": _refusal,
    "thinking": _thinking,
    "image_url": _media("image"),
    "input_image": _media("image"),
    "video_url": _media("video"),
    "document_url": _media("document"),
    "input_audio": _audio,
    "output_audio": _audio,
    "audio": _audio,
    "file": _file,
    "input_file": _file,
}
