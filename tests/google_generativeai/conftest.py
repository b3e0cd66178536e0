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


@pytest.fixture(scope="session")
def running_service():
    from tests.support.generativelanguage import Service

    with Service(lambda method, request: {}) as running:
        yield running


@pytest.fixture
def service(running_service):
    """The service, which nobody has asked anything yet."""
    running_service.reset()
    running_service.answer = lambda method, request: {}
    yield running_service
    running_service.reset()
