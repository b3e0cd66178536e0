"""A section of results, and whether it failed."""

from __future__ import annotations

import pytest
from rich.console import Console

from genspan.cli.check_result import fail, note, ok, show, warn


@pytest.mark.parametrize(
    ("results", "passed"),
    [
        ([], True),
        ([ok("a"), note("b"), warn("c")], True),
        ([fail("a")], False),
        ([fail("a"), ok("b")], False),
        ([ok("a"), fail("b")], False),
        ([fail("a"), fail("b"), warn("c")], False),
    ],
)
def test_a_section_passes_where_nothing_in_it_failed(results, passed):
    console = Console(width=80, color_system=None, highlight=False)
    with console.capture() as printed:
        assert show("Title", results, console) is passed
    lines = printed.get().splitlines()
    assert lines[0] == "Title"
    assert [line.split() for line in lines[1:]] == [[level, text] for level, text in results]
