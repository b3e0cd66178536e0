"""A conversation of three turns: each request carries what was present before."""

from __future__ import annotations

import os
from typing import Any

from openai import OpenAI

MODEL = os.environ.get("OPENAI_MODEL", "gpt-4.1-mini")
QUESTIONS = (
    "I am going to Lisbon for two days. What should I see first?",
    "And if it rains?",
    "Put both days into one sentence.",
)


def main() -> None:
    with OpenAI() as client:
        messages: list[Any] = [
            {"role": "system", "content": "You are a travel guide. Answer in at most two sentences."}
        ]
        for question in QUESTIONS:
            print(f"> {question}")
            messages.append({"role": "user", "content": question})
            answer = client.chat.completions.create(model=MODEL, messages=messages).choices[0].message
            messages.append(answer)
            print(answer.content)


main()
