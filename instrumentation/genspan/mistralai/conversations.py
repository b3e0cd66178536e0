"""Conversations with models and agents: https://docs.mistral.ai/api/#tag/beta.conversations.

Entries and events of the stream are chunks of a chat under other names, and are read as those.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from genspan.dialects import openai_chat, openai_params
from genspan.dialects.errors import error_code, reported_error
from genspan.dialects.openai_parts import read_parts, read_tools, said_by_user
from genspan.dialects.openai_usage import read_usage
from genspan_semconv.model import Prompt, Response, add, count, integer, obj, seq, several, text
from genspan_semconv.parts import with_id

if TYPE_CHECKING:
    from genspan_semconv.model import Message, Params, Part, Usage, Wire


def params(body: Wire) -> Params:
    """Parameters, from ``completion_args``, and the conversation that goes on."""
    found = openai_params.read(obj(body.get("completion_args")))
    conversation = text(body.get("conversation_id"))
    return {**found, "conversation_id": conversation} if conversation else found


def response(data: Wire) -> Response:
    """The conversation, the model that answered last and usage; a stream is whole when its last event says so."""
    models = [model for entry in seq(data.get("outputs")) if (model := text(obj(entry).get("model")))]
    model = models[-1] if models else text(data.get("model"))
    return Response(
        model=model,
        operation="chat" if model else None,  # one that goes on names its model nowhere else
        usage=_usage(data),
        complete=data.get("complete") is not False,
        final=data.get("complete") is True,
        conversation_id=text(data.get("conversation_id")),
        error=error_code(reported_error(data)),
    )


def _usage(data: Wire) -> Usage | None:
    """What connectors (web search, ...) put into the prompt is counted beside it, as the total tells."""
    usage, wire = read_usage(data), obj(data.get("usage"))
    connected = count(wire.get("connector_tokens"))
    if usage is not None:
        if connected and usage.total != add(usage.input, usage.output):
            usage.input = add(usage.input, connected)
        searches = [count(used) for name, used in obj(wire.get("connectors")).items() if name.startswith("web_search")]
        usage.searches = add(*searches)
    return usage


def prompt(body: Wire) -> Prompt:
    """Instructions, the inputs (a text, or entries) and the tools."""
    given = body.get("inputs")
    messages = said_by_user(given) if isinstance(given, str) else []
    for entry in map(obj, seq(given)):
        if entry.get("type") == "function.result":
            result: Part = {"type": "tool_call_response", "response": entry.get("result")}
            messages.append({"role": "tool", "parts": [with_id(result, entry.get("tool_call_id"))]})
        elif _chunk(entry):
            messages.extend(answer({"outputs": [entry]}))
        else:
            role = text(entry.get("role")) or "user"
            messages.append({"role": role, "parts": read_parts(entry.get("content"))})
    return Prompt(read_parts(body.get("instructions")), messages, read_tools(body.get("tools")))


def answer(data: Wire) -> list[Message]:
    """One message of all outputs."""
    if "choices" in data:
        return openai_chat.answer(data)
    fold = Fold()
    for index, entry in enumerate(seq(data.get("outputs"))):
        chunk = {"output_index": index, **obj(entry)}
        fold.metadata(chunk)
        fold.content(chunk)
    return openai_chat.answer(fold.data())


def _chunk(entry: Wire) -> Wire:
    """An output, or an event of a stream, as a chunk of a chat; nothing of one that adds nothing."""
    kind = text(entry.get("type")) or ""
    delta: Wire = {}
    if kind.startswith("message.output"):
        content = entry.get("content")
        delta = {"content": several(content) or content}
    elif kind.startswith("function.call"):
        call = {"name": entry.get("name"), "arguments": entry.get("arguments")}
        index = integer(entry.get("output_index")) or 0
        delta = {"tool_calls": [{"index": index, "id": entry.get("tool_call_id"), "function": call}]}
    elif kind in ("tool.execution", "tool.execution.done", "agent.handoff", "agent.handoff.done"):
        delta = {"content": [entry]}
    return {"choices": [{"index": 0, "delta": delta}]} if delta else {}


class Fold(openai_chat.Fold):
    """The conversation's answer that the events of a stream add up to, in the form of a chat completion."""

    def __init__(self) -> None:
        super().__init__()
        self._conversation: dict[str, object] = {"complete": False}

    def metadata(self, chunk: Wire) -> None:
        """Everything but the content."""
        kind = text(chunk.get("type")) or ""
        for name in ("conversation_id", "usage", "model"):
            if chunk.get(name):
                self._conversation[name] = chunk[name]
        if kind == "conversation.response.done":
            self._conversation["complete"] = True
        error = chunk if kind == "conversation.response.error" else reported_error(chunk)
        if error:
            self._conversation["error"] = error
        super().metadata(_chunk(chunk))

    def content(self, chunk: Wire) -> None:
        """Texts, reasoning and tool calls."""
        super().content(_chunk(chunk))

    def data(self) -> dict[str, object]:
        """The answer's JSON."""
        return {**super().data(), **self._conversation}
