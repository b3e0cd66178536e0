"""Every request of the installed groq is classified in `methods.txt`, and traced as it says there."""

from __future__ import annotations

from pathlib import Path

import groq
import pytest

from genspan.groq.bindings import Routes
from tests.support.stainless_methods import classified, requests

CLASSIFIED = classified(Path(__file__).with_name("methods.txt"))


def test_every_request_is_classified():
    unknown = {request: methods for request, methods in requests(groq).items() if request not in CLASSIFIED}
    assert unknown == {}


@pytest.mark.parametrize("prefix", ["", "https://gateway.example"])
def test_each_is_traced_as_classified(prefix):
    look_up = Routes()._look_up
    for request, operation in CLASSIFIED.items():
        verb, path = request.split(" ", 1)
        found = look_up(verb.lower(), prefix + path.replace("{}", "id-1"))
        assert (found[0].operation if found else None) == operation, request
