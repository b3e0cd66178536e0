"""Traces as trees in a terminal."""

from __future__ import annotations

import pytest
from rich.console import Console

from genspan.cli.trace_tree import render, seconds, tokens


def drawn(spans, title=None) -> str:
    console = Console(width=200, color_system=None, highlight=False)
    with console.capture() as capture:
        console.print(render(spans, title))
    return capture.get()


def test_a_tree():
    spans = [
        {"id": "2", "parent": "1", "name": "chat gpt", "model": "gpt", "start": 2, "duration": 0.25, "status": "UNSET"},
        {"id": "1", "parent": None, "name": "root [x]", "start": 1, "duration": 1.5, "usage": {}},
        {"id": "3", "parent": "2", "name": "inner", "model": "m", "start": 3, "partial": True},
        {"id": "4", "parent": "1", "name": "tool", "start": 4, "status": "ERROR", "message": "no\nlines"},
    ]
    spans[0]["usage"] = {"input": 1200, "output": 34, "total": 1234}
    assert drawn(spans) == (
        "root [x]  1.50 s  ok\n"
        "├── chat gpt  1,200 in + 34 out = 1,234 tokens  250 ms  ok\n"
        "│   └── inner  m  partial  ok\n"
        "└── tool  ERROR no\n"
    )


def test_spans_without_their_parent_stand_at_the_top():
    spans = [{"id": "2", "parent": "gone", "name": "a"}, {"id": "3", "parent": "3", "name": "b"}]
    assert drawn(spans) == "2 spans\n├── a  ok\n└── b  ok\n"
    assert drawn(spans[:1], "title") == "title\n└── a  ok\n"
    assert drawn([]) == "0 spans\n"


def test_spans_in_a_circle_end():
    assert "spans" in drawn([{"id": "1", "parent": "2", "name": "a"}, {"id": "2", "parent": "1", "name": "b"}])


@pytest.mark.parametrize(
    ("usage", "text"),
    [({}, ""), ({"input": 0}, "0 in"), ({"total": 5}, "5 tokens"), ({"input": 1, "output": 2}, "1 in + 2 out")],
)
def test_tokens(usage, text):
    assert tokens(usage) == text


@pytest.mark.parametrize(
    ("duration", "text"), [(0, "0 ms"), (0.9994, "999 ms"), (0.25, "250 ms"), (1, "1.00 s"), (61.234, "61.23 s")]
)
def test_seconds(duration, text):
    assert seconds(duration) == text


def test_spans_stand_in_the_order_of_their_start():
    spans = [
        {"id": "3", "parent": "1", "name": "later", "start": 30},
        {"id": "1", "parent": None, "name": "root", "start": 10},
        {"id": "2", "parent": "1", "name": "earlier", "start": 20},
    ]
    assert [line.split()[-2] for line in drawn(spans).splitlines()] == ["root", "earlier", "later"]
