"""What a span can hold, and what is left out where that is less than there is."""

from __future__ import annotations

import json

import pytest

from genspan._core.emit.limits import Limits, put, within
from genspan._core.emit.redaction import NO_SECRETS, Secrets

FIGURES = {"error.type": "E", "usage": '{"total_tokens": 7}', "in": 3, "out": 4, "model": "m", "id": "r", "n": 1}
MESSAGES = [
    {"role": "user", "parts": [{"type": "text", "content": f"{number}: " + "word " * 40}]} for number in range(9)
]


def put_one(value, limit, secrets=NO_SECRETS):
    into = {}
    put("content", value, limit, secrets, into)
    return into


def test_the_first_attributes_stay():
    assert list(within(FIGURES, Limits(6, None))) == list(FIGURES)[:6]
    assert within(FIGURES, Limits(None, None)) == within(FIGURES, Limits(7, None)) == FIGURES


@pytest.mark.parametrize("free", [-3, 0, 1, 4])
def test_error_usage_and_model_stay_whatever_else_goes(free):
    assert list(within(FIGURES, Limits(free, None))) == ["error.type", "usage", "in", "out", "model"]


@pytest.mark.parametrize("length", range(25))
def test_a_figure_is_there_whole_or_not_at_all(length):
    attributes = {**FIGURES, "reasons": ["stop", "length"]}
    found = within(attributes, Limits(None, length))
    assert found.items() <= attributes.items()
    assert found["in"] == 3
    assert ("usage" in found) == (length >= len('{"total_tokens": 7}'))
    assert ("reasons" in found) == (length >= len("length"))


@pytest.mark.parametrize("limit", [10, 50, 200, 500, 1000, 3000])
def test_content_is_json_within_the_length_or_absent(limit):
    found = put_one(MESSAGES, limit)
    assert found.get("genspan.content.truncated") is (True if limit < 3000 else None)
    if "content" in found:
        assert len(found["content"]) <= limit
        assert all(message["role"] == "user" for message in json.loads(found["content"]))
    assert ("content" in found) == (limit > 50)


def test_the_newest_items_stay():
    kept = json.loads(put_one(MESSAGES, 200)["content"])
    assert kept[-1]["parts"][0]["content"].startswith("8: ")


def test_what_fits_is_as_it_was():
    assert put_one(MESSAGES, None) == put_one(MESSAGES, 10_000)
    assert json.loads(put_one(MESSAGES, None)["content"]) == MESSAGES
    assert put_one("a text", 6) == {"content": "a text"}
    assert put_one("a text", 5) == {"content": "a tex", "genspan.content.truncated": True}


def test_credentials_go_before_anything_is_cut():
    found = put_one(["x" * 30 + "tk-9a8b7c6d5e4f3a2b"], 45, Secrets.of(["tk-9a8b7c6d5e4f3a2b"]))
    assert found == {"content": '["' + "x" * 30 + '[redacted]"]'}


X, Y, Z = "x" * 100, "y" * 60, "z" * 60


@pytest.mark.parametrize(
    ("value", "limit", "expected"),
    [
        ([X], 60, ["x" * 29 + "…"]),
        ([X], 32, ["x" * 15 + "…"]),
        (["x" * 25, Y, Z], 100, ["x" * 25, "y" * 24 + "…", "z" * 24 + "…"]),
        ({"k" * 23: X}, 60, {"k" * 23: "x" * 29 + "…"}),
        ([one * 16 for one in "abcd"], 39, ["c" * 16, "d" * 16]),
        ([one * 16 for one in "abcde"], 77, ["c" * 16, "d" * 16, "e" * 16]),
    ],
)
def test_strings_are_halved_before_items_are(value, limit, expected):
    assert json.loads(put_one(value, limit)["content"]) == expected
