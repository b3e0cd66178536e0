"""Errors that a provider reports inside an answer of status 200, whole or in a chunk of a stream.

``error`` holds an object or a text (OpenAI, Anthropic, most others), in the answer, in a choice (OpenRouter) or in
``x_groq`` (Groq); or the error stands in the answer's place: ``{"object": "error", ...}`` (vLLM), ``{"code", "msg"}``,
``{"detail"}`` (FastAPI), ``{"code", "message"}`` (DashScope), ``{"error_code", "error_msg"}`` (Baidu), ``{"errors"}``
(Cloudflare), ``{"base_resp": {"status_code"}}`` (MiniMax).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from genspan_semconv.model import integer, obj, seq, text

if TYPE_CHECKING:
    from genspan_semconv.model import Wire

_WORD: Final = re.compile(r"[A-Za-z0-9_.\-]{1,64}")
_CODES: Final = ("code", "type", "error_code", "errcode", "status_code", "status")
_MESSAGES: Final = ("message", "msg", "detail", "details", "errors", "errmsg", "error_msg", "error_message")
_SUCCESS: Final = frozenset(("0", "200", "ok", "success"))
_ANSWERS: Final = frozenset(
    ("choices", "output", "content", "completion", "data", "text", "answers", "results", "usage", "response", "delta")
)
"""Where one of these holds something, an answer is no error, whatever else it says."""


def reported_error(data: Wire) -> object:
    """The error that an answer or a chunk reports, in the provider's own form (an object or a text); ``None``: none."""
    for holder in (data, data.get("x_groq"), *seq(data.get("choices"))):
        error = obj(holder).get("error")
        if error:
            return error
    return _in_place_of_an_answer(data)


def error_code(error: object) -> str | None:
    """The provider's own word for an error: its code, else its type, else ``error``; ``None`` where there is none."""
    if not error:
        return None
    wire = obj(error)
    for value in (error, *(wire.get(name) for name in _CODES)):
        word = text(value) or (str(value) if integer(value) else "")
        if _WORD.fullmatch(word):
            return word
    return "error"


def _in_place_of_an_answer(data: Wire) -> Wire | None:
    if "base_resp" in data and obj(data["base_resp"]).get("status_code"):
        return obj(data["base_resp"])
    if data.get("object") == "error" or data.get("type") == "error":
        return data
    if any(map(data.get, _ANSWERS)) or not any(map(data.get, _MESSAGES)):
        return None
    if isinstance(data.get("message"), dict) or str(data.get("code", "")).lower() in _SUCCESS:
        return None
    return {**data, **obj(next(iter(seq(data.get("errors"))), None))}
