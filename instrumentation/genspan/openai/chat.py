"""Chat completions: https://platform.openai.com/docs/api-reference/chat."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from genspan.openai.parts import FINISH, read_message, read_tools
from genspan.openai.usage import read_usage
from genspan_semconv.model import Prompt, Response, obj, real, seq, text, texts, whole

if TYPE_CHECKING:
    from collections.abc import Mapping

    from genspan_semconv.model import AttributeValue, Message, Params

    Wire = Mapping[str, object]

_TIERS = ("default", "flex", "priority", "scale")  # compatible servers have names of their own
_JSON = ("json_object", "json_schema")


def params(body: Wire) -> Params:
    """Parameters of the request."""
    return {"api_type": "chat_completions", **sampling(body)}


def sampling(body: Wire) -> Params:
    """The parameters that chat completions share with plain completions."""
    choices = whole(body.get("n"))
    tier = text(body.get("service_tier"))
    found: dict[str, AttributeValue | None] = {
        "temperature": real(body.get("temperature")),
        "top_p": real(body.get("top_p")),
        "top_k": whole(body.get("top_k")),
        "max_tokens": whole(body.get("max_completion_tokens", body.get("max_tokens"))),
        "stop_sequences": texts(body.get("stop")) or None,
        "seed": whole(body.get("seed", body.get("random_seed"))),
        "frequency_penalty": real(body.get("frequency_penalty")),
        "presence_penalty": real(body.get("presence_penalty")),
        "choice_count": choices if choices != 1 else None,
        "reasoning_level": text(body.get("reasoning_effort")) or text(obj(body.get("reasoning")).get("effort")),
        "output_type": output_type(body),
        "service_tier": tier if tier in _TIERS else None,
    }
    return {name: value for name, value in found.items() if value is not None}


def output_type(body: Wire) -> str | None:
    """What the request asks for: speech, JSON or text."""
    if "audio" in texts(body.get("modalities")):
        return "speech"
    kind = text(obj(body.get("response_format")).get("type"))
    return "json" if kind in _JSON else kind if kind == "text" else None


def response(data: Wire) -> Response:
    """Model, id, finish reasons and usage; an error that came with status 200, as compatible servers send it."""
    reasons = [text(obj(choice).get("finish_reason")) for choice in seq(data.get("choices"))]
    usage = read_usage(data)
    error = error_code(data.get("error"))
    complete = bool(reasons) and all(reasons) and not error
    return Response(
        id=text(data.get("id")),
        model=text(data.get("model")),
        finish_reasons=[reason for reason in reasons if reason],
        usage=usage,
        complete=complete,
        final=complete and usage is not None,
        error=error,
        service_tier=text(data.get("service_tier")),
        system_fingerprint=text(data.get("system_fingerprint")),
    )


def error_code(error: object) -> str | None:
    """The code of an error object, else its type; low in cardinality."""
    if not error:
        return None
    wire = obj(error)
    code = wire.get("code")
    return text(code) or (str(code) if whole(code) else None) or text(wire.get("type")) or "error"


def prompt(body: Wire) -> Prompt:
    """The messages as they were sent, system messages among them, and the tools."""
    messages = [read_message(obj(message)) for message in seq(body.get("messages"))]
    return Prompt([], messages, read_tools(body.get("tools"), body.get("functions")))


def answer(data: Wire) -> list[Message]:
    """One message per choice."""
    messages: list[Message] = []
    for item in seq(data.get("choices")):
        choice = obj(item)
        message = read_message({"role": "assistant", **_known(obj(choice.get("message")))})
        reason = text(choice.get("finish_reason"))
        if reason:
            message["finish_reason"] = FINISH.get(reason, reason)
        if message.get("parts") or reason:
            messages.append(message)
    return messages


def _known(message: Wire) -> dict[str, object]:
    return {name: value for name, value in message.items() if value is not None}


class Fold:
    """The response that the chunks of a stream add up to."""

    def __init__(self) -> None:
        self._fields: dict[str, object] = {}
        self._reasons: dict[int, object] = {}
        self._messages: dict[int, _Growing] = {}

    def figures(self, chunk: Wire) -> None:
        """Everything but the messages. Where servers repeat usage it is cumulative: the last one counts."""
        for name in ("id", "model", "usage", "service_tier", "system_fingerprint", "error"):
            if chunk.get(name):
                self._fields[name] = chunk[name]
        for index, choice in _indexed(chunk):
            self._reasons[index] = choice.get("finish_reason") or self._reasons.get(index)

    def content(self, chunk: Wire) -> None:
        """The pieces of each choice's message."""
        for index, choice in _indexed(chunk):
            self._messages.setdefault(index, _Growing()).add(obj(choice.get("delta")))

    def data(self) -> dict[str, object]:
        """The response JSON."""
        choices: list[dict[str, object]] = []
        for index, reason in sorted(self._reasons.items()):
            message = self._messages[index].message() if index in self._messages else {}
            choices.append({"index": index, "finish_reason": reason, "message": message})
        return {**self._fields, "choices": choices}


