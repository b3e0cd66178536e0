"""What the benchmark's requests say, for every provider to put into its own form."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

Json = dict[str, Any]

TEMPERATURE, MAX_TOKENS, MAX_TOKENS_OF_HISTORY = 0.2, 256, 1024
QUESTION = "What is the capital of France?"
ANSWER = "The capital of France is Paris."
SYSTEM = "You plan trips. Use the tools for facts that change."
ABOUT_IMAGE = "What is in this picture?"
IMAGE_TYPE = "image/png"
TOOL = "get_weather"
TOOLS = {
    name: (
        "Looks up a fact of a city and a day.",
        {
            "type": "object",
            "properties": {"city": {"type": "string"}, "day": {"type": "integer"}},
            "required": ["city", "day"],
        },
    )
    for name in (TOOL, "find_train")
}
"""Description and JSON schema of each tool."""


class Round(NamedTuple):
    """A question, the call of a tool that it led to, what that found, and the answer: four messages."""

    question: str
    arguments: Json
    found: Json
    answer: str


ROUNDS = [
    Round(
        f"How will the weather in Paris be on day {number}? " * 3,
        {"city": "Paris", "day": number},
        {"temperature": 21 + number, "sky": "clear", "source": "station 7"},
        f"On day {number} it will be clear, at {21 + number} degrees. ",
    )
    for number in range(5)
]


@cache
def image() -> bytes:
    """1 MB as base64."""
    return bytes(range(256)) * 3072


def pieces(chunks: int) -> list[str]:
    """The texts of a stream of that many chunks."""
    return [*(f"word {number} " for number in range(chunks - 1)), "end."]
