"""Interactions: https://ai.google.dev/api/interactions-api. Snake case on the wire; steps in place of candidates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genspan.gemini.parts import modality
from genspan_semconv.model import (
    Prompt,
    Response,
    Usage,
    add,
    count,
    obj,
    real,
    seq,
    several,
    text,
    texts,
    whole,
)
from genspan_semconv.parts import tool_definition

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from genspan_semconv.model import AttributeValue, Message, Params, Part, ToolDefinition

    Wire = Mapping[str, object]

_DETAILS = (
    ("input_tokens_by_modality", "input"),
    ("tool_use_tokens_by_modality", "input"),
    ("output_tokens_by_modality", "output"),
    ("cached_tokens_by_modality", "cache_read"),
)
_OPEN = frozenset(("in_progress", "queued"))
# The conventions' states of a response, by Google's.
_STATES = {"requires_action": "completed", "requires_continuation": "incomplete", "budget_exceeded": "incomplete"}


def params(body: Wire) -> Params:
    """Parameters, from ``generation_config`` and beside it."""
    config = obj(body.get("generation_config"))
    json = body.get("response_format") or body.get("response_mime_type") == "application/json"
    found: dict[str, AttributeValue | None] = {
        "temperature": real(config.get("temperature")),
        "top_p": real(config.get("top_p")),
        "max_tokens": whole(config.get("max_output_tokens")),
        "stop_sequences": texts(config.get("stop_sequences")) or None,
        "seed": whole(config.get("seed")),
        "reasoning_level": text(config.get("thinking_level")),
        "previous_response_id": text(body.get("previous_interaction_id")),
        "output_type": "json" if json else None,
    }
    return {name: value for name, value in found.items() if value is not None}


def response(data: Wire) -> Response:
    """Id, model, state and usage. Input, tool use, output and thoughts are counted apart on the wire."""
    status = text(data.get("status"))
    error = obj(data.get("error"))
    return Response(
        id=text(data.get("id")),
        model=text(data.get("model")),
        finish_reasons=[status] if status and status not in _OPEN else [],
        status=_STATES.get(status, status) if status else None,
        usage=_usage(obj(data.get("usage"))),
        complete=status is not None and status not in _OPEN,
        error=text(error.get("status")) or text(error.get("code")) or ("failed" if status == "failed" else None),
    )


def _usage(wire: Wire) -> Usage | None:
    usage = Usage(
        input=add(count(wire.get("total_input_tokens")), count(wire.get("total_tool_use_tokens"))),
        output=add(count(wire.get("total_output_tokens")), count(wire.get("total_thought_tokens"))),
        total=count(wire.get("total_tokens")),
        cache_read=count(wire.get("total_cached_tokens")),
        reasoning=count(wire.get("total_thought_tokens")),
    )
    for name, direction in _DETAILS:
        for item in seq(wire.get(name)):
            kind, tokens = text(obj(item).get("modality")), count(obj(item).get("tokens"))
            if kind in ("text", "image", "audio") and tokens is not None:
                usage.modalities[kind, direction] = usage.modalities.get((kind, direction), 0) + tokens
    return None if usage.input is None and usage.output is None else usage


def prompt(body: Wire) -> Prompt:
    """The system instruction, the input (a text, contents, or steps) and the tools."""
    system = text(body.get("system_instruction"))
    given = body.get("input")
    string = text(given)
    messages: list[Message] = []
    if string:
        messages = [{"role": "user", "parts": [{"type": "text", "content": string}]}]
    for item in several(given):
        _append(messages, obj(item))
    return Prompt([{"type": "text", "content": system}] if system else [], messages, _tools(body.get("tools")))


def answer(data: Wire) -> list[Message]:
    """One message of the model's steps."""
    messages: list[Message] = []
    for item in seq(data.get("steps")) or seq(data.get("outputs")):
        step = obj(item)
        if step.get("type") != "user_input":
            _append(messages, step, "assistant")
    parts = [part for message in messages for part in message.get("parts", ())]
    return [{"role": "assistant", "parts": parts}] if parts else []


def _append(messages: list[Message], item: Wire, role: str = "user") -> None:
    """Add a step, a turn or a content to the messages; what has the same role goes on in one message."""
    kind = text(item.get("type"))
    role = {"model_output": "assistant", "thought": "assistant", "user_input": "user"}.get(kind or "", role)
    role = {"model": "assistant"}.get(text(item.get("role")) or "", text(item.get("role")) or role)
    if kind and kind.endswith("_call"):
        role = "assistant"
    elif kind == "function_result":
        role = "tool"
    parts = _parts(item)
    if messages and messages[-1].get("role") == role:
        messages[-1].setdefault("parts", []).extend(parts)
    elif parts:
        messages.append({"role": role, "parts": parts})


