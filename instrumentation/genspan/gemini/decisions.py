"""Decisions: questions about one input that are answered with probabilities, and billed as an interaction is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from genspan.gemini import interactions
from genspan.gemini.generate_content import BLOCKED
from genspan.gemini.parts import finished
from genspan_semconv.model import Last as Fold
from genspan_semconv.model import Prompt, obj, text
from genspan_semconv.parts import text_part

__all__ = ["Fold", "answer", "params", "prompt", "response"]

if TYPE_CHECKING:
    from genspan_semconv.model import Message, Params, Response, Wire


def params(body: Wire) -> Params:
    """The answers are JSON."""
    return {"output_type": "json"}


def response(data: Wire) -> Response:
    """Usage, and whether the input was blocked."""
    found = interactions.response({"usage": data.get("usage"), "error": data.get("error")})
    found.complete = True
    if obj(data.get("prompt_feedback")).get("block_reason"):
        found.finish_reasons = [BLOCKED]
    return found


def prompt(body: Wire) -> Prompt:
    """The input, and the questions by the names that the program gave them."""
    asked = interactions.prompt({"input": body.get("input")})
    questions = obj(body.get("questions"))
    if questions:
        asked.messages.append({"role": "user", "parts": [text_part(_json({"questions": questions}))]})
    return asked


def answer(data: Wire) -> list[Message]:
    """The answers by the names of their questions, or why the input was blocked."""
    answers, feedback = obj(data.get("answers")), obj(data.get("prompt_feedback"))
    if answers:
        return [finished({"role": "assistant", "parts": [text_part(_json(answers))]}, "stop")]
    reason = text(feedback.get("block_reason"))
    explanation = text(feedback.get("block_reason_message")) or reason
    return [finished({"role": "assistant", "parts": []}, BLOCKED, explanation)] if reason else []


def _json(value: Wire) -> str:
    return json.dumps(value, ensure_ascii=False)
