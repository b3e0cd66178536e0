"""Chat completions: https://platform.openai.com/docs/api-reference/chat."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from genspan.openai import params as parameters
from genspan.openai.parts import FINISH, read_message, read_tools, said_by_user
from genspan.openai.usage import all_but_input, read_usage
from genspan_semconv import attributes as names
from genspan_semconv.model import Prompt, Response, obj, seq, text, whole
from genspan_semconv.parts import Pieces, plain

if TYPE_CHECKING:
    from genspan_semconv.model import Message, Params, Wire

_TEXTS: Final = frozenset(("content", "refusal", "reasoning_content", "reasoning"))
_FIELDS: Final = frozenset(("id", "model", "usage", "service_tier", "system_fingerprint", "error", "x_groq"))


def params(body: Wire) -> Params:
    """Parameters of the request."""
    return {names.OPENAI_API_TYPE: "chat_completions", **parameters.read(body)}


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
        attributes={
            names.OPENAI_RESPONSE_SERVICE_TIER: text(data.get("service_tier")),
            names.OPENAI_RESPONSE_SYSTEM_FINGERPRINT: text(data.get("system_fingerprint")),
        },
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
        wire = obj(choice.get("message")) or {"content": choice.get("text")}
        said = {name: value for name, value in wire.items() if value is not None}
        message = read_message({"role": "assistant", **said})
        reason = text(choice.get("finish_reason"))
        if reason:
            message["finish_reason"] = FINISH.get(reason, reason)
        if message.get("parts") or reason:
            messages.append(message)
    return messages


class Completions:
    """Plain completions, the API before chat: https://platform.openai.com/docs/api-reference/completions."""

    def __init__(self) -> None:
        self.Fold, self.params, self.response, self.answer = Fold, parameters.read, response, answer

    def prompt(self, body: Wire) -> Prompt:
        """One message per prompt; prompts may be lists of token numbers, which say nothing."""
        return Prompt([], said_by_user(body.get("prompt")), [])


class Gemini:
    """Chat completions answered by Gemini: its thoughts are billed as output and counted in the total alone."""

    def __init__(self) -> None:
        self.Fold, self.params, self.prompt, self.answer = Fold, params, prompt, answer

    def response(self, data: Wire) -> Response:
        """The response, with all that is not input as output."""
        found = response(data)
        found.usage = None if found.usage is None else all_but_input(found.usage)
        return found


class Fold:
    """The response that the chunks of a stream add up to."""

    def __init__(self) -> None:
        self._fields: dict[str, object] = {}
        self._reasons: dict[int, object] = {}
        self._messages: dict[int, _Growing] = {}

    def figures(self, chunk: Wire) -> None:
        """Everything but the messages. Where servers repeat usage it is cumulative: the last one counts."""
        for name, value in chunk.items():
            if value and name in _FIELDS:
                self._fields[name] = value
        for item in seq(chunk.get("choices")):
            choice = obj(item)
            index = whole(choice.get("index")) or 0
            self._reasons[index] = choice.get("finish_reason") or self._reasons.get(index)

    def content(self, chunk: Wire) -> None:
        """The pieces of each choice's message."""
        for item in seq(chunk.get("choices")):
            choice = obj(item)
            index = whole(choice.get("index")) or 0
            delta = obj(choice.get("delta")) or {"content": choice.get("text")}
            if index not in self._messages:
                self._messages[index] = _Growing()
            self._messages[index].add(delta)

    def data(self) -> dict[str, object]:
        """The response JSON."""
        choices: list[dict[str, object]] = []
        for index, reason in sorted(self._reasons.items()):
            message = self._messages[index].message() if index in self._messages else {}
            choices.append({"index": index, "finish_reason": reason, "message": message})
        return {**self._fields, "choices": choices}


class _Growing:
    """A message that is still growing."""

    def __init__(self) -> None:
        self._role = "assistant"
        self._texts, self._audio = Pieces(), Pieces()
        self._parts: list[object] = []
        self._calls: list[Pieces] = []
        self._by_key: dict[object, Pieces] = {}

    def add(self, delta: Wire) -> None:
        for name, value in delta.items():
            if name == "role":
                self._role = text(value) or self._role
            elif name in _TEXTS:
                self._texts.put(name, value)
                for part in seq(value):
                    self._add_part(obj(part))
            elif name == "audio":
                for field, piece in obj(value).items():
                    self._audio.put(field, piece)
            elif name == "tool_calls":
                for item in seq(value):
                    self._add_call(obj(item))
            elif name == "function_call" and value:
                self._add_call({"index": -1, "function": value})

    def _add_call(self, piece: Wire) -> None:
        """Find the call that a piece belongs to: by index, where an id of its own does not say that it is another."""
        identity, key = text(piece.get("id")), whole(piece.get("index"))
        call = self._by_key.get(key) if key is not None else (self._calls[-1] if self._calls else None)
        if call is None or (identity and call.get("id", [identity]) != [identity]):
            call = Pieces()
            self._calls.append(call)
        self._by_key[key] = call
        if identity:
            call["id"] = [identity]
        function = obj(piece.get("function")) or obj(piece.get("custom"))
        if call.get("name") != [function.get("name")]:
            call.put("name", function.get("name"))
        call.put("arguments", function.get("arguments", function.get("input")))

    def _add_part(self, part: Wire) -> None:
        """Mistral streams text and thinking as parts, piece by piece."""
        if part.get("type") == "text":
            self._texts.put("content", part.get("text"))
        elif part.get("type") == "thinking":
            self._texts.put("reasoning", plain(part.get("thinking")))
        else:
            self._parts.append(part)

    def message(self) -> dict[str, object]:
        message: dict[str, object] = {"role": self._role, **self._texts.joined()}
        if self._parts:
            message["content"] = [message.get("content") or "", *self._parts]
        if self._audio:
            message["audio"] = self._audio.joined()
        if self._calls:
            calls = [call.joined() for call in self._calls]
            message["tool_calls"] = [{"id": call.pop("id", None), "function": call} for call in calls]
        return message
