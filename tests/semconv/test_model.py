"""Accessors for untrusted JSON, and sums of counts."""

from __future__ import annotations

from dataclasses import fields
from enum import Enum

import pytest

from genspan_semconv.model import (
    Last,
    NoContent,
    Usage,
    add,
    count,
    integer,
    obj,
    param_table,
    parsed,
    read_params,
    real,
    seq,
    several,
    summed,
    text,
    texts,
)
from genspan_semconv.parts import (
    Pieces,
    by_id,
    by_url,
    other,
    plain,
    server_tool_call,
    text_part,
    tool_call,
    tool_definition,
)
from genspan_semconv.usage_attributes import is_usage


class Word(str, Enum):
    A = "a"


NOT_NUMBERS = [None, "1", [], {}, object()]


@pytest.mark.parametrize("value", NOT_NUMBERS)
def test_what_is_no_number(value):
    assert (integer(value), count(value), real(value)) == (None, None, None)


@pytest.mark.parametrize(
    ("value", "as_whole", "as_count", "as_real"),
    [
        (0, 0, 0, 0.0),
        (7, 7, 7, 7.0),
        (-1, -1, None, -1.0),
        (2.0, 2, 2, 2.0),
        (2.5, None, None, 2.5),
        (True, None, None, None),
        (False, None, None, None),
        (float("nan"), None, None, None),
        (float("inf"), None, None, None),
        (2**63 - 1, 2**63 - 1, 2**63 - 1, float(2**63)),
        (2**63, None, None, float(2**63)),
        (-(2**63), -(2**63), None, float(-(2**63))),
        (-(2**63) - 1, None, None, float(-(2**63))),
        (10**400, None, None, None),
    ],
)
def test_numbers(value, as_whole, as_count, as_real):
    assert (integer(value), count(value), real(value)) == (as_whole, as_count, as_real)


@pytest.mark.parametrize(
    ("value", "expected"), [("a", "a"), ("", None), (Word.A, "a"), (None, None), (1, None), (b"a", None)]
)
def test_text(value, expected):
    found = text(value)
    assert found == expected
    assert type(found) in (str, type(None))


def test_containers():
    assert (obj({"a": 1}), obj([1]), obj(None)) == ({"a": 1}, {}, {})
    assert (seq([1]), seq((1,)), seq({1: 2}), seq("ab"), seq(None)) == ([1], (1,), (), (), ())
    assert seq(iter([1])) == ()
    assert (several({"a": 1}), several([1]), several(None), several("a")) == (({"a": 1},), [1], (), ())
    assert (texts("a"), texts(["a", 1, "b"]), texts(None), texts({"a": 1})) == (["a"], ["a", "b"], [], [])


def test_the_first_spelling_that_says_something_counts():
    table = param_table(("one", integer, ("a", "b")), ("two", real, ("c",)), ("three", text, ("d",)))
    assert read_params({"a": None, "b": 2, "c": 1}, table) == {"one": 2, "two": 1.0}
    assert read_params({"a": "no", "b": 2}, table) == {"one": 2}
    assert read_params({"a": 0, "b": 2}, table) == {"one": 0}
    assert read_params({"d": ""}, table) == {}
    twice = param_table(("one", integer, ("a",)), ("one", integer, ("b",)))
    assert read_params({"b": 2, "a": 1}, twice) == {"one": 2}


@pytest.mark.parametrize(
    ("given", "expected"),
    [('{"a": 1}', {"a": 1}), ("{", "{"), ("", ""), ({"a": 1}, {"a": 1}), (None, None), ("[" * 100_000, "[" * 100_000)],
)
def test_parsed(given, expected):
    assert parsed(given) == expected


def test_sums():
    assert (add(), add(None), add(None, 0), add(1, None, 2)) == (None, None, 0, 3)
    first = {"a": 1, "b": {"c": 2, "d": None}, "e": 5, "n": "x"}
    second = {"a": 3, "b": {"c": 4, "d": 1}, "f": 6}
    assert summed(first, second) == {"a": 4, "b": {"c": 6, "d": 1}, "e": 5, "f": 6, "n": None}
    assert summed({}, second) == second
    assert summed({"b": {"c": 2}}, {}) == {"b": {"c": 2}}


