"""One question, one answer."""

from __future__ import annotations

import os

from google import genai

MODEL = os.environ.get("GEMINI_MODEL", "gemini-2.5-flash")


def main() -> None:
    with genai.Client() as client:
        response = client.models.generate_content(model=MODEL, contents="Why is the sky blue? One sentence.")
        print(response.text)
        usage = response.usage_metadata
        if usage:
            print(f"{usage.prompt_token_count} tokens in, {usage.total_token_count} in all")


main()
