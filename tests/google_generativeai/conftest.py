"""The fixtures of the tests of google-generativeai, which needs an environment of its own (make test-generativeai)."""

from __future__ import annotations

import pytest

pytest.importorskip("google.generativeai", reason="google-generativeai is not installed")

from genspan import GoogleGenerativeAIInstrumentor
from tests.support.generativelanguage import Service


@pytest.fixture
def instrumentor():
    return GoogleGenerativeAIInstrumentor()


@pytest.fixture
def service():
    with Service(lambda method, request: {}) as running:
        yield running
