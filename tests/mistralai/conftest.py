"""The fixtures of all tests, for mistralai."""

from __future__ import annotations

import pytest

pytest.importorskip("mistralai.client")

from genspan.mistralai import MistralAIInstrumentor
from tests.support import mistral_surfaces, stainless_compare

compare, close_clients = stainless_compare.fixtures(mistral_surfaces)


@pytest.fixture
def instrumentor():
    return MistralAIInstrumentor()


@pytest.fixture
def client(provider):
    made = mistral_surfaces.make_client(provider.url, False)
    yield made
    made.close()
