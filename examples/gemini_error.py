"""A model that does not exist: the SDK raises its error, and the program goes on."""

from __future__ import annotations

from google import genai
from google.genai import errors


def main() -> None:
    with genai.Client() as client:
        try:
            client.models.generate_content(model="a-model-that-does-not-exist", contents="Hello")
        except errors.APIError as error:
            print(f"{type(error).__name__} {error.code}: {error.message}")


main()
