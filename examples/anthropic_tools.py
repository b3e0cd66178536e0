"""The SDK's tool runner: the model asks for a Python function, the SDK runs it and sends back the result."""

from __future__ import annotations

import os

from anthropic import Anthropic, beta_tool

MODEL = os.environ.get("ANTHROPIC_MODEL", "claude-sonnet-5")


@beta_tool
def get_weather(city: str) -> str:
    """The current weather in a city."""
    print(f"(get_weather was asked for {city})")
    return f"Sunny and 21 C in {city}."


def main() -> None:
    with Anthropic() as client:
        runner = client.beta.messages.tool_runner(
            model=MODEL,
            max_tokens=500,
            tools=[get_weather],
            messages=[{"role": "user", "content": "What is the weather like in Paris today?"}],
        )
        for block in runner.until_done().content:
            if block.type == "text":
                print(block.text)


main()
