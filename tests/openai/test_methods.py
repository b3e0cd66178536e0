"""Every request of the installed openai is classified in `methods.txt`, and traced as it says there."""

from __future__ import annotations

from pathlib import Path

import openai
import pytest

from genspan.openai.bindings import Routes
from tests.support.stainless_methods import classified, connections, requests

LIST = Path(__file__).with_name("methods.txt")

HOOKED = {
    f"{module}.{twin}{name}Connection.parse_event"
    for module, name in (
        ("responses.responses", "Responses"),
        ("beta.responses.responses", "Responses"),
        ("realtime.realtime", "Realtime"),
        ("beta.realtime.realtime", "Realtime"),
        ("live.live", "Live"),
        ("live.forks", "Forks"),
    )
    for twin in ("", "Async")
}
# No event of a translation has a figure; a sideband hears of a session that is counted where it is held.
WITHOUT_FIGURES = {
    f"{module}.{twin}{name}Connection.parse_event"
    for module, name in (
        ("live.sideband", "Sideband"),
        ("realtime.translations.translations", "Translations"),
    )
    for twin in ("", "Async")
}


CLASSIFIED = classified(LIST)


def test_every_request_is_classified():
    unknown = {request: methods for request, methods in requests(openai).items() if request not in CLASSIFIED}
    assert unknown == {}


def test_every_connection_is_classified():
    assert connections(openai) - HOOKED - WITHOUT_FIGURES == set()


@pytest.mark.parametrize("prefix", ["/", "", "/v1/", "https://gateway.example/v1/", "/openai/deployments/one/"])
def test_each_is_traced_as_classified(prefix):
    look_up = Routes()._look_up
    for request, operation in CLASSIFIED.items():
        verb, path = request.split(" ", 1)
        found = look_up(verb.lower(), prefix + path.lstrip("/").replace("{}", "id-1") + "?beta=true")
        assert (found[0].operation if found else None) == operation, request
