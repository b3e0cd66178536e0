"""A conversation of three turns: each request carries what was said before."""

from __future__ import annotations

import os

from google import genai

MODEL = os.environ.get("GEMINI_MODEL", "gemini-2.5-flash")
QUESTIONS = (
    "I am going to Lisbon for two days. What should I see first?",
    "And if it rains?",
    "Put both days into one sentence.",
)


def main() -> None:
    with genai.Client() as client:
        config = {"system_instruction": "You are a travel guide. Answer in at most two sentences."}
        chat = client.chats.create(model=MODEL, config=config)
        for question in QUESTIONS:
            print(f"> {question}")
            print(chat.send_message(question).text)


main()
