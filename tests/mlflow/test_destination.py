"""Settings: arguments, ``MLFLOW_*`` variables, and those that cannot be used."""

from __future__ import annotations

import base64
from importlib.metadata import PackageNotFoundError

import pytest
from opentelemetry.sdk.trace.export import SpanExportResult

from genspan.mlflow import MlflowSpanExporter
from genspan.mlflow.destination import default_uri
from tests.support.spans import ended_span

STORED, LOST = SpanExportResult.SUCCESS, SpanExportResult.FAILURE


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.mark.parametrize(
    ("environment", "arguments", "user", "expected"),
    [
        ({"TOKEN": "t"}, {}, "", "Bearer t"),
        ({"USERNAME": "u", "PASSWORD": "p"}, {}, "", basic("u", "p")),
        ({"USERNAME": "u", "PASSWORD": "p", "TOKEN": "t"}, {}, "", basic("u", "p")),
        ({"USERNAME": "u", "TOKEN": "t"}, {}, "", "Bearer t"),
        ({"USERNAME": "u", "PASSWORD": "p"}, {"token": "mine"}, "", "Bearer mine"),
        ({"TOKEN": "t"}, {"username": "me", "password": "secret"}, "", basic("me", "secret")),
        ({"TOKEN": "t"}, {}, "me:p%40ss@", basic("me", "p@ss")),
        ({}, {"token": "mine"}, "me:pass@", "Bearer mine"),
        ({"TOKEN": " from-a-file\n"}, {}, "", "Bearer from-a-file"),
        ({"USERNAME": "käse", "PASSWORD": "€"}, {}, "", basic("käse", "€")),
    ],
)
def test_credentials(mlflow, monkeypatch, environment, arguments, user, expected):
    for name, value in environment.items():
        monkeypatch.setenv(f"MLFLOW_TRACKING_{name}", value)
    uri = mlflow.uri.replace("//", f"//{user}")
    assert MlflowSpanExporter(uri, experiment_name="x", **arguments).export([ended_span()]) is STORED
    assert {request.headers.get("authorization") for request in mlflow.requests} == {expected}


def test_settings_of_the_otlp_exporter_have_no_effect(mlflow, monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer collector,x-secret=1")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "x-mlflow-experiment-id=77,x-secret=2")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_CERTIFICATE", "/nowhere.pem")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "/nowhere.pem")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "deflate")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.000001")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:1")
    assert MlflowSpanExporter(mlflow.uri).export([ended_span()]) is STORED
    headers = mlflow.posts[0].headers
    assert "authorization" not in headers
    assert "x-secret" not in headers
    assert headers["x-mlflow-experiment-id"] == "0"
    assert headers["content-encoding"] == "gzip"


@pytest.mark.parametrize(
    ("environment", "names"),
    [
        ({"MLFLOW_TRACKING_URI": "./mlruns"}, ["MLFLOW_TRACKING_URI", "file store", "sqlite:///"]),
        ({"MLFLOW_TRACKING_URI": "file:///data/mlruns"}, ["file store"]),
        ({"MLFLOW_TRACKING_URI": "databricks"}, ["Databricks"]),
        ({"MLFLOW_TRACKING_URI": "databricks://profile"}, ["Databricks"]),
        ({"MLFLOW_TRACKING_URI": "ftp://host"}, ["MLFLOW_TRACKING_URI", "'ftp'", "http(s)://"]),
        ({"MLFLOW_TRACKING_URI": "http://"}, ["no complete address"]),
        ({"MLFLOW_TRACKING_URI": "http://user:secret@host:port"}, ["no complete address"]),
        ({"MLFLOW_EXPERIMENT_ID": ""}, ["MLFLOW_EXPERIMENT_ID", "''", "number"]),
        ({"MLFLOW_EXPERIMENT_ID": "Default"}, ["MLFLOW_EXPERIMENT_ID", "'Default'"]),
        ({"MLFLOW_EXPERIMENT_ID": "-1"}, ["'-1'"]),
        ({"MLFLOW_EXPERIMENT_NAME": " "}, ["MLFLOW_EXPERIMENT_NAME"]),
        ({"MLFLOW_TRACKING_TOKEN": "secret\nsecret"}, ["MLFLOW_TRACKING_TOKEN"]),
        ({"MLFLOW_TRACKING_TOKEN": "secret€"}, ["MLFLOW_TRACKING_TOKEN"]),
    ],
)
def test_an_unusable_setting_is_logged_at_once(monkeypatch, logged, environment, names):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    exporter = MlflowSpanExporter()
    (message,) = logged()
    assert all(name in message for name in names), message
    assert "secret" not in message
    assert [exporter.export([ended_span()]) for _ in range(3)] == [LOST] * 3
    assert len(logged()) == 2
    exporter.shutdown()
    assert exporter.force_flush() is True


@pytest.mark.parametrize(
    ("name", "value", "used"),
    [("MLFLOW_TRACKING_INSECURE_TLS", "yes", "false"), ("MLFLOW_HTTP_REQUEST_TIMEOUT", "soon", "30")],
)
def test_an_unknown_value_falls_back_to_the_default(mlflow, monkeypatch, logged, name, value, used):
    monkeypatch.setenv(name, value)
    assert MlflowSpanExporter(mlflow.uri).export([ended_span()]) is STORED
    (message,) = logged()
    assert all(part in message for part in (name, repr(value), "accepted", f"Using: {used}"))


def test_credentials_are_in_no_representation():
    from genspan.mlflow.destination import read_destination

    for uri in ("http://me:secret@host", "postgresql://me:secret@host/db"):
        destination = read_destination(uri, token="secret", password="secret")
        assert "secret" not in repr(destination) + destination.shown
        assert "host" in destination.shown
    assert read_destination("sqlite:///data/mlflow.db").shown == "sqlite:///data/mlflow.db"


@pytest.mark.parametrize(
    ("installed", "files", "uri"),
    [
        (None, [], "http://localhost:5000"),
        ("3.6.0", [], "http://localhost:5000"),
        ("3.7.0", [], "sqlite:///mlflow.db"),
        ("3.18.1rc1", ["mlruns/notes.txt"], "sqlite:///mlflow.db"),
        ("3.17.2", ["mlruns/models/meta.yaml"], "sqlite:///mlflow.db"),
        ("3.17.2", ["mlruns/0/meta.yaml"], "./mlruns"),
    ],
)
def test_the_default_is_that_of_the_installed_mlflow(monkeypatch, tmp_path, installed, files, uri):
    def version(name):
        if installed is None:
            raise PackageNotFoundError(name)
        return installed

    monkeypatch.setattr("genspan.mlflow.destination.version", version)
    monkeypatch.chdir(tmp_path)
    for file in files:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    assert default_uri() == uri


def test_a_default_of_files_says_what_to_use_instead(monkeypatch, tmp_path, logged):
    monkeypatch.setattr("genspan.mlflow.destination.version", lambda name: "3.17.2")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mlruns/0").mkdir(parents=True)
    (tmp_path / "mlruns/0/meta.yaml").touch()
    assert MlflowSpanExporter().export([ended_span()]) is LOST
    assert "'./mlruns' is a file store, which takes no spans; use sqlite:///mlflow.db" in logged()[0]
