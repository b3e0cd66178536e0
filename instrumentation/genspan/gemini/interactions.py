"""Interactions: https://ai.google.dev/api/interactions-api. Snake case on the wire; steps in place of candidates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from genspan.gemini import params as parameters
from genspan.gemini.parts import media
from genspan.gemini.usage import merged, put_counts
from genspan_semconv import attributes as names
from genspan_semconv.model import Prompt, Response, Usage, add, count, integer, obj, seq, several, text
from genspan_semconv.parts import Pieces, other, server_tool_call, text_part, tool_call, tool_definition, with_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from genspan_semconv.model import Message, Params, Part, ToolDefinition, Wire

_DETAILS: Final = (
    ("input_tokens_by_modality", "input"),
    ("tool_use_tokens_by_modality", "input"),
    ("output_tokens_by_modality", "output"),
    ("cached_tokens_by_modality", "cache_read"),
)
_OPEN: Final = frozenset(("in_progress", "queued"))
# The conventions' states of a response, by Google's.
_STATES: Final = {
    "requires_action": "completed",
    "requires_continuation": "incomplete",
    "budget_exceeded": "incomplete",
    "idle": "completed",
}
_ROLES: Final = {
    "model": "assistant",
    "model_output": "assistant",
    "thought": "assistant",
    "user_input": "user",
    "function_result": "tool",
}
_MEDIA: Final = ("image", "audio", "video", "document")


def params(body: Wire) -> Params:
    """Parameters, from ``generation_config`` and beside it."""
    return parameters.read(body, body, body.get("generation_config"))


def response(data: Wire) -> Response:
    """Id, model (or the agent in its place, which has models of its own), state and usage."""
    status, agent = text(data.get("status")), text(data.get("agent"))
    return Response(
        id=text(data.get("id")),
        model=text(data.get("model")),
        requested_model=agent,
        finish_reasons=[status] if status and status not in _OPEN else [],
        status=_STATES.get(status, status) if status else None,
        usage=_usage(obj(data.get("usage"))),
        complete=status is not None and status not in _OPEN,
        error=_error(data) or ("failed" if status == "failed" else None),
        continuable=True,
        attributes={names.GEN_AI_AGENT_NAME: agent},
    )


def _error(data: Wire) -> str | None:
    """The code of the error, the last part of a URI; of several errors of a failed interaction, the last one's."""
    errors = seq(data.get("errors")) if data.get("status") == "failed" else ()
    error = obj(data.get("error")) or obj(errors[-1] if errors else None)
    code = text(error.get("status")) or text(error.get("code")) or str(integer(error.get("code")) or "")
    return code.rstrip("/").rpartition("/")[2] or ("error" if error else None)


def _usage(wire: Wire) -> Usage | None:
    """Input, tool use, output and thoughts are counted apart on the wire; searches are billed beside them."""
    counted = (count(wire.get(f"total_{kind}_tokens")) for kind in ("input", "tool_use", "output", "thought"))
    usage = Usage(total=count(wire.get("total_tokens")), cache_read=count(wire.get("total_cached_tokens")))
    put_counts(usage, *counted)
    for name, direction in _DETAILS:
        for item in seq(wire.get(name)):
            kind, tokens = text(obj(item).get("modality")), count(obj(item).get("tokens"))
            if kind in ("text", "image", "audio") and tokens is not None:
                usage.modalities[kind, direction] = usage.modalities.get((kind, direction), 0) + tokens
    grounded = [obj(item) for item in seq(wire.get("grounding_tool_count"))]
    usage.searches = add(*(count(one.get("count")) for one in grounded if one.get("type") == "google_search"))
    return None if usage.input is None and usage.output is None and usage.searches is None else usage


def prompt(body: Wire) -> Prompt:
    """The system instruction, the input (a text, contents, or steps) and the tools."""
    system = text(body.get("system_instruction"))
    given = body.get("input")
    messages: list[Message] = [{"role": "user", "parts": [text_part(given)]}] if text(given) else []
    for item in several(given):
        _append(messages, obj(item))
    return Prompt([text_part(system)] if system else [], messages, _tools(body.get("tools")))


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
    kind, given = text(item.get("type")) or "", text(item.get("role"))
    if given is not None:
        role = _ROLES.get(given, given)
    elif kind.endswith("_call"):
        role = "assistant"
    else:
        role = _ROLES.get(kind, role)
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
        if text(item.get("content")):
            return [text_part(item["content"])]
        return [part for content in several(item.get("content")) for part in _parts(obj(content))]
    if kind.endswith("_call"):
        return [server_tool_call(item.get("name") or kind.removesuffix("_call"), item)]
    if kind.endswith("_result"):
        part: Part = {"type": "server_tool_call_response", "server_tool_call_response": item}
        return [with_id(part, item.get("call_id"))]
    return [other(item, "gemini")] if kind else []


