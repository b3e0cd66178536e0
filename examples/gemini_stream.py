"""An answer that is printed while it is being written."""

from __future__ import annotations

import os

from google import genai

MODEL = os.environ.get("GEMINI_MODEL", "gemini-2.5-flash")


def main() -> None:
    with genai.Client() as client:
        for chunk in client.models.generate_content_stream(model=MODEL, contents="Count slowly from one to ten."):
            print(chunk.text or "", end="", flush=True)
        print()


main()
