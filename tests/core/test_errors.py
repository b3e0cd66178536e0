"""What an error's type may be."""

from __future__ import annotations

import pytest

from genspan._core.emit.errors import failure, reported
from genspan._core.emit.redaction import NO_SECRETS


@pytest.mark.parametrize("code", ["RESOURCE_EXHAUSTED", "503", "rate_limit_error", "server.busy"])
def test_a_code_is_kept(code):
    assert reported(code).type == code


@pytest.mark.parametrize("words", ["Your prompt 'my secret plan' was refused", "", "x" * 65, "línea"])
def test_words_are_not_repeated(words):
    assert reported(words) == ("_OTHER", "_OTHER", None, None)


class Refused(Exception):
    def __init__(self, message, body):
        super().__init__(message)
        self.body = body


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"detail": "Budget limit exceeded"}, "Error code: 429 - Budget limit exceeded"),
        ({"detail": {"message": "no such endpoint"}}, "Error code: 429 - no such endpoint"),
        ({"detail": "429"}, "Error code: 429"),
        ({"detail": [{"loc": ["body"]}]}, "Error code: 429"),
        ("Budget limit exceeded", "Error code: 429"),
        (None, "Error code: 429"),
    ],
)
def test_the_detail_of_a_gateway_is_in_the_message(body, message):
    assert failure(Refused("Error code: 429", body), True, NO_SECRETS).message == message