def _thought(item: Wire) -> list[Part]:
    summaries = (text(obj(content).get("text")) for content in several(item.get("summary")))
    return [text_part(string, "reasoning") for string in summaries if string]


def _result(item: Wire) -> list[Part]:
    part: Part = {"type": "tool_call_response", "response": item.get("result")}
    if item.get("name"):
        part["name"] = item["name"]
    return [with_id(part, item.get("call_id"))]


def _media(item: Wire) -> list[Part]:
    data, uri = text(item.get("data")), text(item.get("uri"))
    return [media(text(item.get("mime_type")), data, uri, text(item.get("type")))] if data or uri else []


_READERS: Final[dict[str, Callable[[Wire], list[Part]]]] = {
    "text": lambda item: [text_part(item.get("text"))],
    "thought": _thought,
    "function_call": lambda item: [tool_call(item.get("name"), item.get("arguments") or {}, item.get("id"))],
    "function_result": _result,
    **dict.fromkeys(_MEDIA, _media),
}


def _tools(tools: object) -> list[ToolDefinition]:
    found: list[ToolDefinition] = []
    for wire in map(obj, seq(tools)):
        kind = text(wire.get("type")) or "function"
        name = text(wire.get("name")) or kind
        found.append(tool_definition(kind, name, wire.get("description"), wire.get("parameters")))
    return found


class Fold:
    """The interaction that the events of a stream add up to. Many events bring usage so far: the last one counts."""

    def __init__(self) -> None:
        self._interaction: dict[str, object] = {}
        self._steps: dict[int, dict[str, object]] = {}
        self._texts: dict[int, Pieces] = {}

    def metadata(self, chunk: Wire) -> None:
        """Everything but the steps' content."""
        given = obj(chunk.get("interaction"))
        metadata = obj(chunk.get("metadata"))
        usage = given.get("usage") or metadata.get("usage") or metadata.get("total_usage")
        usage = merged(self._interaction.get("usage"), usage)
        self._interaction.update({name: value for name, value in given.items() if value})
        if usage:
            self._interaction["usage"] = usage
        if chunk.get("error"):
            self._interaction["error"] = chunk["error"]
        if chunk.get("event_type") == "interaction.status_update" and chunk.get("status"):
            self._interaction["status"] = chunk["status"]

    def content(self, chunk: Wire) -> None:
        """Steps, and the pieces of their texts."""
        index = integer(chunk.get("index"))
        if index is None:
            return
        if chunk.get("step"):
            self._steps[index] = dict(obj(chunk["step"]))
        delta = obj(chunk.get("delta"))
        kind = text(delta.get("type")) or ""
        pieces = self._texts.setdefault(index, Pieces())
        if kind == "text":
            pieces.put("text", delta.get("text"))
        elif kind == "thought_summary":
            pieces.put("summary", obj(delta.get("content")).get("text"))
        elif kind == "arguments_delta":
            pieces.put("arguments", delta.get("arguments"))
        elif kind in _MEDIA:
            step = self._steps.setdefault(index, {"type": "model_output"})
            step["content"] = [*seq(step.get("content")), dict(delta)]
        elif kind.endswith(("_call", "_result")):
            self._steps.setdefault(index, {}).update(delta)

    def data(self) -> dict[str, object]:
        """The interaction's JSON."""
        for index, pieces in self._texts.items():
            strings = pieces.joined()
            step = self._steps.setdefault(index, {"type": "model_output"}) if strings else {}
            if "text" in strings:
                media = [one for one in seq(step.get("content")) if obj(one).get("type") != "text"]
                step["content"] = [{"type": "text", "text": strings["text"]}, *media]
            if "summary" in strings:
                step["summary"] = [{"type": "text", "text": strings["summary"]}]
            if "arguments" in strings:
                step["arguments"] = strings["arguments"]
        steps = [step for _, step in sorted(self._steps.items())]
        return {"steps": steps, **self._interaction} if steps else self._interaction
