"""The Responses API, its compaction and its events: https://platform.openai.com/docs/api-reference/responses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from genspan.dialects import openai_params
from genspan.dialects.errors import error_code, reported_error
from genspan.dialects.openai_parts import FINISH, other, read_parts, read_tools, said_by_user
from genspan.dialects.openai_usage import read_usage
from genspan.openai import params as parameters
from genspan.openai.responses_stream import Fold
from genspan_semconv import attributes as names
from genspan_semconv.model import Prompt, Response, obj, seq, text
from genspan_semconv.parts import plain, server_tool_call, text_part, tool_call, with_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from genspan_semconv.model import Message, Params, Part, Wire

__all__ = ["Fold", "add_item", "answer", "params", "prompt", "response"]

_RUNNING: Final = frozenset(("queued", "in_progress"))
_TERMINAL: Final = frozenset(("completed", "incomplete", "failed", "cancelled"))
_AROUND: Final = frozenset(("type", "id", "call_id", "status", "role"))


def params(body: Wire) -> Params:
    """Parameters of the request."""
    return {names.OPENAI_API_TYPE: "responses", **parameters.read(body)}


def response(data: Wire) -> Response:
    """Id, model, state and usage. A background response is a model call of its own, whoever reads it first."""
    status = text(data.get("status"))
    details = obj(data.get("incomplete_details") if status == "incomplete" else None)
    reason = text(details.get("reason")) or (status if status not in _RUNNING else None)
    error = error_code(reported_error(data)) or ("failed" if status == "failed" else None)
    return Response(
        id=text(data.get("id")),
        model=text(data.get("model")),
        finish_reasons=[reason] if reason else [],
        status=status if status in _TERMINAL | _RUNNING else None,
        usage=read_usage(data),
        complete=status is not None and status not in _RUNNING,
        final=status in _TERMINAL,
        error=error,
        conversation_id=openai_params.conversation(data.get("conversation")),
        continuable=data.get("store") is not False,
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
    return [text_part(content, "reasoning") for content in found if text(content)]


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
