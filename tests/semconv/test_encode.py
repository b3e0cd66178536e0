"""JSON text of whatever content holds, with orjson and without."""

from __future__ import annotations

import json
from enum import Enum

import pytest

from genspan_semconv import encode


@pytest.fixture(autouse=True, params=["orjson", "json"])
def library(request, monkeypatch):
    if request.param == "json":
        monkeypatch.setattr(encode, "_fast", None)


class _Colour(str, Enum):
    RED = "red"


class _Model:
    def model_dump(self):
        return {"city": "Paris", "photo": b"\x00\xff"}


class _Rude:
    def __str__(self):
        raise ValueError


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([{"role": "user", "parts": [{"n": 1, "f": 0.5, "b": True, "z": None}]}], None),
        ("ünï 漢字 🎈", None),
        ({"a": (1, 2)}, {"a": [1, 2]}),
        ({"n": 2**63}, {"n": "9223372036854775808"}),
        ({"n": 2**63 - 1, "m": -(2**63) + 1}, None),
        ({"id": "1234567890123456789012"}, None),
        ("half \ud83d an emoji", "half ? an emoji"),
        ({1: "a", 2.5: "b"}, {"1": "a", "2.5": "b"}),
        ({"c": _Colour.RED}, {"c": "red"}),
        (b"bytes", "Ynl0ZXM="),
        ([bytearray(b"x")], ["eA=="]),
        (_Model(), {"city": "Paris", "photo": "AP8="}),
        ([_Rude()], ["<_Rude>"]),
        ({"s": {1}}, {"s": [1]}),
    ],
)
def test_values(value, expected):
    assert json.loads(encode.dumps(value)) == (value if expected is None else expected)


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_numbers_that_json_has_not(number):
    assert json.loads(encode.dumps([number, 1]), parse_constant=pytest.fail)[1] == 1


def test_no_spaces_and_no_escapes():
    assert encode.dumps({"a": [1, "ü"], "b": "c"}) == '{"a":[1,"ü"],"b":"c"}'


def test_what_never_ends():
    value: list[object] = []
    value.append(value)
    assert "..." in encode.dumps(value)
    assert json.loads(encode.dumps(value))


def test_depth_is_bounded():
    value: object = "core"
    for _ in range(3000):
        value = [value]
    assert encode.dumps(value).count("[") <= 101
