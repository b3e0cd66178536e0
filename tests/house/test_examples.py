"""The example programs run by themselves against the fake provider."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.provider import FakeProvider

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
TRACED = {"gemini_configure.py", "gemini_in_code.py", "gemini_guide.py"}
PLAIN = sorted(path.name for path in EXAMPLES.glob("*.py") if path.name not in TRACED)

# What each prints, and how many requests it makes.
EXPECTED = {
    "gemini_generate.py": ("tokens in", 1),
    "gemini_stream.py": ("And this is where it ends.", 1),
    "gemini_chat.py": ("> And if it rains?", 3),
    "gemini_functions.py": ("(get_weather was asked for Paris)", 2),
    "gemini_image.py": ("image/png", 1),
    "gemini_error.py": ("ClientError 404", 1),
    "gemini_async.py": ("Name one thing that is blue.", 4),
    "openai_chat.py": ("> And if it rains?", 3),
    "openai_stream.py": ("tokens in,", 1),
    "openai_responses.py": ("city='Porto' days=3", 3),
    "openai_functions.py": ("(get_weather was asked for Paris)", 2),
    "anthropic_message.py": ("tokens in", 1),
    "anthropic_stream.py": ("stopped by end_turn", 1),
    "anthropic_tools.py": ("(get_weather was asked for Paris)", 2),
    "langchain_agent.py": ("(get_weather was asked for Paris)", 2),
    "gemini_configure.py": ("Name a prime number above 100.", 1),
    "gemini_in_code.py": ('"gen_ai.provider.name": "gcp.gemini"', 1),
}


@pytest.fixture(scope="module")
def provider():
    with FakeProvider() as running:
        yield running


@pytest.mark.parametrize("name", EXPECTED)
def test_runs(provider, name):
    provider.reset()
    address = {"GOOGLE_GEMINI_BASE_URL": provider.url, "GEMINI_API_KEY": "none"}
    address |= {"OPENAI_BASE_URL": f"{provider.url}/v1", "OPENAI_API_KEY": "none"}
    address |= {"ANTHROPIC_BASE_URL": provider.url, "ANTHROPIC_API_KEY": "none"}
    ours = {
        name
        for name in os.environ
        if name.startswith(("GEMINI_", "GOOGLE_", "OPENAI_", "ANTHROPIC_", "GENSPAN_", "OTEL_", "MLFLOW_"))
    }
    environment = {name: value for name, value in os.environ.items() if name not in ours}
    ran = subprocess.run(
        [sys.executable, EXAMPLES / name],
        env={**environment, **address},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    printed, requests = EXPECTED[name]
    assert ran.returncode == 0, ran.stderr
    assert printed in ran.stdout
    assert len(provider.ledger) == requests


def test_every_example_is_listed():
    readme = (EXAMPLES / "README.md").read_text("utf-8")
    assert {*PLAIN, *TRACED} - {"gemini_guide.py"} == EXPECTED.keys()
    for name in (*PLAIN, *TRACED):
        assert f"`{name}`" in readme


def test_plain_examples_know_nothing_of_tracing():
    for name in PLAIN:
        source = (EXAMPLES / name).read_text("utf-8")
        assert "genspan" not in source
        assert "opentelemetry" not in source
