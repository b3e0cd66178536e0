"""Function calling: the model asks for a Python function, the program runs it and sends back the result."""

from __future__ import annotations

import json
import os
from typing import Any

from openai import OpenAI

MODEL = os.environ.get("OPENAI_MODEL", "gpt-4.1-mini")

TOOLS: list[Any] = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "The current weather in a city.",
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string"}},
                "required": ["city"],
            },
        },
    }
]


def get_weather(city: str) -> dict[str, str]:
    print(f"(get_weather was asked for {city})")
    return {"city": city, "sky": "sunny", "temperature": "21 C"}


def main() -> None:
    with OpenAI() as client:
        messages: list[Any] = [{"role": "user", "content": "What is the weather like in Paris today?"}]
        while True:
            answer = client.chat.completions.create(model=MODEL, messages=messages, tools=TOOLS).choices[0].message
            messages.append(answer)
            if not answer.tool_calls:
                break
            for call in answer.tool_calls:
                result = get_weather(**json.loads(call.function.arguments))
                messages.append({"role": "tool", "tool_call_id": call.id, "content": json.dumps(result)})
        print(answer.content)


main()
