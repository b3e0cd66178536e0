"""The command ``genspan`` in this process, in an environment without settings."""

from __future__ import annotations

import os
from unittest.mock import patch

import pytest

from genspan.cli import main
from tests.support.fake_mlflow import Answer, FakeMlflow

BARE = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "MLFLOW_", "GENSPAN_"))}


@pytest.fixture(autouse=True)
def environment():
    with patch.dict(os.environ, BARE, clear=True):
        yield os.environ


@pytest.fixture
def mlflow(environment):
    with FakeMlflow() as server:
        server.on_request = lambda request: {
            "/version": Answer(body="3.17.2", content_type="text/html"),
            "/health": Answer(body="OK", content_type="text/html; charset=utf-8"),  # text/plain since MLflow 3.17
        }.get(request.path)
        environment["MLFLOW_TRACKING_URI"] = server.uri
        yield server


@pytest.fixture
def genspan(capsys):
    """Runs the command: its exit status, and all that it printed."""

    def run(*arguments: str) -> tuple[int, str]:
        status = main(arguments)
        captured = capsys.readouterr()
        return status, captured.out + captured.err

    return run
