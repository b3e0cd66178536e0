"""The fixtures of the tests of google-generativeai, which needs an environment of its own (make test-generativeai)."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from genspan import GoogleGenerativeAIInstrumentor

if find_spec("google.generativeai") is None:
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture
def instrumentor():
    return GoogleGenerativeAIInstrumentor()


@pytest.fixture
def service():
    from tests.support.generativelanguage import Service

    with Service(lambda method, request: {}) as running:
        yield running
