"""The Responses API: a question, a second one that goes on from it, and an answer in a given shape."""

from __future__ import annotations

import os

from openai import OpenAI
from pydantic import BaseModel

MODEL = os.environ.get("OPENAI_MODEL", "gpt-4.1-mini")


class Trip(BaseModel):
    city: str
    days: int


def main() -> None:
    with OpenAI() as client:
        first = client.responses.create(
            model=MODEL, instructions="Be brief.", input="Which city in Portugal is the oldest?"
        )
        print(first.output_text)
        with client.responses.stream(model=MODEL, input="And the newest?", previous_response_id=first.id) as stream:
            for event in stream:
                if event.type == "response.output_text.delta":
                    print(event.delta, end="", flush=True)
        print()
        trip = client.responses.parse(model=MODEL, input="Plan 3 days in Porto.", text_format=Trip).output_parsed
        print(trip)


main()
