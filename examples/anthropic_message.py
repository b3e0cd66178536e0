"""One question, one answer, and what it cost."""

from __future__ import annotations

import os

from anthropic import Anthropic

MODEL = os.environ.get("ANTHROPIC_MODEL", "claude-sonnet-5")


def main() -> None:
    with Anthropic() as client:
        message = client.messages.create(
            model=MODEL,
            max_tokens=500,
            system="Answer in one sentence.",
            messages=[{"role": "user", "content": "Why is the sky blue?"}],
        )
        print("".join(block.text for block in message.content if block.type == "text"))
        print(f"{message.usage.input_tokens} tokens in, {message.usage.output_tokens} out")


main()
