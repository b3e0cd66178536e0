"""The Responses API, its compaction and its events: https://platform.openai.com/docs/api-reference/responses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from genspan.openai import params as parameters
from genspan.openai.chat import error_code
from genspan.openai.parts import FINISH, other, read_parts, read_tools, said_by_user
from genspan.openai.usage import read_usage
from genspan_semconv import attributes as names
from genspan_semconv.model import Prompt, Response, obj, seq, text, whole
from genspan_semconv.parts import Pieces, plain, said, server_tool_call, tool_call, with_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from genspan_semconv.model import Message, Params, Part, Wire

_RUNNING: Final = frozenset(("queued", "in_progress"))
_TERMINAL: Final = frozenset(("completed", "incomplete", "failed", "cancelled"))
_AROUND: Final = frozenset(("type", "id", "call_id", "status", "role"))

# Where the pieces of an event belong: the field of the output item, and the kind of part where it has several.
_DELTAS: Final = {
    "response.output_text.delta": ("content", "output_text"),
    "response.output_audio_transcript.delta": ("content", "output_text"),
    "response.audio_transcript.delta": ("content", "output_text"),
    "response.refusal.delta": ("content", "refusal"),
    "response.reasoning_text.delta": ("content", "reasoning_text"),
    "response.reasoning_summary_text.delta": ("summary", "summary_text"),
    "response.function_call_arguments.delta": ("arguments", ""),
    "response.mcp_call_arguments.delta": ("arguments", ""),
    "response.custom_tool_call_input.delta": ("input", ""),
    "response.code_interpreter_call_code.delta": ("code", ""),
}


def params(body: Wire) -> Params:
    """Parameters of the request."""
    return {names.OPENAI_API_TYPE: "responses", **parameters.read(body)}


def response(data: Wire) -> Response:
    """Id, model, state and usage. A background response is a model call of its own, whoever reads it first."""
    status = text(data.get("status"))
    details = obj(data.get("incomplete_details") if status == "incomplete" else None)
    reason = text(details.get("reason")) or (status if status not in _RUNNING else None)
    error = error_code(data.get("error")) or ("failed" if status == "failed" else None)
    return Response(
        id=text(data.get("id")),
        model=text(data.get("model")),
        finish_reasons=[reason] if reason else [],
        status=status if status in _TERMINAL | _RUNNING else None,
        usage=read_usage(data),
        complete=status is not None and status not in _RUNNING,
        final=status in _TERMINAL,
        error=error,
        conversation_id=parameters.conversation(data.get("conversation")),
        compacted=any(obj(item).get("type") == "compaction" for item in seq(data.get("output"))),
        operation="chat" if data.get("background") is True else None,
        attributes={names.OPENAI_RESPONSE_SERVICE_TIER: text(data.get("service_tier"))},
    )


def prompt(body: Wire) -> Prompt:
    """Instructions, the input (a text, or items) and the tools."""
    given = body.get("input")
    messages = said_by_user(given) if isinstance(given, str) else []
    for item in seq(given):
        add_item(messages, obj(item))
    return Prompt(read_parts(body.get("instructions")), messages, read_tools(body.get("tools")))


def answer(data: Wire) -> list[Message]:
    """One message of all output items."""
    messages: list[Message] = []
    for item in seq(data.get("output")):
        add_item(messages, {"role": "assistant", **obj(item)})
    parts = [part for message in messages for part in message.get("parts", ())]
    if not parts:
        return []
    message: Message = {"role": "assistant", "parts": parts}
    for reason in response(data).finish_reasons:
        called = reason == "completed" and any(part["type"] == "tool_call" for part in parts)
        message["finish_reason"] = "tool_call" if called else FINISH.get(reason, reason)
    return [message]


def add_item(messages: list[Message], item: Wire) -> None:
    """Add an item of an input or output; what has the same role goes on in one message."""
    kind, role = text(item.get("type")) or "message", text(item.get("role"))
    if role is None or kind != "message":
        role = "tool" if kind.endswith("_output") else "assistant"
    reader = _result if kind.endswith("_output") else _server
    parts = read_parts(item.get("content")) if kind == "message" else _ITEMS.get(kind, reader)(item)
    if messages and messages[-1].get("role") == role:
        messages[-1].setdefault("parts", []).extend(parts)
    elif parts:
        messages.append({"role": role, "parts": parts})


def _call(item: Wire) -> list[Part]:
    return [tool_call(item.get("name"), item.get("arguments", item.get("input")), item.get("call_id"))]


def _result(item: Wire) -> list[Part]:
    """A tool's result: its text where that is all there is. Some kinds have fields of their own for it."""
    output = item.get("output", {name: value for name, value in item.items() if name not in _AROUND})
    return [{"type": "tool_call_response", "id": text(item.get("call_id")) or "", "response": plain(output)}]


def _reasoning(item: Wire) -> list[Part]:
    """The summary or the reasoning itself; encrypted reasoning says nothing."""
    found = [obj(part).get("text") for part in (*seq(item.get("summary")), *seq(item.get("content")))]
    return [said(content, "reasoning") for content in found if text(content)]


def _server(item: Wire) -> list[Part]:
    """What the provider ran itself (searches, code, MCP), or what is not known yet."""
    kind = text(item.get("type")) or "unknown"
    return [server_tool_call(text(item.get("name")) or kind, dict(item)) if kind.endswith("_call") else other(item)]


_ITEMS: dict[str, Callable[[Wire], list[Part]]] = {
    "function_call": _call,
    "custom_tool_call": _call,
    "reasoning": _reasoning,
    "compaction": lambda item: [with_id({"type": "compaction"}, item.get("id"))],
}


class Fold:
    """The response that the events of a stream add up to: the last one has it whole, until then it is rebuilt."""

    def __init__(self) -> None:
        self._response: dict[str, object] = {}
        self._items: dict[int, dict[str, object]] = {}
        self._pieces: dict[int, dict[tuple[str, str, int], Pieces]] = {}

    def figures(self, chunk: Wire) -> None:
        """The response as the event has it, or an error."""
        found = obj(chunk.get("response"))
        if found:
            self._response = dict(found)
        elif chunk.get("error") or chunk.get("type") == "error":
            self._response["error"] = chunk.get("error") or {"code": chunk.get("code")}

    def content(self, chunk: Wire) -> None:
        """Output items, and the pieces of those that are not done."""
        kind, index, item = chunk.get("type"), whole(chunk.get("output_index")) or 0, obj(chunk.get("item"))
        place = _DELTAS.get(text(kind) or "")
        if item:
            self._items[index] = dict(item)
            if kind == "response.output_item.done":
                self._pieces.pop(index, None)
        elif place is not None:
            inner = whole(chunk.get("content_index", chunk.get("summary_index"))) or 0
            growing = self._pieces.setdefault(index, {}).setdefault((*place, inner), Pieces())
            growing.put("text", chunk.get("delta"))

    def data(self) -> dict[str, object]:
        """The response JSON."""
        if self._response.get("output"):
            return self._response
        for index, pieces in self._pieces.items():
            item = self._items.setdefault(index, {"type": "message"})
            for (field, kind, _), growing in sorted(pieces.items()):
                joined = growing.joined().get("text", "")
                part = {"type": kind, "refusal" if kind == "refusal" else "text": joined}
                item[field] = [*seq(item.get(field)), part] if kind else joined
        self._pieces = {}
        return {**self._response, "output": [item for _, item in sorted(self._items.items())]}
