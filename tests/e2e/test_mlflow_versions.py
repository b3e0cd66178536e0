"""The oldest and the newest MLflow that take spans, as servers and as the package that writes a database."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing

import pytest
from opentelemetry.sdk.trace.export import SpanExportResult

from genspan.cli import main
from genspan.mlflow import MlflowSpanExporter
from tests.e2e.test_local_store import PROGRAM, SETUP, run
from tests.support.mlflow_server import environment, running
from tests.support.spans import ended_span

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


def stored(database) -> tuple[list[tuple[str, str]], dict[str, str], dict[str, str]]:
    """Spans with their types, tags and metadata of the only trace."""
    with closing(sqlite3.connect(database)) as rows:
        return (
            sorted(rows.execute("select name, type from spans")),
            dict(rows.execute("select key, value from trace_tags")),
            dict(rows.execute("select key, value from trace_request_metadata")),
        )


def check(version: str, database) -> None:
    spans, tags, metadata = stored(database)
    assert spans == [("chat", "CHAT_MODEL"), ("root", "CHAIN"), ("tool", "TOOL")]
    if not LACKS[version]:
        assert tags["mlflow.traceName"] == "root"
        assert '"total_tokens": 7' in metadata["mlflow.trace.tokenUsage"]


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


def test_a_database(version, tmp_path):
    python = str(environment(version) / "bin" / "python")
    settings = {"MLFLOW_TRACKING_URI": "sqlite:///mlflow.db", "MLFLOW_EXPERIMENT_NAME": "mine"}
    done = run(tmp_path, SETUP + PROGRAM + "provider.force_flush(600_000)", python, **settings)
    assert done.returncode == 0, done.stderr
    assert "genspan" not in done.stderr
    check(version, tmp_path / "mlflow.db")
