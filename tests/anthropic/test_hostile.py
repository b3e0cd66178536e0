"""Answers that nobody should send: the program gets of them what it gets without us, and each call ends as one span."""

from __future__ import annotations

import pytest

from tests.anthropic.calls import message
from tests.anthropic.test_content import ANSWERS
from tests.support import anthropic_surfaces as surfaces
from tests.support import hostile
from tests.support.provider.anthropic_messages import events

SURFACES = [one for one in surfaces.SURFACES if one.api in ("messages", "beta") and one.way != "post"]
WHOLE = [message(blocks) for blocks, _ in ANSWERS.values()]
EACH = 3

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.mark.parametrize("surface", SURFACES, ids=str)
@pytest.mark.parametrize("mode", ["sync", "async"])
def test_odd_answers(install, provider, surface, mode):
    if surface.stream:
        replies = [hostile.stream(seed, events(WHOLE[seed % len(WHOLE)])) for seed in range(EACH * len(WHOLE))]
    else:
        replies = [hostile.answer(seed, WHOLE[seed % len(WHOLE)]) for seed in range(EACH * len(WHOLE))]
    hostile.check(provider, install, surfaces, surface, mode, replies)
