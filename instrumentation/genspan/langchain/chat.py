"""A model run of LangChain as a model call, where no traced SDK made it: the usage is the one LangChain normalised.

The request is ``{"messages": [...], "params": {...}}`` or ``{"prompts": [...]}``, the response
``{"messages": [...], "texts": [...], "llm_output": {...}, "usage": {...}}``, with LangChain's own objects inside;
``"begun"`` is the ``Usage`` that a stream began with, where LangChain leaves that out.
https://docs.langchain.com/oss/python/langchain/models#token-usage
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from genspan.langchain import messages as reader
from genspan_semconv import parts
from genspan_semconv.model import (
    Last,
    Prompt,
    Response,
    Usage,
    add,
    count,
    integer,
    obj,
    param_table,
    read_params,
    real,
    seq,
    text,
    texts,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from genspan_semconv.model import Message, Params

Fold = Last

_PARAMS: Final = param_table(
    ("temperature", real, ("temperature",)),
    ("max_tokens", integer, ("max_tokens", "max_completion_tokens", "max_output_tokens")),
    ("top_p", real, ("top_p",)),
    ("top_k", integer, ("top_k",)),
    ("seed", integer, ("seed",)),
    ("stop_sequences", lambda value: texts(value) or None, ("stop", "stop_sequences")),
    ("frequency_penalty", real, ("frequency_penalty",)),
    ("presence_penalty", real, ("presence_penalty",)),
)
_FINISH: Final = ("finish_reason", "stop_reason", "stopReason", "done_reason")


def params(body: Mapping[str, object]) -> Params:
    """The invocation parameters that the conventions have names for."""
    return read_params(obj(body.get("params")), _PARAMS)


def response(data: Mapping[str, object]) -> Response:
    """Model, id, finish reasons and usage of an answer."""
    answers = seq(data.get("messages"))
    metadata = [obj(getattr(answer, "response_metadata", None)) for answer in answers]
    first = metadata[0] if metadata else obj(data.get("llm_output"))
    identity = text(first.get("id")) or next((text(getattr(answer, "id", None)) for answer in answers), None)
    reasons = [reason for one in metadata for name in _FINISH if (reason := text(one.get(name)))]
    return Response(
        id=None if identity is None or identity.startswith(("lc_run-", "run-")) else identity,
        model=text(first.get("model_name")) or text(first.get("model")) or text(first.get("model_id")),
        finish_reasons=reasons,
        usage=None if data.get("cached") else _usage(data),
    )


def prompt(body: Mapping[str, object]) -> Prompt:
    """The messages or prompts; the system's are instructions."""
    found = [reader.message(item) for item in (*seq(body.get("messages")), *seq(body.get("prompts")))]
    system = [part for message in found if message.get("role") == "system" for part in message.get("parts", ())]
    tools = [
        parts.tool_definition("function", name, function.get("description"), function.get("parameters"))
        for tool in seq(obj(body.get("params")).get("tools"))
        if (name := text((function := obj(obj(tool).get("function")) or obj(tool)).get("name")))
    ]
    return Prompt(system, [message for message in found if message.get("role") != "system"], tools)


def answer(data: Mapping[str, object]) -> list[Message]:
    """One message per generation."""
    found: list[Message] = [reader.message(one) for one in seq(data.get("messages"))]
    found.extend({"role": "assistant", "parts": [parts.text_part(one)]} for one in texts(data.get("texts")))
    for message, reason in zip(found, response({**data, "cached": True}).finish_reasons, strict=False):
        message["finish_reason"] = reason
    return found


def _usage(data: Mapping[str, object]) -> Usage | None:
    """The usage, with what a stream began with where what it ended with has no more."""
    ended, begun = _ended(data), data.get("begun")
    if not isinstance(begun, Usage):
        return ended
    if ended is None:
        return begun
    total = (
        ended.total if ended.input == (found := _later(begun.input, ended.input)) else None
    )  # LangChain's sum of less
    return replace(
        ended,
        input=found,
        output=_later(begun.output, ended.output),
        total=total,
        cache_read=_later(begun.cache_read, ended.cache_read),
        cache_write=_later(begun.cache_write, ended.cache_write),
    )


def _later(before: int | None, after: int | None) -> int | None:
    """What a running total has come to, where the later one may be left out."""
    return after if before is None else max(before, after or 0)


def _ended(data: Mapping[str, object]) -> Usage | None:
    """The first usage that there is: every choice of one call repeats it."""
    for answer in seq(data.get("messages")):
        found = obj(getattr(answer, "usage_metadata", None))
        if found:
            return _normalised(found)
    output = obj(data.get("llm_output"))
    for found in (obj(data.get("usage")), obj(output.get("token_usage")), obj(output.get("usage"))):
        if found:
            return _normalised(found)
    return None


def _normalised(usage: Mapping[str, object]) -> Usage | None:
    details, made = obj(usage.get("input_token_details")), obj(usage.get("output_token_details"))
    lifetimes = ((ttl, count(details.get(f"ephemeral_{ttl}_input_tokens"))) for ttl in ("5m", "1h"))
    by_ttl = {ttl: figure for ttl, figure in lifetimes if figure is not None}
    found = Usage(
        input=_first(usage, "input_tokens", "prompt_tokens"),
        output=_first(usage, "output_tokens", "completion_tokens"),
        total=count(usage.get("total_tokens")),
        cache_read=count(details.get("cache_read")),
        cache_write=count(details.get("cache_creation")) or add(*by_ttl.values()),
        cache_write_by_ttl=by_ttl,
        reasoning=count(made.get("reasoning")),
    )
    return None if found.input is None and found.output is None else found


def _first(usage: Mapping[str, object], *names: str) -> int | None:
    return next((figure for name in names if (figure := count(usage.get(name))) is not None), None)
