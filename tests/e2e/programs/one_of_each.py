"""One request with one of each: system prompt, user turn, image, tool call, tool result; answered with a thought."""

from __future__ import annotations

import base64
import struct
import zlib

from google import genai
from google.genai import types


def png(size: int = 64) -> bytes:
    """A red square."""
    rows = b"".join(b"\0" + b"\xd0\x30\x30" * size for _ in range(size))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def main() -> None:
    client = genai.Client()
    picture = types.Part.from_bytes(data=png(), mime_type="image/png")
    weather = types.FunctionDeclaration(
        name="look_up_weather",
        description="The weather in a city.",
        parameters_json_schema={"type": "object", "properties": {"city": {"type": "string"}}},
    )
    response = client.models.generate_content(
        model="gemini-2.5-flash",
        contents=[
            types.UserContent(["Is this the sky over Lisbon?", picture]),
            types.ModelContent(
                types.Part.from_function_call(name="look_up_weather", args={"city": "Lisbon-by-the-sea"})
            ),
            types.UserContent(types.Part.from_function_response(name="look_up_weather", response={"sky": "violet"})),
        ],
        config=types.GenerateContentConfig(
            system_instruction="Answer like a sailor.",
            tools=[types.Tool(function_declarations=[weather])],
            thinking_config=types.ThinkingConfig(include_thoughts=True),
            temperature=0.2,
        ),
    )
    print(base64.b64encode(response.text.encode()).decode())
    print(response.candidates[0].content.parts[0].text)


main()
