"""``genspan view`` and ``genspan doctor`` with a real MLflow server."""

from __future__ import annotations

import os
from unittest.mock import patch

import pytest
from opentelemetry.trace import Status, StatusCode

from genspan.cli import main
from genspan.mlflow import MlflowSpanExporter
from tests.support.spans import ended_span

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


@pytest.fixture
def experiment(mlflow_server):
    """An experiment with one trace, named in the environment; the trace's id."""
    root = ended_span("answer", {"mlflow.spanType": "AGENT", "mlflow.chat.tokenUsage": "null"})
    usage = '{"input_tokens":1200,"output_tokens":34,"total_tokens":1234}'
    chat = {"mlflow.spanType": "CHAT_MODEL", "mlflow.chat.tokenUsage": usage, "mlflow.llm.model": "gemini-x"}
    spans = [
        root,
        ended_span("generate_content", chat, parent=root.context),
        ended_span("execute_tool f", {"mlflow.spanType": "TOOL"}, parent=root.context),
        ended_span("broken", parent=root.context, status=Status(StatusCode.ERROR, "no luck")),
    ]
    name = "seen in the terminal"
    settings = {"MLFLOW_TRACKING_URI": mlflow_server.uri, "MLFLOW_EXPERIMENT_NAME": name}
    with patch.dict(os.environ, settings):
        MlflowSpanExporter().export(spans)
        yield f"tr-{root.context.trace_id:032x}"


def test_view(experiment, capsys):
    assert main(["view", "-n", "1"]) == 0
    newest = capsys.readouterr().out
    assert main(["view", experiment]) == 0
    assert capsys.readouterr().out == newest
    title, *tree = newest.splitlines()
    assert title.startswith(f"{experiment}  4 spans")
    assert title.endswith("OK  1,200 in + 34 out = 1,234 tokens")
    assert tree[0] == "└── answer  1.00 s  ok"
    assert sorted(tree[1:]) == sorted(
        [
            "    ├── generate_content  gemini-x  1,200 in + 34 out = 1,234 tokens  1.00 s  ok",
            "    ├── execute_tool f  1.00 s  ok",
            "    └── broken  1.00 s  ERROR no luck",
        ]
    )


def test_view_of_a_trace_that_is_not_there(experiment, capsys):
    assert main(["view", "tr-" + "0" * 31 + "1"]) == 1
    assert "There is no trace" in capsys.readouterr().out


def test_doctor(experiment, capsys):
    assert main(["doctor", "--probe"]) == 0
    said = capsys.readouterr().out
    assert "answers, MLflow 3." in said
    assert "Experiment 'seen in the terminal' can be read" in said
    assert "A probe span is stored" in said
