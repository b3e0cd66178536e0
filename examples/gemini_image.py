"""A picture goes in, its description comes out. The path of a PNG file may be given as the first argument."""

from __future__ import annotations

import base64
import os
import sys
from pathlib import Path

from google import genai
from google.genai import types

MODEL = os.environ.get("GEMINI_MODEL", "gemini-2.5-flash")

RED_SQUARE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAACAAAAAgCAIAAAD8GO2jAAAAL0lEQVR42mP4T2PAMGrBqAVD2IILCgokoVELRi0YtWDUglELhqcF"
    "o1XmqAUjyAIAvDIHl4NvEXMAAAAASUVORK5CYII="
)


def main() -> None:
    image = Path(sys.argv[1]).read_bytes() if len(sys.argv) > 1 else RED_SQUARE
    question = "Describe this picture in one sentence."
    with genai.Client() as client:
        picture = types.Part.from_bytes(data=image, mime_type="image/png")
        print(client.models.generate_content(model=MODEL, contents=[picture, question]).text)


main()
