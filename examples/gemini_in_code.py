"""Tracing switched on in code: a tracer provider of one's own, and the spans printed as JSON.

`GeminiInstrumentor().instrument()` traces google-genai alone; `genspan.instrument()` every supported SDK.
"""

from __future__ import annotations

import os

from google import genai
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor

from genspan import GeminiInstrumentor

MODEL = os.environ.get("GEMINI_MODEL", "gemini-2.5-flash")


def main() -> None:
    provider = TracerProvider(resource=Resource.create({"service.name": "gemini-in-code"}))
    provider.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter()))
    GeminiInstrumentor().instrument(tracer_provider=provider)
    with genai.Client() as client:
        print(client.models.generate_content(model=MODEL, contents="Name a prime number above 100.").text)
    provider.shutdown()


main()
