"""``generateContent`` and ``streamGenerateContent``: https://ai.google.dev/api/generate-content."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genspan.gemini.parts import joined, merge, read_contents, read_message, read_parts, read_tools
from genspan.gemini.usage import read_usage
from genspan_semconv.model import Prompt, Response, obj, real, seq, text, texts, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

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
_FIELDS = frozenset(("responseId", "modelVersion", "usageMetadata", "promptFeedback", "error"))
_OUTPUT_TYPES = {"APPLICATION/JSON": "json", "IMAGE": "image", "AUDIO": "speech"}


def params(body: Wire) -> Params:
    """Parameters, from ``generationConfig``."""
    found: Params = {}
    for field, value in obj(body.get("generationConfig") or body.get("generation_config")).items():
        known = _PARAMS.get(field)
        if known is not None:
            name, read = known
            figure = read(value)
            if figure is not None:
                found[name] = figure
    return found


def _choices(value: object) -> int | None:
    choices = whole(value)
    return choices if choices != 1 else None


def _reasoning_level(value: object) -> str | None:
    thinking = obj(value)
    budget = whole(thinking.get("thinkingBudget", thinking.get("thinking_budget")))
    level = text(thinking.get("thinkingLevel") or thinking.get("thinking_level"))
    return level or (str(budget) if budget is not None else None)


def _output_type(value: object) -> str | None:
    """From a MIME type or from modalities."""
    return next((_OUTPUT_TYPES[kind] for kind in map(str.upper, texts(value)) if kind in _OUTPUT_TYPES), None)


_PARAMS: dict[str, tuple[str, Callable[[object], AttributeValue | None]]] = {
    "temperature": ("temperature", real),
    "topP": ("top_p", real),
    "topK": ("top_k", whole),
    "maxOutputTokens": ("max_tokens", whole),
    "stopSequences": ("stop_sequences", lambda value: texts(value) or None),
    "seed": ("seed", whole),
    "frequencyPenalty": ("frequency_penalty", real),
    "presencePenalty": ("presence_penalty", real),
    "candidateCount": ("choice_count", _choices),
    "thinkingConfig": ("reasoning_level", _reasoning_level),
    "thinking_config": ("reasoning_level", _reasoning_level),
    "responseMimeType": ("output_type", _output_type),
    "response_mime_type": ("output_type", _output_type),
    "responseModalities": ("output_type", _output_type),
}


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
        system=read_parts(obj(system).get("parts")) if system else [],
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
        for name, value in chunk.items():
            if value and name in _FIELDS:
                self._fields[name] = value
        for item in seq(chunk.get("candidates")):
            candidate = obj(item)
            known = self._candidates.setdefault(_index(candidate), {})
            if candidate.get("finishReason"):
                known["finishReason"] = candidate["finishReason"]

    def content(self, chunk: Wire) -> None:
        """The parts of each candidate."""
        for item in seq(chunk.get("candidates")):
            candidate = obj(item)
            merge(self._parts.setdefault(_index(candidate), []), obj(candidate.get("content")).get("parts"))

    def data(self) -> dict[str, object]:
        """The response JSON."""
        candidates: list[dict[str, object]] = []
        for index, candidate in sorted(self._candidates.items()):
            content = {"role": "model", "parts": joined(self._parts.get(index, []))}
            candidates.append({**candidate, "index": index, "content": content})
        return {**self._fields, "candidates": candidates}


def _index(candidate: Wire) -> int:
    """Google leaves it out where it is zero."""
    return whole(candidate.get("index")) or 0
