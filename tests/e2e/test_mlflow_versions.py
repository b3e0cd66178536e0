"""The oldest and the newest MLflow that take spans, as servers and as the package that writes a database."""

from __future__ import annotations

import json
import logging
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from opentelemetry.sdk.trace.export import SpanExportResult

from genspan.cli import main
from genspan.mlflow import MlflowSpanExporter
from tests.e2e import test_context_into_mlflow as in_context
from tests.e2e.test_local_store import PROGRAM, SETUP, run
from tests.support.mlflow_server import environment, running
from tests.support.spans import ended_span

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

# What each version lacks, as docs/mlflow.md says it.
LACKS = {
    ".venv-mlflow-oldest": ["does not add up the tokens of a trace", "keeps neither names nor tags of traces"],
    ".venv-mlflow-newest": [],
}
USAGE = '{"input_tokens":3,"output_tokens":4,"total_tokens":7}'


@pytest.fixture(params=LACKS)
def version(request):
    return request.param


def check(version: str, database: Path) -> None:
    """The only trace of a database: its spans, and of versions that keep them its name and tokens."""
    with closing(sqlite3.connect(database)) as rows:
        spans = sorted(rows.execute("select name, type from spans"))
        tags = dict(rows.execute("select key, value from trace_tags"))
        metadata = dict(rows.execute("select key, value from trace_request_metadata"))
        rows.row_factory = sqlite3.Row
        info = dict(rows.execute("select * from trace_info").fetchone())
    assert spans == [("chat", "CHAT_MODEL"), ("root", "CHAIN"), ("tool", "TOOL")]
    if not LACKS[version]:  # since MLflow 3.18 in columns
        assert (info.get("trace_name") or tags["mlflow.traceName"]) == "root"
        usage = json.loads(metadata.get("mlflow.trace.tokenUsage", "{}"))
        assert (info.get("total_tokens") or usage["total_tokens"]) == 7


def test_a_server(version, tmp_path, monkeypatch, capsys, caplog):
    caplog.set_level(logging.WARNING, "genspan")
    with running(environment(version), tmp_path) as server:
        root = ended_span("root", {"mlflow.spanType": "CHAIN"})
        tool = ended_span("tool", {"mlflow.spanType": "TOOL"}, parent=root.context)
        attributes = {"mlflow.spanType": "CHAT_MODEL", "mlflow.chat.tokenUsage": USAGE}
        chat = ended_span("chat", attributes, parent=root.context)
        exporter = MlflowSpanExporter(server.uri, experiment_name="mine", timeout=120)
        assert exporter.export([tool, chat, root]) is SpanExportResult.SUCCESS
        check(version, tmp_path / "mlflow.db")
        assert caplog.messages == []

        monkeypatch.setenv("MLFLOW_TRACKING_URI", server.uri)
        monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "mine")
        status = main(["doctor", "--probe"])
        printed = capsys.readouterr().out
        assert status == 0, printed
        assert "A probe span is stored" in printed
        assert [text for text in LACKS[".venv-mlflow-oldest"] if text in printed] == LACKS[version]
        if not LACKS[version]:
            monkeypatch.delenv("MLFLOW_EXPERIMENT_NAME")
            in_context.check(in_context.read(server))


def test_a_database(version, tmp_path):
    python = str(environment(version) / "bin" / "python")
    settings = {"MLFLOW_TRACKING_URI": "sqlite:///mlflow.db", "MLFLOW_EXPERIMENT_NAME": "mine"}
    done = run(tmp_path, SETUP + PROGRAM, python, **settings)
    assert done.returncode == 0, done.stderr
    assert "genspan" not in done.stderr
    check(version, tmp_path / "mlflow.db")
