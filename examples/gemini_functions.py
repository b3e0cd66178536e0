"""Automatic function calling: the model asks for a Python function, the SDK runs it and sends back the result."""

# No `from __future__ import annotations` here: on Python 3.10 the SDK needs the functions' annotations as types.
import os

from google import genai

MODEL = os.environ.get("GEMINI_MODEL", "gemini-2.5-flash")


def get_weather(city: str) -> dict[str, str]:
    """The current weather in a city.

    Args:
        city: The name of the city.
    """
    print(f"(get_weather was asked for {city})")
    return {"city": city, "sky": "sunny", "temperature": "21 C"}


def convert_currency(amount: float, currency: str) -> dict[str, float]:
    """Convert an amount of euros into another currency.

    Args:
        amount: Euros.
        currency: A currency code such as USD.
    """
    print(f"(convert_currency was asked for {amount} in {currency})")
    return {"amount": round(amount * 1.1, 2)}


def main() -> None:
    with genai.Client() as client:
        chat = client.chats.create(model=MODEL, config={"tools": [get_weather, convert_currency]})
        print(chat.send_message("What is the weather like in Paris today?").text)


main()
