"""Lines in the terminal."""

from __future__ import annotations

import contextlib
import os
import sys

import pytest
from google import genai
from opentelemetry import trace

import genspan
from tests.core.configure.setting import NAME


def test_console_prints_a_line_for_each_call(ask, capsys, provider):
    genspan.configure(console=True)
    ask()
    with pytest.raises(genai.errors.ClientError):
        ask(model="no-such-model")
    with trace.get_tracer("tests").start_as_current_span("of the program"):
        pass
    billed = provider.ledger.total()
    first, second = capsys.readouterr().err.splitlines()
    assert first.split() == [
        *("generate_content", "gemini-2.5-flash", str(billed.input), "in", str(billed.output), "out"),
        *(first.split()[-2], "s"),
    ]
    assert float(first.split()[-2]) < 60
    assert second.split()[:2] == ["generate_content", "no-such-model"]
    assert second.split()[-1] == "ClientError"
    assert "hello" not in first + second


@pytest.mark.parametrize("stream", ["closed", "none", "broken"])
def test_console_is_safe_where_nobody_can_read(ask, monkeypatch, tmp_path, stream):
    genspan.configure(console=True)
    file = (tmp_path / "stderr").open("w")
    file.close()
    streams = {"closed": file, "none": None, "broken": os.fdopen(os.open("/dev/full", os.O_WRONLY), "w")}
    monkeypatch.setattr(sys, "stderr", streams[stream])
    assert ask().text
    with contextlib.suppress(OSError):
        streams["broken"].close()


def test_console_beside_a_destination(ask, mlflow, capsys):
    setup = genspan.configure(console=True, mlflow=mlflow.uri)
    ask()
    setup.flush()
    assert mlflow.stored_names == [NAME]
    assert NAME in capsys.readouterr().err
