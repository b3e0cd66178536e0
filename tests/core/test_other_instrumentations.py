"""Instrumentations of other distributions for the same SDKs, as `opentelemetry-instrument` finds them."""

from __future__ import annotations

import os
from importlib.metadata import Distribution, EntryPoint
from unittest.mock import patch

import pytest

from genspan._core import config
from genspan._core.context import suppressed
from genspan._setup import other_instrumentations as others

NAMES = ("google-genai", "google_genai", "google_generativeai", "openai", "anthropic", "langchain")
"""Of OpenTelemetry's, OpenInference's, OpenLLMetry's, Elastic's and Alibaba's packages, in November 2026."""


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    """An environment without settings, nothing cached, no value refused yet."""
    monkeypatch.setattr(config, "_refused", set())
    with patch.dict(os.environ, clear=True):
        for cached in (others.own, others._is_active):
            cached.cache_clear()
        yield os.environ
    for cached in (others.own, others._is_active):
        cached.cache_clear()


class Package(Distribution):
    def __init__(self, *requires: str) -> None:
        self._requires = requires

    def read_text(self, filename):
        lines = ["Metadata-Version: 2.1", "Name: package", *(f"Requires-Dist: {one}" for one in self._requires)]
        return "\n".join(lines) if filename == "METADATA" else None

    def locate_file(self, path):
        return path


def entry(name: str, value: str = "somebody.else:Instrumentor", package: Distribution | None = None) -> EntryPoint:
    point = EntryPoint(name, value, others.GROUP)
    return point._for(package) if package else point


@pytest.mark.parametrize("name", NAMES)
def test_known_by_its_name(caplog, name):
    assert others.is_superseded(entry(name))
    [record] = caplog.records
    words = (f"'{name}'", "somebody.else:Instrumentor", "GENSPAN_RIVALS=keep", "genspan-")
    assert [word for word in words if word not in record.getMessage()] == []


@pytest.mark.parametrize(
    ("requires", "covered"),
    [
        (["openai >= 1.26.0; extra == 'instruments'"], "genspan-openai"),
        (["Google_GenAI<4; extra == 'instruments-any'"], "genspan-gemini"),
        (["anthropic", "requests; extra == 'instruments'"], None),
        (["openai; extra == 'test'"], None),
        (["openai; python_version >= '3'"], None),
        (["openai; extra == 'instruments'", "langchain; extra == 'instruments'"], None),
        ([], None),
    ],
)
def test_known_by_what_its_package_instruments(requires, covered):
    assert others.covered_by(entry("unheard-of", package=Package(*requires))) == covered


def test_installed_ones_are_listed():
    package = Package("openai; extra == 'instruments'")
    candidates = [entry("requests"), entry("new-openai", package=package), *others.own()]
    assert others.found(candidates) == {"new-openai (somebody.else:Instrumentor)": "genspan-openai"}


@pytest.mark.parametrize(
    ("settings", "superseded"),
    [
        ({"GENSPAN_RIVALS": "keep"}, False),
        ({"GENSPAN_RIVALS": " Keep "}, False),
        ({"GENSPAN_RIVALS": "SKIP"}, True),
        ({"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "flask, genspan-gemini"}, False),
        ({"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "genspan-openai"}, True),
    ],
)
def test_settings(environment, caplog, settings, superseded):
    environment.update(settings)
    assert others.is_superseded(entry("google-genai")) is superseded
    assert len(caplog.records) == superseded


def test_other_names_are_left_alone(caplog):
    assert not others.is_superseded(entry("requests"))
    assert caplog.records == []


def test_ours_is_none_of_them():
    assert not any(others.is_superseded(own) for own in others.own())
    assert {own.name for own in others.own()} >= {"genspan-gemini", "genspan-openai", "genspan-anthropic"}


def test_where_ours_cannot_trace_the_sdk_the_other_one_does():
    with patch("genspan._setup.other_instrumentations.get_dependency_conflicts", return_value="conflict"):
        assert not others.is_superseded(entry("google-genai"))


def test_an_unknown_value_is_named_and_the_default_used(environment, caplog):
    environment["GENSPAN_RIVALS"] = "both"
    assert others.is_superseded(entry("google-genai"))
    assert "'both'" in caplog.records[0].getMessage()
    assert "accepted: keep, skip" in caplog.records[0].getMessage()


@pytest.mark.parametrize(
    ("key", "value", "aside"),
    [
        ("suppress_instrumentation", True, True),
        ("suppress_language_model_instrumentation", True, True),
        ("suppress_language_model_instrumentation", False, False),
        ("opentelemetry.genai.client.inference.context", object(), True),
        ("opentelemetry.genai.client.inference.context", None, False),
        ("opentelemetry.genai.client.embedding.context", object(), True),
        ("opentelemetry.genai.client.fetch_response.context", object(), True),
        ("opentelemetry.genai.workflow.context", object(), False),
    ],
)
def test_context_keys_of_those_who_record_the_call(key, value, aside):
    """OpenLLMetry sets the second around a LangChain call, OpenTelemetry's `util-genai` the others around its own."""
    assert suppressed({key: value}) is aside