FIGURES = [field.name for field in fields(Usage) if not callable(field.default_factory)]


def test_two_calls_together():
    one = Usage(**{name: number for number, name in enumerate(FIGURES, 1)})
    two = Usage(**{name: 100 * number for number, name in enumerate(FIGURES, 1)})
    assert one + two == Usage(**{name: 101 * number for number, name in enumerate(FIGURES, 1)})
    one = Usage(cache_write_by_ttl={"5m": 1}, modalities={("text", "input"): 1}, additional={"tool": (1, None)})
    two = Usage(cache_write_by_ttl={"5m": 2, "1h": 3}, modalities={("text", "output"): 4}, additional={"tool": (2, 3)})
    assert one + two == Usage(
        cache_write_by_ttl={"5m": 3, "1h": 3},
        modalities={("text", "input"): 1, ("text", "output"): 4},
        additional={"tool": (3, 3)},
    )
    assert Usage() + Usage() == Usage()
    assert one + Usage() == Usage() + one == one


def test_what_comes_in_one_piece():
    fold = Last()
    fold.metadata({"a": 1})
    fold.content({"a": 1})
    assert fold.data() == {"a": 1}
    api = NoContent()
    assert (api.params({"a": 1}), api.prompt({}), api.answer({}), api.Fold) == ({}, ([], [], []), [], Last)


def test_parts():
    assert (text_part("a"), text_part(None), text_part("a", "refusal")) == (
        {"type": "text", "content": "a"},
        {"type": "text", "content": ""},
        {"type": "refusal", "content": "a"},
    )
    assert tool_call("f", "{}", "c") == {"type": "tool_call", "name": "f", "arguments": {}, "id": "c"}
    assert tool_call(None, None) == {"type": "tool_call", "name": "", "arguments": None}
    assert server_tool_call("s", {"id": "c"}) == {
        "type": "server_tool_call",
        "name": "s",
        "server_tool_call": {"id": "c"},
        "id": "c",
    }
    assert tool_definition("function", "f", None, {}) == {"type": "function", "name": "f"}
    assert by_id("f", "image") == {"type": "file", "modality": "image", "file_id": "f"}
    assert by_url("data:image/png;base64,QUJD", "image") == {
        "type": "blob",
        "modality": "image",
        "mime_type": "image/png",
        "content": "QUJD",
    }
    assert by_url("https://h", "image") == {"type": "uri", "modality": "image", "uri": "https://h"}


@pytest.mark.parametrize(
    "kind",
    [
        *("text", "reasoning", "blob", "uri", "file", "compaction"),
        *("tool_call", "tool_call_response", "server_tool_call", "server_tool_call_response"),
    ],
)
def test_kinds_of_the_conventions_are_theirs(kind):
    assert other({"type": kind, "x": 1}, "p") == {"type": f"p_{kind}", "x": 1}


def test_other_kinds():
    assert other({"type": "new", "x": 1}, "p") == {"type": "new", "x": 1}
    assert other({}, "p") == {"type": "unknown"}


def test_plain_text():
    assert plain([{"text": "a"}, {"text": "b"}]) == "ab"
    assert plain([{"text": "a"}, {"image": 1}]) == [{"text": "a"}, {"image": 1}]
    assert (plain("a"), plain([]), plain(None), plain([{"text": ""}])) == ("a", [], None, "")


def test_pieces():
    pieces = Pieces()
    for piece in ("a", "", None, 1, "b"):
        pieces.put("x", piece)
    pieces.put("y", "")
    assert pieces.joined() == {"x": "ab"}


@pytest.mark.parametrize(
    ("attribute", "expected"),
    [
        *((one, True) for one in ("gen_ai.usage.input_tokens", "llm.usage.total_tokens", "llm.token_count.prompt")),
        *((one, True) for one in ("llm.cost.total", "ai.usage.promptTokens", "langfuse.observation.usage_details")),
        *((one, True) for one in ("langfuse.observation.cost_details", "mlflow.chat.tokenUsage", "mlflow.llm.cost")),
        *((one, False) for one in ("gen_ai.aggregated_usage.input_tokens", "gen_ai.request.model", "mlflow.llm.model")),
    ],
)
def test_attributes_of_usage(attribute, expected):
    assert is_usage(attribute) is expected