def _parts(item: Wire) -> list[Part]:
    kind = text(item.get("type")) or ""
    if kind in _READERS:
        return _READERS[kind](item)
    if "content" in item:
        string = text(item.get("content"))
        if string:
            return [{"type": "text", "content": string}]
        return [part for content in several(item.get("content")) for part in _parts(obj(content))]
    return [{"type": kind, "content": dict(item)}] if kind else []


def _thought(item: Wire) -> list[Part]:
    summaries = (text(obj(content).get("text")) for content in several(item.get("summary")))
    return [{"type": "reasoning", "content": string} for string in summaries if string]


def _call(item: Wire) -> list[Part]:
    part: Part = {"type": "tool_call", "name": text(item.get("name")) or "", "arguments": item.get("arguments") or {}}
    return [{**part, "id": item["id"]} if item.get("id") else part]


def _result(item: Wire) -> list[Part]:
    part: Part = {"type": "tool_call_response", "response": item.get("result")}
    return [{**part, "id": item["call_id"]} if item.get("call_id") else part]


def _media(item: Wire) -> list[Part]:
    mime, data, uri = text(item.get("mime_type")), text(item.get("data")), text(item.get("uri"))
    part: Part = {"modality": text(item.get("type")) or modality(mime)}
    if mime:
        part["mime_type"] = mime
    if data:
        return [{**part, "type": "blob", "content": data}]
    return [{**part, "type": "uri", "uri": uri}] if uri else []


_READERS: dict[str, Callable[[Wire], list[Part]]] = {
    "text": lambda item: [{"type": "text", "content": text(item.get("text")) or ""}],
    "thought": _thought,
    "function_call": _call,
    "function_result": _result,
    **dict.fromkeys(("image", "audio", "video", "document"), _media),
}


def _tools(tools: object) -> list[ToolDefinition]:
    found: list[ToolDefinition] = []
    for item in seq(tools):
        wire = obj(item)
        kind = text(wire.get("type")) or "function"
        name = text(wire.get("name")) or kind
        found.append(tool_definition(kind, name, wire.get("description"), wire.get("parameters")))
    return found


class Fold:
    """The interaction that the events of a stream add up to. Many events bring usage so far: the last one counts."""

    def __init__(self) -> None:
        self._interaction: dict[str, object] = {}
        self._steps: dict[int, dict[str, object]] = {}
        self._texts: dict[tuple[int, str], list[str]] = {}

    def figures(self, chunk: Wire) -> None:
        """Everything but the steps' content."""
        whole_interaction = obj(chunk.get("interaction"))
        self._interaction.update({name: value for name, value in whole_interaction.items() if value})
        metadata = obj(chunk.get("metadata"))
        usage = metadata.get("usage") or metadata.get("total_usage")
        if usage and chunk.get("event_type") != "interaction.completed":
            self._interaction["usage"] = usage
        if chunk.get("error"):
            self._interaction["error"] = chunk["error"]
        if chunk.get("event_type") == "interaction.status_update" and chunk.get("status"):
            self._interaction["status"] = chunk["status"]

    def content(self, chunk: Wire) -> None:
        """Steps, and the pieces of their texts."""
        index = whole(chunk.get("index"))
        if index is None:
            return
        if chunk.get("step"):
            self._steps[index] = dict(obj(chunk["step"]))
        delta = obj(chunk.get("delta"))
        kind = text(delta.get("type"))
        if kind == "text" and text(delta.get("text")):
            self._texts.setdefault((index, "text"), []).append(str(delta["text"]))
        elif kind == "thought_summary":
            self._texts.setdefault((index, "thought"), []).append(text(obj(delta.get("content")).get("text")) or "")
        elif kind == "arguments_delta" and text(delta.get("arguments")):
            self._texts.setdefault((index, "arguments"), []).append(str(delta["arguments"]))
        elif kind in ("image", "audio", "video", "document"):
            step = self._steps.setdefault(index, {"type": "model_output"})
            step["content"] = [*seq(step.get("content")), dict(delta)]

    def data(self) -> dict[str, object]:
        """The interaction's JSON."""
        for (index, kind), pieces in self._texts.items():
            step = self._steps.setdefault(index, {})
            joined = "".join(pieces)
            if kind == "text":
                media = seq(step.get("content"))
                step["content"] = [{"type": "text", "text": joined}, *media]
            elif kind == "thought":
                step["summary"] = [{"type": "text", "text": joined}]
            else:
                step["arguments"] = joined
        steps = [step for _, step in sorted(self._steps.items())]
        return {"steps": steps, **self._interaction} if steps else self._interaction
