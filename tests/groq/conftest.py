"""The fixtures of all tests, for groq."""

from __future__ import annotations

import pytest

from genspan.groq import GroqInstrumentor
from tests.support import groq_surfaces as surfaces
from tests.support import stainless_compare

compare, close_clients = stainless_compare.fixtures(surfaces)


@pytest.fixture
def instrumentor():
    return GroqInstrumentor()


@pytest.fixture
def client(provider):
    with surfaces.make_client(provider.url, False) as made:
        yield made
