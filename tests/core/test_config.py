"""Which content goes where, by the settings alone."""

from __future__ import annotations

import logging

import pytest

from genspan._core import config
from genspan._core.config import read_settings
from genspan.mlflow import MlflowSpanExporter

NAMES = (
    *("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "GENSPAN_DIALECTS", "GENSPAN_MAX_BLOB_BYTES"),
    *("OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"),
    *("OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS", "MLFLOW_TRACKING_URI"),
    "OTEL_SEMCONV_STABILITY_OPT_IN",
)
CAPTURE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch):
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    config.in_code.clear()
    monkeypatch.setattr(config, "_refused", set())


@pytest.mark.parametrize(
    ("env", "content", "dialects"),
    [
        ({}, False, {"genai"}),
        ({"MLFLOW_TRACKING_URI": "http://m"}, True, {"mlflow"}),
        ({"OTEL_TRACES_EXPORTER": "otlp,mlflow"}, True, {"mlflow", "genai"}),
        ({"OTEL_TRACES_EXPORTER": "otlp", "MLFLOW_TRACKING_URI": "http://m"}, False, {"genai"}),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "MLFLOW_TRACKING_URI": "http://m"}, True, {"mlflow", "genai"}),
        ({"OTEL_EXPORTER_OTLP_HEADERS": "x-mlflow-experiment-id=1"}, True, {"mlflow"}),
        ({"MLFLOW_TRACKING_URI": "http://m", CAPTURE: "no_content"}, False, {"mlflow"}),
        ({CAPTURE: "True"}, True, {"genai"}),
        ({CAPTURE: "span_and_event", "GENSPAN_DIALECTS": "MLflow, genai"}, True, {"mlflow", "genai"}),
    ],
)
def test_content_follows_the_destinations_and_explicit_settings_win(monkeypatch, env, content, dialects):
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    settings = read_settings()
    assert (settings.span_content, settings.dialects) == (content, frozenset(dialects))


@pytest.mark.parametrize(
    ("value", "latest"),
    [
        ("gen_ai_latest_experimental", True),
        ("http, gen_ai_latest_experimental", True),
        (" gen_ai_latest_experimental ,http", True),
        ("http", False),
        ("", False),
        ("gen_ai_latest_experimental_not", False),
    ],
)
def test_the_newer_metrics_are_one_word_of_a_list(monkeypatch, value, latest):
    monkeypatch.setenv("OTEL_SEMCONV_STABILITY_OPT_IN", value)
    assert read_settings().latest_metrics is latest


@pytest.mark.parametrize(
    ("value", "left_out"),
    [
        ("genspan-gemini", True),
        ("flask , genspan-gemini", True),
        ("*", True),
        ("flask, *", True),
        ("", False),
        ("genspan-openai", False),
        ("genspan", False),
    ],
)
def test_instrumentations_that_are_left_out(value, left_out):
    assert config.is_left_out("genspan-gemini", {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": value}) is left_out


def test_an_exporter_made_in_code_is_a_destination_while_it_is_used():
    exporter = MlflowSpanExporter("http://localhost:1")
    assert read_settings().span_content
    assert read_settings().dialects == {"mlflow", "genai"}
    exporter.shutdown()
    assert not read_settings().span_content


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        (CAPTURE, "loud", "NO_CONTENT"),
        ("GENSPAN_DIALECTS", "klingon", "genai"),
        ("GENSPAN_MAX_BLOB_BYTES", "many", "a number of bytes"),
    ],
)
def test_an_unknown_value_warns_once_and_leaves_the_safe_default(monkeypatch, caplog, name, value, reason):
    default = read_settings()
    monkeypatch.setenv(name, value)
    with caplog.at_level(logging.WARNING, "genspan"):
        assert read_settings() == default
        read_settings()
    (record,) = caplog.records
    for words in (name, value, reason):
        assert words in record.getMessage()
