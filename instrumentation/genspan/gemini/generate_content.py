"""``generateContent`` and ``streamGenerateContent``: https://ai.google.dev/api/generate-content."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genspan.gemini.parts import joined, merge, read_contents, read_message, read_parts, read_tools
from genspan.gemini.usage import read_usage
from genspan_semconv.model import Prompt, Response, obj, real, seq, text, texts, whole

if TYPE_CHECKING:
    from collections.abc import Mapping

    from genspan_semconv.model import AttributeValue, Message, Params

    Wire = Mapping[str, object]

# The conventions' enum of finish reasons; what is not here is shown in lower case.
_FINISH = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    "IMAGE_SAFETY": "content_filter",
    "IMAGE_PROHIBITED_CONTENT": "content_filter",
    "MODEL_ARMOR": "content_filter",
}
_OUTPUT_TYPES = {"IMAGE": "image", "AUDIO": "speech"}


def params(body: Wire) -> Params:
    """Parameters, from ``generationConfig``."""
    config = obj(body.get("generationConfig") or body.get("generation_config"))
    thinking = obj(config.get("thinkingConfig") or config.get("thinking_config"))
    budget = whole(thinking.get("thinkingBudget", thinking.get("thinking_budget")))
    choices = whole(config.get("candidateCount"))
    found: dict[str, AttributeValue | None] = {
        "temperature": real(config.get("temperature")),
        "top_p": real(config.get("topP")),
        "top_k": whole(config.get("topK")),
        "max_tokens": whole(config.get("maxOutputTokens")),
        "stop_sequences": texts(config.get("stopSequences")) or None,
        "seed": whole(config.get("seed")),
        "frequency_penalty": real(config.get("frequencyPenalty")),
        "presence_penalty": real(config.get("presencePenalty")),
        "choice_count": choices if choices != 1 else None,
        "reasoning_level": text(thinking.get("thinkingLevel") or thinking.get("thinking_level"))
        or (str(budget) if budget is not None else None),
        "output_type": _output_type(config),
    }
    return {name: value for name, value in found.items() if value is not None}


def _output_type(config: Wire) -> str | None:
    mime = text(config.get("responseMimeType") or config.get("response_mime_type"))
    if mime == "application/json":
        return "json"
    for modality in texts(config.get("responseModalities")):
        if modality.upper() in _OUTPUT_TYPES:
            return _OUTPUT_TYPES[modality.upper()]
    return None


def response(data: Wire) -> Response:
    """Model, id, finish reasons and usage; an error or a block reported inside the response."""
    candidates = [obj(candidate) for candidate in seq(data.get("candidates"))]
    reasons = [_reason(candidate.get("finishReason")) for candidate in candidates]
    blocked = _reason(obj(data.get("promptFeedback")).get("blockReason"))
    if blocked and not candidates:
        reasons = [blocked]
    error = obj(data.get("error"))
    return Response(
        id=text(data.get("responseId")),
        model=text(data.get("modelVersion")),
        finish_reasons=[reason for reason in reasons if reason],
        usage=read_usage(data.get("usageMetadata")),
        summary={"prompt_feedback": data["promptFeedback"]} if blocked and not candidates else None,
        complete=bool(reasons) and all(reasons),
        error=text(error.get("status")) or _reason(error.get("code")) if error else None,
    )


def _reason(value: object) -> str | None:
    """The reason as it is on the wire: a name, seldom the number of one."""
    return text(value) or (str(value) if whole(value) else None)


def prompt(body: Wire) -> Prompt:
    """System instruction, contents and tools."""
    system = body.get("systemInstruction") or body.get("system_instruction")
    return Prompt(
        system=read_parts(obj(system).get("parts")),
        messages=read_contents(body.get("contents")),
        tools=read_tools(body.get("tools")),
    )


def answer(data: Wire) -> list[Message]:
    """One message per candidate."""
    messages: list[Message] = []
    for item in seq(data.get("candidates")):
        candidate = obj(item)
        message = read_message({"role": "model", **obj(candidate.get("content"))})
        reason = _reason(candidate.get("finishReason"))
        if reason:
            called = reason == "STOP" and any(part["type"] == "tool_call" for part in message.get("parts", ()))
            message["finish_reason"] = "tool_call" if called else _FINISH.get(reason, reason.lower())
        if message.get("parts") or reason:
            messages.append(message)
    return messages


class Fold:
    """The response that the chunks of a stream add up to. Usage is cumulative: the last one counts."""

    def __init__(self) -> None:
        self._fields: dict[str, object] = {}
        self._candidates: dict[int, dict[str, object]] = {}
        self._parts: dict[int, list[object]] = {}

    def figures(self, chunk: Wire) -> None:
        """Everything but parts."""
        for name in ("responseId", "modelVersion", "usageMetadata", "promptFeedback", "error"):
            if chunk.get(name):
                self._fields[name] = chunk[name]
        for index, candidate in _indexed(chunk):
            known = self._candidates.setdefault(index, {})
            if candidate.get("finishReason"):
                known["finishReason"] = candidate["finishReason"]

    def content(self, chunk: Wire) -> None:
        """The parts of each candidate."""
        for index, candidate in _indexed(chunk):
            merge(self._parts.setdefault(index, []), obj(candidate.get("content")).get("parts"))

    def data(self) -> dict[str, object]:
        """The response JSON."""
        candidates: list[dict[str, object]] = []
        for index, candidate in sorted(self._candidates.items()):
            content = {"role": "model", "parts": joined(self._parts.get(index, []))}
            candidates.append({**candidate, "index": index, "content": content})
        return {**self._fields, "candidates": candidates}


def _indexed(chunk: Wire) -> list[tuple[int, Wire]]:
    """The candidates of a chunk with their index, which Google leaves out where it is zero."""
    return [(whole(obj(item).get("index")) or 0, obj(item)) for item in seq(chunk.get("candidates"))]