def _indexed(chunk: Wire) -> list[tuple[int, Wire]]:
    return [(whole(obj(item).get("index")) or 0, obj(item)) for item in seq(chunk.get("choices"))]


class _Growing:
    """A message that is still growing: pieces of strings are joined once, at the end."""

    def __init__(self) -> None:
        self._role = "assistant"
        self._texts: dict[str, list[str]] = {}
        self._audio: dict[str, list[str]] = {}
        self._parts: list[object] = []
        self._calls: list[dict[str, list[str]]] = []
        self._by_key: dict[object, dict[str, list[str]]] = {}

    def add(self, delta: Wire) -> None:
        self._role = text(delta.get("role")) or self._role
        for name in ("content", "refusal", "reasoning_content", "reasoning"):
            _append(self._texts, name, delta.get(name))
        self._parts.extend(seq(delta.get("content")))
        for name in ("id", "data", "transcript"):
            _append(self._audio, name, obj(delta.get("audio")).get(name))
        for item in seq(delta.get("tool_calls")):
            self._add_call(obj(item))
        if delta.get("function_call"):
            self._add_call({"index": -1, "function": delta["function_call"]})

    def _add_call(self, piece: Wire) -> None:
        """Find the call that a piece belongs to: by index, where an id of its own does not say that it is another."""
        identity, key = text(piece.get("id")), whole(piece.get("index"))
        call = self._by_key.get(key) if key is not None else (self._calls[-1] if self._calls else None)
        if call is None or (identity and call.get("id", [identity]) != [identity]):
            call = dict[str, list[str]]()
            self._calls.append(call)
        self._by_key[key] = call
        if identity:
            call["id"] = [identity]
        function = obj(piece.get("function")) or obj(piece.get("custom"))
        if call.get("name") != [function.get("name")]:
            _append(call, "name", function.get("name"))
        _append(call, "arguments", function.get("arguments", function.get("input")))

    def message(self) -> dict[str, object]:
        message: dict[str, object] = {"role": self._role, **_joined(self._texts)}
        if self._parts:
            message["content"] = [*_joined_parts(self._texts.get("content")), *_merged(self._parts)]
        if self._audio:
            message["audio"] = _joined(self._audio)
        if self._calls:
            message["tool_calls"] = [_call(_joined(call)) for call in self._calls]
        return message


def _append(into: dict[str, list[str]], name: str, piece: object) -> None:
    if isinstance(piece, str) and piece:
        into.setdefault(name, []).append(piece)


def _joined(pieces: Mapping[str, list[str]]) -> dict[str, object]:
    return {name: "".join(strings) for name, strings in pieces.items()}


def _joined_parts(pieces: list[str] | None) -> list[object]:
    return [{"type": "text", "text": "".join(pieces)}] if pieces else []


def _call(call: dict[str, object]) -> dict[str, object]:
    return {"id": call.get("id"), "function": {"name": call.get("name"), "arguments": call.get("arguments", "")}}


def _merged(parts: list[object]) -> list[object]:
    """Parts that Mistral streams piece by piece (text, and thinking, whose text is one level down), joined by type."""
    merged: list[dict[str, object]] = []
    for part in parts:
        wire = dict(obj(part))
        kind = wire.get("type")
        if merged and merged[-1].get("type") == kind == "text":
            merged[-1]["text"] = f"{merged[-1].get('text') or ''}{wire.get('text') or ''}"
        elif merged and merged[-1].get("type") == kind == "thinking":
            merged[-1]["thinking"] = [*seq(merged[-1].get("thinking")), *seq(wire.get("thinking"))]
        else:
            merged.append(wire)
    return cast("list[object]", merged)
