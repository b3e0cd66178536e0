"""Tracing set up in one line, and a line in the terminal for each call.

`genspan.configure()` also takes `mlflow=` and `endpoint=`, or goes by the environment's `MLFLOW_*` and `OTEL_*`.
"""

from __future__ import annotations

import os

from google import genai

import genspan

genspan.configure(console=True)

MODEL = os.environ.get("GEMINI_MODEL", "gemini-2.5-flash")


def main() -> None:
    with genai.Client() as client:
        print(client.models.generate_content(model=MODEL, contents="Name a prime number above 100.").text)


main()
