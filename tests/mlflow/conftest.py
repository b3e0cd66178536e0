"""An exporter against an MLflow server over real HTTP on loopback that answers as it is scripted to."""

from __future__ import annotations

import logging

import pytest

from genspan.mlflow import MlflowSpanExporter
from tests.support.fake_mlflow import FakeMlflow


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch):
    for name in ("URI", "TOKEN", "USERNAME", "PASSWORD", "INSECURE_TLS", "SERVER_CERT_PATH", "CLIENT_CERT_PATH"):
        monkeypatch.delenv(f"MLFLOW_TRACKING_{name}", raising=False)
    for name in ("EXPERIMENT_NAME", "EXPERIMENT_ID", "HTTP_REQUEST_TIMEOUT"):
        monkeypatch.delenv(f"MLFLOW_{name}", raising=False)


@pytest.fixture
def mlflow():
    with FakeMlflow() as server:
        yield server


@pytest.fixture
def exporter(mlflow):
    exporter = MlflowSpanExporter(mlflow.uri)
    yield exporter
    exporter.shutdown()


@pytest.fixture
def logged(caplog):
    """What was logged at WARNING and above, by anybody."""
    caplog.set_level(logging.WARNING)
    return lambda: [record.getMessage() for record in caplog.records]
