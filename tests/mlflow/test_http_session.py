"""TLS, time limits and connections of requests to a server."""

from __future__ import annotations

import subprocess
import threading

import pytest
from opentelemetry.sdk.trace.export import SpanExportResult
from requests.adapters import HTTPAdapter

from genspan.mlflow import MlflowSpanExporter
from genspan.mlflow.destination import read_destination
from genspan.mlflow.http_session import MlflowSession
from tests.support.absent import absent
from tests.support.fake_mlflow import Answer, FakeMlflow
from tests.support.spans import ended_span

STORED, LOST = SpanExportResult.SUCCESS, SpanExportResult.FAILURE


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(path) + ".key", "-out", str(path) + ".crt"]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except FileNotFoundError:
        absent("openssl", "openssl is not installed")
    path.write_text(path.with_suffix(".pem.key").read_text() + path.with_suffix(".pem.crt").read_text())
    return str(path)


@pytest.fixture
def secure(certificate):
    with FakeMlflow(certificate=certificate) as server:
        yield server


def test_an_untrusted_certificate_authority(secure, logged):
    exporter = MlflowSpanExporter(secure.uri, experiment_name="x")
    assert exporter.export([ended_span()]) is LOST
    assert secure.requests == []
    (message,) = logged()
    assert "MLFLOW_TRACKING_SERVER_CERT_PATH" in message
    assert "self-signed certificate" in message


def test_server_cert_path(secure, certificate, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_SERVER_CERT_PATH", certificate)
    assert MlflowSpanExporter(secure.uri, experiment_name="x").export([ended_span()]) is STORED


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_insecure_tls(secure, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_INSECURE_TLS", "True")
    assert MlflowSpanExporter(secure.uri, experiment_name="x").export([ended_span()]) is STORED


def test_the_certificate_path_wins_over_any_certificate(secure, certificate, logged):
    exporter = MlflowSpanExporter(secure.uri, insecure_tls=True, server_cert_path=certificate)
    assert exporter.export([ended_span()]) is STORED
    assert len(logged()) == 1


@pytest.fixture
def sent(monkeypatch):
    """The keyword arguments of every request that leaves."""
    sent: list[dict[str, object]] = []
    send = HTTPAdapter.send

    def spy(self, request, **kwargs):
        sent.append(kwargs)
        return send(self, request, **{**kwargs, "cert": None})

    monkeypatch.setattr(HTTPAdapter, "send", spy)
    return sent


@pytest.mark.parametrize(
    ("environment", "arguments", "expected"),
    [
        ({}, {}, (5.0, 30.0)),
        ({"MLFLOW_HTTP_REQUEST_TIMEOUT": "7.5"}, {}, (5.0, 7.5)),
        ({"MLFLOW_HTTP_REQUEST_TIMEOUT": "7.5"}, {"timeout": 3}, (5.0, 3)),
    ],
)
def test_request_timeout(mlflow, monkeypatch, sent, environment, arguments, expected):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert MlflowSpanExporter(mlflow.uri, experiment_name="x", **arguments).export([ended_span()]) is STORED
    assert [kwargs["timeout"] for kwargs in sent] == [expected] * 3


def test_a_server_that_does_not_answer_in_time(mlflow, logged):
    release = threading.Event()
    mlflow.on_request = lambda _: release.wait(20) and None
    exporter = MlflowSpanExporter(mlflow.uri, experiment_name="x", timeout=0.05)
    threading.Timer(0.2, exporter.shutdown).start()
    assert exporter.export([ended_span()]) is LOST
    release.set()
    (message,) = logged()
    assert "did not answer in time (MLFLOW_HTTP_REQUEST_TIMEOUT seconds)" in message


@pytest.mark.parametrize(
    ("environment", "arguments", "expected"),
    [
        ({}, {}, None),
        ({"MLFLOW_TRACKING_CLIENT_CERT_PATH": "/mine.pem"}, {}, "/mine.pem"),
        ({"MLFLOW_TRACKING_CLIENT_CERT_PATH": "/mine.pem"}, {"client_cert_path": "/other.pem"}, "/other.pem"),
    ],
)
def test_client_certificate(mlflow, monkeypatch, sent, environment, arguments, expected):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert MlflowSpanExporter(mlflow.uri, experiment_name="x", **arguments).export([ended_span()]) is STORED
    assert [kwargs["cert"] for kwargs in sent] == [expected] * 3


def test_a_forked_process_opens_connections_of_its_own(mlflow, monkeypatch):
    session = MlflowSession(read_destination(mlflow.uri))
    session.call("GET", "/health")
    parents = [session.get_adapter(mlflow.uri), session.get_adapter("https://host")]
    session.call("GET", "/health")
    assert [session.get_adapter(mlflow.uri), session.get_adapter("https://host")] == parents
    monkeypatch.setattr("genspan.mlflow.http_session.os.getpid", lambda: -1)
    session.call("GET", "/health")
    children = [session.get_adapter(mlflow.uri), session.get_adapter("https://host")]
    assert not set(children) & set(parents)
    session.call("GET", "/health")
    assert [session.get_adapter(mlflow.uri), session.get_adapter("https://host")] == children


@pytest.mark.parametrize("status", [500, 501])
def test_server_errors_are_not_retried_by_the_otlp_exporter(mlflow, status):
    """Older ones try every 5xx again; MLflow means that it will never take these spans."""
    mlflow.on_request = lambda request: Answer(status, "{}") if request.path == "/v1/traces" else None
    assert MlflowSpanExporter(mlflow.uri).export([ended_span()]) is LOST
    assert len(mlflow.posts) == 1
