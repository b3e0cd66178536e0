"""What the tests of anthropic begin with."""

from __future__ import annotations

import pytest
from anthropic import beta_tool

from tests.support.anthropic_surfaces import MODEL, make_client

ASKED = {"model": MODEL, "max_tokens": 50, "messages": [{"role": "user", "content": "The weather in Paris?"}]}


@pytest.fixture
def telemetry(install):
    """With content, in both forms."""
    return install(CAPTURE="true", GENSPAN_DIALECTS="genai,mlflow")


@pytest.fixture
def client(provider):
    """As a program makes it, with whatever tracing the SDK has of its own."""
    with make_client(provider.url, False, open_telemetry=None) as made:
        yield made


@beta_tool
def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"Sunny in {city}."
