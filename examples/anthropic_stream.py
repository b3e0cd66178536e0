"""An answer printed while it is written."""

from __future__ import annotations

import os

from anthropic import Anthropic

MODEL = os.environ.get("ANTHROPIC_MODEL", "claude-sonnet-5")


def main() -> None:
    question = "Tell me a short story about a lighthouse."
    with (
        Anthropic() as client,
        client.messages.stream(
            model=MODEL, max_tokens=1000, messages=[{"role": "user", "content": question}]
        ) as stream,
    ):
        for text in stream.text_stream:
            print(text, end="", flush=True)
        print(f"\nstopped by {stream.get_final_message().stop_reason}")


main()
