"""The command as a program: what it writes into a pipe."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import BARE
from tests.cli.test_view import otlp_line


def piped(*arguments: str) -> str:
    """What the command writes into a pipe in ASCII."""
    program = str(Path(sys.executable).with_name("genspan"))
    environment = {**BARE, "PYTHONIOENCODING": "ascii", "COLUMNS": "40"}
    done = subprocess.run(
        [program, *arguments], env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize("arguments", [["doctor", "--offline"], ["--help"], ["--version"]])
def test_it_can_be_piped_in_any_encoding(arguments):
    assert "\x1b" not in piped(*arguments)


def test_long_lines_are_kept_whole_in_a_pipe(tmp_path):
    file = tmp_path / "spans.jsonl"
    file.write_text(otlp_line("word " * 60 + "end"), encoding="utf-8")
    assert "word end  1.00 s  ok\n" in piped("view", str(file))


def test_a_tree_in_ascii(tmp_path):
    file = tmp_path / "spans.jsonl"
    file.write_text(otlp_line("name \U0001f600"), encoding="utf-8")
    assert "`-- name ?" in piped("view", str(file))
