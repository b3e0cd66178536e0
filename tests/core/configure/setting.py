"""What the tests of `genspan.configure()` set, and what they read."""

from __future__ import annotations

from tests.support.otlp_sink import OtlpSink

NAME = "generate_content gemini-2.5-flash"
SETTINGS = ("OTEL_", "MLFLOW_", "GENSPAN_", "GEMINI_", "GOOGLE_")
CAPTURE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
SPANS_ONLY = {"OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}
NO_BACKEND = {"OTEL_TRACES_EXPORTER": "none", **SPANS_ONLY}


def names_at(sink: OtlpSink) -> list[str]:
    return [span.name for span in sink.spans]
