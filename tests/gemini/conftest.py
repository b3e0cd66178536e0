"""The fixtures of all tests, for google-genai."""

from __future__ import annotations

import pytest

from tests.support import surfaces


@pytest.fixture
def client(provider):
    made = surfaces.make_client(provider.url)
    yield made
    made.close()
