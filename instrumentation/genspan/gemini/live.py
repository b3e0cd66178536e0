"""Turns of a live session: https://ai.google.dev/api/live. Of the Gemini API and of Vertex AI, whose names differ.

A turn is what a model answers until the SDK's ``receive()`` ends; where functions are called in it, it is several
generations, each with a usage of its own. Sound, images and videos are named with their sizes and never kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from genspan.gemini import params as parameters
from genspan.gemini.parts import finished, modality, read_contents, read_message, read_parts, read_tools
from genspan.gemini.resources import error_status
from genspan.gemini.streamed_parts import StreamedParts
from genspan.gemini.usage import merged, read_usage
from genspan_semconv import attributes as names
from genspan_semconv.model import Prompt, Response, Usage, integer, obj, seq, several, text
from genspan_semconv.parts import text_part

if TYPE_CHECKING:
    from collections.abc import Iterator

    from genspan_semconv.model import Message, Params, Part, Wire

_UNSPECIFIED: Final = ("INTERACTION_STATUS_UNSPECIFIED", "TURN_COMPLETE_REASON_UNSPECIFIED")
_BLOCKED: Final = ("PROHIBITED", "SAFETY", "BLOCKLIST", "REJECTED")
_CANDIDATES: Final = ("candidatesTokenCount", "candidatesTokensDetails")
_KNOWN: Final = frozenset(
    (
        *("setupComplete", "serverContent", "toolCall", "toolCallCancellation", "usageMetadata", "goAway"),
        *("sessionResumptionUpdate", "voiceActivityDetectionSignal", "voiceActivity"),
    )
)


# What a message is. Those of the client mix two spellings of a field.


def field(message: Wire, name: str) -> object:
    """A field by its name in snake case, in whichever spelling it is there."""
    first, *rest = name.split("_")
    return message.get(name, message.get(first + "".join(word.capitalize() for word in rest)))


def asks(message: Wire) -> bool:
    """Whether a message of the client asks for an answer; of sound and video the model decides itself."""
    content = field(message, "client_content")
    return content is not None and field(obj(content), "turn_complete") is not False


def speaks(message: Wire) -> bool:
    """Whether a message of the service is a part of what the model answers."""
    content = obj(message.get("serverContent"))
    return bool(content.get("modelTurn") or content.get("outputTranscription") or message.get("toolCall"))


def tells(message: Wire) -> bool:
    """Whether a message of the service says anything of a turn but what the user has said."""
    content = obj(message.get("serverContent")).keys() - {"inputTranscription"}
    return bool(content or message.get("toolCall") or message.get("usageMetadata")) or failed(message)


def is_over(message: Wire) -> bool:
    """Whether a message of the service ends a turn: as in the SDK, a state of the interaction has the last word."""
    content = obj(message.get("serverContent"))
    status = _named(content.get("interactionStatus"))
    return status == "IDLE" if status else content.get("turnComplete") is True


def failed(message: Wire) -> bool:
    """Whether a message of the service is an error: the SDK raises for what it does not know."""
    return bool(message) and not (_KNOWN & message.keys())


def function_calls(message: Wire) -> Iterator[tuple[str, str, object]]:
    """The functions that a message of the service calls: id (or name, where it gives none), name, arguments."""
    for call in map(obj, seq(obj(message.get("toolCall")).get("functionCalls"))):
        name = text(call.get("name")) or ""
        yield text(call.get("id")) or name, name, call.get("args") or {}


def function_results(message: Wire) -> Iterator[tuple[str, Wire]]:
    """What functions gave, in a message of the client: the call's id or name, the result. Not where more is to come."""
    for result in map(obj, seq(field(obj(field(message, "tool_response")), "function_responses"))):
        if field(result, "will_continue") is not True:
            yield text(result.get("id")) or text(result.get("name")) or "", obj(result.get("response"))


def _named(value: object) -> str | None:
    name = text(value)
    return None if name in _UNSPECIFIED else name


# What is asked


class Asked:
    """What the program has sent for one turn, as the conventions' messages."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self._speech: list[Part] | None = None
        self._words: Part | None = None

    def sent(self, message: Wire) -> None:
        """Take a message of the client."""
        content, given = obj(field(message, "client_content")), obj(field(message, "realtime_input"))
        for one in read_contents(field(content, "turns")):
            self._add({**one, "parts": [_named_only(part) for part in one.get("parts", [])]})
        results = seq(field(obj(field(message, "tool_response")), "function_responses"))
        if results:
            self._add(read_message({"parts": [{"functionResponse": result} for result in results]}))
        for name in ("audio", "video", "media_chunks"):
            for blob in map(obj, several(field(given, name))):
                _add_media(self._spoken(), _media(blob))
        if text(given.get("text")):
            self._spoken().append(text_part(given["text"]))
            self._words = None

    def heard(self, transcription: Wire) -> None:
        """Take a piece of what the service has understood of the user's speech."""
        piece = text(transcription.get("text"))
        if piece and self._words is not None:
            self._words["content"] = f"{self._words['content']}{piece}"
        elif piece:
            self._words = text_part(piece)
            self._spoken().append(self._words)

    def _add(self, message: Message) -> None:
        self.messages.append(message)
        self._speech = self._words = None

    def _spoken(self) -> list[Part]:
        """The parts of what the user says just now."""
        if self._speech is None:
            self._speech = []
            self.messages.append({"role": "user", "parts": self._speech})
        return self._speech


