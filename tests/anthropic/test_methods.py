"""Every request of the installed anthropic is classified in `methods.txt`, and traced as it says there."""

from __future__ import annotations

from pathlib import Path

import anthropic
import pytest

from genspan.anthropic.bindings import Routes
from tests.support.stainless_methods import classified, connections, requests

CLASSIFIED = classified(Path(__file__).with_name("methods.txt"))


def test_every_request_is_classified():
    assert {request: where for request, where in requests(anthropic).items() if request not in CLASSIFIED} == {}


def test_there_are_no_websockets():
    assert connections(anthropic) == set()


@pytest.mark.parametrize("prefix", ["", "https://gateway.example", "/anthropic"])
def test_each_is_traced_as_classified(prefix):
    look_up = Routes()._look_up
    for request, operation in CLASSIFIED.items():
        verb, path = request.split(" ", 1)
        path = path.replace("batch.results_url", "/v1/messages/batches/id-1/results").replace("{}", "id-1")
        found = look_up(verb.lower(), f"{prefix}{path}?beta=true")
        assert (found[0].operation if found else None) == operation, request


@pytest.mark.parametrize(
    ("path", "model", "stream"),
    [
        ("/model/anthropic.claude-x%3A0/invoke", "anthropic.claude-x:0", False),
        ("/model/claude-x/invoke-with-response-stream", "claude-x", True),
        ("/v1/projects/p/locations/us/publishers/anthropic/models/claude-x:rawPredict", "claude-x", False),
        ("/v1/projects/p/locations/us/publishers/anthropic/models/claude-x:streamRawPredict", "claude-x", True),
    ],
)
def test_paths_of_clouds(path, model, stream):
    client = anthropic.Anthropic(api_key="sk-ant-1")
    options = anthropic._models.FinalRequestOptions(method="post", url=path, json_data={"max_tokens": 5})
    key = Routes().find(client, options).route.key
    assert (key.operation, key.model, key.stream) == ("chat", model, stream)
