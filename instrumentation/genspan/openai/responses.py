"""The Responses API, its compaction and its events: https://platform.openai.com/docs/api-reference/responses."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from genspan.openai.chat import error_code, sampling
from genspan.openai.parts import FINISH, other, read_parts, read_tools, tool_call
from genspan.openai.usage import read_usage
from genspan_semconv.model import Prompt, Response, obj, seq, text, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from genspan_semconv.model import AttributeValue, Message, Params, Part

    Wire = Mapping[str, object]

_RUNNING = frozenset(("queued", "in_progress"))
_TERMINAL = frozenset(("completed", "incomplete", "failed", "cancelled"))
_AROUND = frozenset(("type", "id", "call_id", "status", "role"))

# Where the pieces of an event belong: the field of the output item, and whether it has several of them.
_DELTAS = {
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
    stored, conversation = obj(body.get("prompt")), body.get("conversation")
    kind = text(obj(obj(body.get("text")).get("format")).get("type"))
    found: dict[str, AttributeValue | None] = {
        "max_tokens": whole(body.get("max_output_tokens")),
        "previous_response_id": text(body.get("previous_response_id")),
        "conversation_id": text(conversation) or text(obj(conversation).get("id")),
        "prompt_name": text(stored.get("id")),
        "prompt_version": text(stored.get("version")),
        "output_type": "json" if kind and kind.startswith("json") else kind,
    }
    known = {name: value for name, value in found.items() if value is not None}
    return {"api_type": "responses", **sampling(body), **known}


def response(data: Wire) -> Response:
    """Id, model, state and usage."""
    status = text(data.get("status"))
    reason = text(obj(data.get("incomplete_details")).get("reason")) if status == "incomplete" else None
    reason = reason or (status if status not in _RUNNING else None)
    conversation = data.get("conversation")
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
        service_tier=text(data.get("service_tier")),
        conversation_id=text(conversation) or text(obj(conversation).get("id")),
        compacted=any(obj(item).get("type") == "compaction" for item in seq(data.get("output"))),
    )


def prompt(body: Wire) -> Prompt:
    """Instructions, the input (a text, or items) and the tools."""
    given, system = body.get("input"), body.get("instructions")
    messages: list[Message] = []
    if isinstance(given, str) and given:
        messages = [{"role": "user", "parts": read_parts(given)}]
    for item in seq(given):
        add_item(messages, obj(item))
    return Prompt(read_parts(system), messages, read_tools(body.get("tools")))


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
    kind = text(item.get("type")) or "message"
    role = text(item.get("role"))
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
    parts = read_parts(output)
    texts = [str(part["content"]) for part in parts if part["type"] == "text"]
    response = "".join(texts) if parts and len(texts) == len(parts) else output
    return [{"type": "tool_call_response", "id": text(item.get("call_id")) or "", "response": response}]


def _reasoning(item: Wire) -> list[Part]:
    """The summary or the reasoning itself; encrypted reasoning says nothing."""
    found = [obj(part).get("text") for part in (*seq(item.get("summary")), *seq(item.get("content")))]
    return [{"type": "reasoning", "content": content} for content in found if text(content)]


def _compaction(item: Wire) -> list[Part]:
    part: Part = {"type": "compaction"}
    if item.get("id"):
        part["id"] = item["id"]
    return [part]


def _server(item: Wire) -> list[Part]:
    """What the provider ran itself (searches, code, MCP), or what is not known yet."""
    kind = text(item.get("type")) or "unknown"
    if not kind.endswith("_call"):
        return [other(item)]
    part: Part = {"type": "server_tool_call", "name": text(item.get("name")) or kind, "server_tool_call": dict(item)}
    if item.get("id"):
        part["id"] = item["id"]
    return [part]


_ITEMS: dict[str, Callable[[Wire], list[Part]]] = {
    "function_call": _call,
    "custom_tool_call": _call,
    "reasoning": _reasoning,
    "compaction": _compaction,
}


class Fold:
    """The response that the events of a stream add up to: the last one has it whole, until then it is rebuilt."""

    def __init__(self) -> None:
        self._response: dict[str, object] = {}
        self._items: dict[int, dict[str, object]] = {}
        self._pieces: dict[tuple[int, str, str, int], list[str]] = {}

    def figures(self, chunk: Wire) -> None:
        """The response as the event has it, or an error."""
        found = obj(chunk.get("response"))
        if found:
            self._response = dict(found)
        elif chunk.get("error") or chunk.get("type") == "error":
            self._response["error"] = chunk.get("error") or {"code": chunk.get("code")}

    def content(self, chunk: Wire) -> None:
        """Output items, and the pieces of those that are not done."""
        index = whole(chunk.get("output_index")) or 0
        item = obj(chunk.get("item"))
        place = _DELTAS.get(text(chunk.get("type")) or "")
        if item:
            self._items[index] = dict(item)
            if chunk.get("type") == "response.output_item.done":
                self._pieces = {key: pieces for key, pieces in self._pieces.items() if key[0] != index}
        elif place is not None and isinstance(chunk.get("delta"), str):
            inner = whole(chunk.get("content_index", chunk.get("summary_index"))) or 0
            self._pieces.setdefault((index, *place, inner), []).append(cast("str", chunk["delta"]))

    def data(self) -> dict[str, object]:
        """The response JSON."""
        if self._response.get("output"):
            return self._response
        for (index, field, kind, _), pieces in sorted(self._pieces.items()):
            item = self._items.setdefault(index, {"type": "message"})
            joined = "".join(pieces)
            name = "refusal" if kind == "refusal" else "text"
            item[field] = [*seq(item.get(field)), {"type": kind, name: joined}] if kind else joined
        self._pieces = {}
        return {**self._response, "output": [item for _, item in sorted(self._items.items())]}
