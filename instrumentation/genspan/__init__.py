"""One model call, one span, with exact token counts: tracing for GenAI SDKs on OpenTelemetry.

Importing this imports no SDK and changes nothing; names are loaded when they are used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genspan._core.usage_tally import ModelUsage, UsageTally
    from genspan._setup.configure import configure
    from genspan.anthropic import AnthropicInstrumentor
    from genspan.blocks import context, session, usage
    from genspan.control import instrument, last_trace_id, uninstrument
    from genspan.gemini import GeminiInstrumentor
    from genspan.google_generativeai import GoogleGenerativeAIInstrumentor
    from genspan.groq import GroqInstrumentor
    from genspan.langchain import LangChainInstrumentor
    from genspan.mistralai import MistralAIInstrumentor
    from genspan.mlflow import MlflowSpanExporter
    from genspan.openai import OpenAIInstrumentor

__all__ = [
    "AnthropicInstrumentor",
    "GeminiInstrumentor",
    "GoogleGenerativeAIInstrumentor",
    "GroqInstrumentor",
    "LangChainInstrumentor",
    "MistralAIInstrumentor",
    "MlflowSpanExporter",
    "ModelUsage",
    "OpenAIInstrumentor",
    "UsageTally",
    "configure",
    "context",
    "instrument",
    "last_trace_id",
    "session",
    "uninstrument",
    "usage",
]

_HOMES = {
    "AnthropicInstrumentor": "genspan.anthropic",
    "GeminiInstrumentor": "genspan.gemini",
    "GoogleGenerativeAIInstrumentor": "genspan.google_generativeai",
    "GroqInstrumentor": "genspan.groq",
    "LangChainInstrumentor": "genspan.langchain",
    "MistralAIInstrumentor": "genspan.mistralai",
    "MlflowSpanExporter": "genspan.mlflow",
    "ModelUsage": "genspan._core.usage_tally",
    "OpenAIInstrumentor": "genspan.openai",
    "UsageTally": "genspan._core.usage_tally",
    "configure": "genspan._setup.configure",
    "instrument": "genspan.control",
    "last_trace_id": "genspan.control",
    "context": "genspan.blocks",
    "session": "genspan.blocks",
    "uninstrument": "genspan.control",
    "usage": "genspan.blocks",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("genspan")
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
