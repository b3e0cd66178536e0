"""Texts that may be in no byte that leaves, and the search for them."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.support.telemetry import Telemetry

PROMPT = "the-prompt-nobody-may-see"
ANSWER = "the-answer-nobody-may-see"
RESULT = "the-tool-result-nobody-may-see"
SYSTEM = "the-system-prompt-nobody-may-see"
ARGUMENT = "the-tool-argument-nobody-may-see"
THOUGHT = "the-thought-nobody-may-see"
CONTENT = (PROMPT, ANSWER, RESULT, SYSTEM, ARGUMENT)


def leaks(telemetry: Telemetry, texts: Iterable[str]) -> list[str]:
    """What of the texts is in what was exported: as it is, in JSON, or in base64."""
    exported = telemetry.exported()
    forms = {text: (text.encode(), base64.b64encode(text.encode())) for text in texts}
    return [text for text, written in forms.items() if any(form in exported for form in written)]
