"""Chat completions, as OpenAI has them and many others: https://platform.openai.com/docs/api-reference/chat.

Gateways and servers that speak this form take liberties with it; what is read here is what they really send.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from genspan.dialects import openai_params
from genspan.dialects.errors import error_code, reported_error
from genspan.dialects.openai_chat_stream import Fold
from genspan.dialects.openai_parts import FINISH, read_message, read_tools
from genspan.dialects.openai_usage import read_usage
from genspan_semconv.model import Prompt, Response, obj, seq, text

if TYPE_CHECKING:
    from genspan_semconv.model import Message, Params, Wire

__all__ = ["Fold", "answer", "params", "prompt", "response"]


def params(body: Wire) -> Params:
    """Parameters of the request."""
    return openai_params.read(body)


def response(data: Wire) -> Response:
    """Model, id, finish reasons and usage; an error that came with status 200."""
    reasons = [text(obj(choice).get("finish_reason")) for choice in seq(data.get("choices"))]
    usage = read_usage(data)
    error = error_code(reported_error(data)) or ("error" if "error" in reasons else None)
    complete = bool(reasons) and all(reasons) and not error
    return Response(
        id=text(data.get("id")),
        model=text(data.get("model")),
        finish_reasons=[reason for reason in reasons if reason],
        usage=usage,
        complete=complete,
        final=complete and usage is not None,
        error=error,
    )


def prompt(body: Wire) -> Prompt:
    """The messages as they were sent, system messages among them, and the tools."""
    messages = [read_message(obj(message)) for message in seq(body.get("messages"))]
    return Prompt([], messages, read_tools(body.get("tools"), body.get("functions")))


def answer(data: Wire) -> list[Message]:
    """One message per choice; sources that the whole answer cites stand beside its first text."""
    messages: list[Message] = []
    for item in seq(data.get("choices")):
        choice = obj(item)
        wire = obj(choice.get("message")) or obj(choice.get("delta")) or {"content": choice.get("text")}
        present = {name: value for name, value in wire.items() if value is not None}
        message = read_message({"role": "assistant", **present})
        reason = text(choice.get("finish_reason"))
        if reason:
            message["finish_reason"] = FINISH.get(reason, reason)
        if message.get("parts") or reason:
            messages.append(message)
    if data.get("citations"):
        texts = [part for message in messages for part in message.get("parts", ()) if part["type"] == "text"]
        for part in texts[:1]:
            part["citations"] = data["citations"]
    return messages