def _add_media(parts: list[Part], part: Part) -> None:
    """Add data by its size; what goes on with the same type is one part."""
    for known in parts:
        if known["type"] == part["type"] and known.get("mime_type") == part.get("mime_type"):
            known["size"] = (integer(known["size"]) or 0) + (integer(part["size"]) or 0)
            return
    parts.append(part)


def _media(blob: Wire) -> Part:
    """Data by its kind and its size in bytes."""
    mime = text(field(blob, "mime_type"))
    part: Part = {"type": "blob_omitted", "modality": modality(mime)}
    if mime:
        part["mime_type"] = mime
    data = text(blob.get("data")) or ""
    return {**part, "size": len(data) * 3 // 4 - data.endswith("=") - data.endswith("==")}


def _named_only(part: Part) -> Part:
    if part["type"] != "blob":
        return part
    return _media({"mime_type": part.get("mime_type"), "data": part.get("content")})


def params(body: Wire) -> Params:
    """Parameters of the session: its ``generationConfig``, and labels."""
    setup = obj(body.get("setup"))
    return parameters.read(setup, field(setup, "generation_config"))


def prompt(body: Wire) -> Prompt:
    """System instruction and tools of the session, and what was sent for this turn: ``{"setup", "messages"}``."""
    setup = obj(body.get("setup"))
    messages = cast("list[Message]", list(seq(body.get("messages"))))
    system = read_parts(obj(field(setup, "system_instruction")).get("parts"))
    return Prompt(system, messages, read_tools(setup.get("tools")))


# What is answered


class Fold:
    """The turn that the messages of the service add up to.

    The usage of a generation may come with any message, or alone after it, and is cumulative: the last count of each
    kind holds. A generation begins with the model's first words after a turn's or the program's.
    """

    def __init__(self) -> None:
        self._fields: dict[str, object] = {}
        self._usage: list[dict[str, object]] = [{}]
        self._generated = False
        self._parts = StreamedParts()
        self._media: list[Part] = []

    def metadata(self, chunk: Wire) -> None:
        """Everything but what is said. ``tool_response`` is the client's, for which the model has waited."""
        content = obj(chunk.get("serverContent"))
        if speaks(chunk) and self._generated:
            self._usage.append({})
            self._generated = False
        if chunk.get("usageMetadata"):
            self._usage[-1] = merged(self._usage[-1], chunk["usageMetadata"])
        self._generated |= content.get("turnComplete") is True or field(chunk, "tool_response") is not None
        for name in ("interrupted", "turnCompleteReason"):
            if content.get(name):
                self._fields[name] = content[name]
        if is_over(chunk):
            self._fields["turnComplete"] = True
        if failed(chunk) and field(chunk, "tool_response") is None:
            self._fields["error"] = chunk.get("error") or chunk

    def content(self, chunk: Wire) -> None:
        """Texts, thoughts, function calls; the written form of what is spoken."""
        content = obj(chunk.get("serverContent"))
        for part in map(obj, seq(obj(content.get("modelTurn")).get("parts"))):
            data = part.get("inlineData")
            if data:
                _add_media(self._media, _media(obj(data)))
            else:
                self._parts.extend([part])
        spoken = text(obj(content.get("outputTranscription")).get("text"))
        if spoken:
            self._parts.extend([{"text": spoken}])
        calls = seq(obj(chunk.get("toolCall")).get("functionCalls"))
        self._parts.extend([{"functionCall": call} for call in calls])

    def data(self) -> dict[str, object]:
        """The turn: ``usage`` of each generation, ``parts`` on the wire, ``media`` by their sizes, and how it ended."""
        return {**self._fields, "usage": self._usage, "parts": self._parts.parts(), "media": self._media}


def response(data: Wire) -> Response:
    """Why the turn ended, and what its generations cost together."""
    usage: Usage | None = None
    traffic: str | None = None
    for wire in map(obj, seq(data.get("usage"))):
        given = wire.get("responseTokenCount") is not None
        one = read_usage({name: value for name, value in wire.items() if not (given and name in _CANDIDATES)})
        usage = usage + one if usage and one else one or usage
        traffic = text(wire.get("trafficType")) or traffic
    reason, error = _reason(data), obj(data.get("error"))
    return Response(
        finish_reasons=[reason] if reason else [],
        usage=usage,
        complete=reason is not None,
        error=error_status(error),
        attributes={names.GCP_GEN_AI_RESPONSE_TRAFFIC_TYPE: traffic},
    )


def _reason(data: Wire) -> str | None:
    """Why the turn ended, if it has."""
    if data.get("turnComplete") is not True:
        return None
    return "interrupted" if data.get("interrupted") else _named(data.get("turnCompleteReason")) or "stop"


def answer(data: Wire) -> list[Message]:
    """One message: what was said, sound by its size."""
    parts = [*read_parts(data.get("parts")), *cast("list[Part]", seq(data.get("media")))]
    reason = _reason(data)
    if not parts and reason in (None, "stop"):
        return []
    message: Message = {"role": "assistant", "parts": parts}
    blocked = reason is not None and any(word in reason for word in _BLOCKED)
    return [finished(message, "content_filter" if blocked else reason and reason.lower(), reason if blocked else None)]
