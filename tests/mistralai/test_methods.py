"""Every request of the installed mistralai is classified in `methods.txt`, and traced as it says there."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest

from genspan._core.routes.routing import finder
from genspan.mistralai import bindings
from tests.support.speakeasy_methods import requests
from tests.support.stainless_methods import classified

CLASSIFIED = classified(Path(__file__).with_name("methods.txt"))
# What the SDK wraps around its generated clients, and Azure's and Google's, which lack some of it.
PATCHES = [patch for patch in bindings.patches() if patch.module.startswith("mistralai.client")]


def test_every_request_is_classified():
    package = importlib.import_module("mistralai.client")
    assert {request: methods for request, methods in requests(package).items() if request not in CLASSIFIED} == {}


@pytest.mark.parametrize("prefix", ["https://api.mistral.ai", "https://gateway.example/team", "http://127.0.0.1:8080"])
def test_each_is_traced_as_classified(prefix):
    look_up = finder(bindings._ROWS, bindings._AROUND)
    for request, operation in CLASSIFIED.items():
        verb, path = request.split(" ", 1)
        found = look_up(verb.lower(), prefix + path.replace("{}", "id-1"))
        assert (found[0].operation if found else None) == operation, request


@pytest.mark.parametrize(
    ("url", "operation"),
    [
        ("https://x.services.ai.azure.com/models/chat/completions#stream", "chat"),
        ("https://x.services.ai.azure.com/providers/mistral/azure/ocr", "generate_content"),
        (
            "https://europe-west4-aiplatform.googleapis.com/v1/projects/p/locations/l/publishers/mistralai/models/"
            "mistral-small-2503:streamRawPredict",
            "chat",
        ),
    ],
)
def test_clouds(url, operation):
    found = finder(bindings._ROWS, bindings._AROUND)("POST", url)
    assert found
    assert found[0].operation == operation
    assert found[1].get("model") == ("mistral-small-2503" if "Predict" in url else None)


@pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: f"{patch.module}.{patch.attribute}")
def test_every_patch_point_exists(patch):
    found: Any = importlib.import_module(patch.module)
    for part in patch.attribute.split("."):
        found = getattr(found, part)
    assert callable(found)


def test_every_traced_request_has_a_method_that_owns_it():
    """Else an HTTP error of it, which only the method sees, would be no error."""
    owned = {f"{patch.module.rpartition('.')[2]}.{patch.attribute}" for patch in PATCHES}
    package = importlib.import_module("mistralai.client")
    for request, methods in requests(package).items():
        if CLASSIFIED[request] is not None:
            assert methods <= owned, request
