"""Answers that nobody should send: the program gets of them what it gets without us, and each call ends as one span."""

from __future__ import annotations

import pytest

from tests.support import hostile
from tests.support import openai_surfaces as surfaces

SURFACES = [one for one in surfaces.SURFACES if one.way != "post"]
EACH = 8

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.mark.parametrize("surface", SURFACES, ids=str)
@pytest.mark.parametrize("mode", ["sync", "async"])
def test_odd_answers(install, provider, surface, mode):
    whole = hostile.wire_of(provider, surfaces, surface)
    make = hostile.stream if surface.stream else hostile.answer
    hostile.check(provider, install, surfaces, surface, mode, [make(seed, whole) for seed in range(EACH)])
