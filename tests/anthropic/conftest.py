"""The fixtures of all tests, for anthropic."""

from __future__ import annotations

import pytest

from genspan.anthropic import AnthropicInstrumentor
from tests.support import anthropic_surfaces as surfaces
from tests.support import stainless_compare

compare, close_clients = stainless_compare.fixtures(surfaces)


@pytest.fixture
def instrumentor():
    return AnthropicInstrumentor()
