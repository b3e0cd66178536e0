"""``generateContent`` and ``streamGenerateContent``: https://ai.google.dev/api/generate-content."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from genspan.gemini import params as parameters
from genspan.gemini.parts import finished, read_contents, read_message, read_parts, read_tools
from genspan.gemini.streamed_parts import StreamedParts
from genspan.gemini.usage import merged, read_usage
from genspan_semconv import attributes as names
from genspan_semconv.model import Prompt, Response, integer, obj, seq, text

if TYPE_CHECKING:
    from genspan_semconv.model import Message, Params, Wire

BLOCKED: Final = "content_filter"
"""The conventions' finish reason of an answer that was kept back."""

# The conventions' enum of finish reasons; what is not here is shown in lower case.
_FINISH: Final = {
    "MAX_TOKENS": "length",
    "SAFETY": BLOCKED,
    "RECITATION": BLOCKED,
    "BLOCKLIST": BLOCKED,
    "PROHIBITED_CONTENT": BLOCKED,
    "SPII": BLOCKED,
    "IMAGE_SAFETY": BLOCKED,
    "IMAGE_PROHIBITED_CONTENT": BLOCKED,
    "IMAGE_RECITATION": BLOCKED,
    "MODEL_ARMOR": BLOCKED,
}
_FINISHED: Final = frozenset(("finishReason", "finishMessage"))
_FIELDS: Final = frozenset(("responseId", "modelVersion", "promptFeedback", "error"))


def params(body: Wire) -> Params:
    """Parameters, from ``generationConfig``, and labels."""
    return parameters.read(body, body.get("generationConfig") or body.get("generation_config"))


def response(data: Wire) -> Response:
    """Model, id, finish reasons and usage; an error or a block reported inside the response."""
    candidates = [obj(candidate) for candidate in seq(data.get("candidates"))]
    reasons = [_reason(candidate.get("finishReason")) for candidate in candidates]
    blocked = _reason(obj(data.get("promptFeedback")).get("blockReason"))
    if blocked and not candidates:
        reasons = [blocked]
    error, usage = obj(data.get("error")), obj(data.get("usageMetadata"))
    return Response(
        id=text(data.get("responseId")),
        model=text(data.get("modelVersion")),
        finish_reasons=[reason for reason in reasons if reason],
        usage=read_usage(usage),
        complete=bool(reasons) and all(reasons),
        error=text(error.get("status")) or _reason(error.get("code")) if error else None,
        attributes={names.GCP_GEN_AI_RESPONSE_TRAFFIC_TYPE: _reason(usage.get("trafficType"))},
    )


def _reason(value: object) -> str | None:
    """The reason as it is on the wire: a name, seldom the number of one."""
    return text(value) or (str(value) if integer(value) else None)


def prompt(body: Wire) -> Prompt:
    """System instruction, contents and tools."""
    system = body.get("systemInstruction") or body.get("system_instruction")
    return Prompt(
        system=read_parts(obj(system).get("parts")) if system else [],
        messages=read_contents(body.get("contents")),
        tools=read_tools(body.get("tools")),
    )


def answer(data: Wire) -> list[Message]:
    """One message per candidate, or one that says why the prompt was blocked."""
    messages: list[Message] = []
    for item in seq(data.get("candidates")):
        candidate = obj(item)
        message = read_message({"role": "model", **obj(candidate.get("content"))})
        reason = _reason(candidate.get("finishReason"))
        if reason == "STOP":
            called = any(part["type"] == "tool_call" for part in message.get("parts", ()))
            finished(message, "tool_call" if called else "stop")  # its message says "Model generated function call(s)."
        elif reason:
            finished(message, _FINISH.get(reason, reason.lower()), candidate.get("finishMessage"))
        if message.get("parts") or reason:
            messages.append(message)
    feedback = obj(data.get("promptFeedback"))
    reason = _reason(feedback.get("blockReason"))
    if reason and not messages:
        blocked: Message = {"role": "assistant", "parts": []}
        messages.append(finished(blocked, BLOCKED, feedback.get("blockReasonMessage") or reason))
    return messages


class Fold:
    """The response that the chunks of a stream add up to. Usage is cumulative."""

    def __init__(self) -> None:
        self._fields: dict[str, object] = {}
        self._candidates: dict[int, dict[str, object]] = {}
        self._parts: dict[int, StreamedParts] = {}

    def metadata(self, chunk: Wire) -> None:
        """Everything but parts. The id is the first chunk's, as in the response that the SDK gives."""
        fields = self._fields
        for name, value in chunk.items():
            if name == "usageMetadata":
                fields[name] = merged(fields.get(name), value)
            elif value and name in _FIELDS and (name != "responseId" or name not in fields):
                fields[name] = value
        for item in seq(chunk.get("candidates")):
            candidate = obj(item)
            index = _index(candidate)
            known = self._candidates.get(index)
            if known is None:
                known = self._candidates[index] = {}
            if not _FINISHED.isdisjoint(candidate):
                known.update((field, candidate[field]) for field in _FINISHED if candidate.get(field))

    def content(self, chunk: Wire) -> None:
        """The parts of each candidate."""
        for item in seq(chunk.get("candidates")):
            candidate = obj(item)
            index = _index(candidate)
            if index not in self._parts:
                self._parts[index] = StreamedParts()
            self._parts[index].extend(obj(candidate.get("content")).get("parts"))

    def data(self) -> dict[str, object]:
        """The response JSON."""
        candidates: list[dict[str, object]] = []
        for index, candidate in sorted(self._candidates.items()):
            parts = self._parts[index].parts() if index in self._parts else []
            candidates.append({**candidate, "index": index, "content": {"role": "model", "parts": parts}})
        return {**self._fields, "candidates": candidates}


def _index(candidate: Wire) -> int:
    """Google leaves it out where it is zero."""
    index = candidate.get("index")
    return index if type(index) is int else integer(index) or 0
