"""The fixtures of all tests, for openai."""

from __future__ import annotations

import pytest

from genspan.openai import OpenAIInstrumentor
from tests.support import openai_surfaces as surfaces
from tests.support import stainless_compare

compare, close_clients = stainless_compare.fixtures(surfaces)


@pytest.fixture
def instrumentor():
    return OpenAIInstrumentor()


def catch_up():
    stainless_compare.catch_up(OpenAIInstrumentor())
