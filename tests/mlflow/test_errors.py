"""Servers that do not store: what is logged, how often, and what is tried again."""

from __future__ import annotations

import logging
import socket
import threading
import time

import pytest
from opentelemetry.sdk.trace.export import SpanExportResult

from genspan.mlflow import MlflowSpanExporter
from tests.support.fake_mlflow import Answer, FakeMlflow, error
from tests.support.spans import ended_span

STORED, LOST = SpanExportResult.SUCCESS, SpanExportResult.FAILURE


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(401, "no"), "wants a login"),
        (error(403, "PERMISSION_DENIED", "only for readers"), "EDIT permission"),
        (error(404, "RESOURCE_DOES_NOT_EXIST", "No Experiment with id=3"), "MLFLOW_EXPERIMENT_ID"),
        (Answer(404, "<html>", "text/html"), "does not answer as an MLflow server"),
        (Answer(405, ""), "HTTP 405"),
        (Answer(200, "<html>login</html>", "text/html; charset=utf-8"), "does not answer as an MLflow server"),
        (Answer(302, "", headers={"location": "https://sso.example"}), "redirects to https://sso.example"),
        (Answer(501, "file store"), "--backend-store-uri"),
        (Answer(422, '{"detail":[{"loc":["header","x-mlflow-experiment-id"]}]}'), "does not arrive"),
    ],
)
def test_each_cause_is_logged_once_and_the_batch_not_split(mlflow, exporter, logged, answer, words):
    mlflow.on_request = lambda _: answer
    assert [exporter.export([ended_span() for _ in range(5)]) for _ in range(3)] == [LOST] * 3
    assert len(mlflow.posts) == 3
    (message,) = logged()
    assert words in message
    assert "Lost: 5 span(s)" in message


def test_credentials_that_are_not_accepted(mlflow, logged):
    mlflow.on_request = lambda _: Answer(401, "no")
    MlflowSpanExporter(mlflow.uri, token="secret").export([ended_span()])
    (message,) = logged()
    assert "does not accept these credentials" in message
    assert "secret" not in message


def test_a_cause_is_logged_again_after_spans_were_stored(mlflow, exporter, logged):
    for answer in (Answer(401), None, Answer(401)):
        mlflow.on_request = lambda _, answer=answer: answer
        exporter.export([ended_span()])
    assert len(logged()) == 2


def test_repeated_losses_are_logged_at_debug(mlflow, exporter, caplog):
    caplog.set_level(logging.DEBUG, "genspan.mlflow")
    mlflow.on_request = lambda _: Answer(401)
    exporter.export([ended_span()])
    exporter.export([ended_span(), ended_span()])
    assert [record.levelname for record in caplog.records if record.name == "genspan.mlflow"] == ["ERROR", "DEBUG"]


def test_a_busy_server_is_retried(mlflow, exporter, logged):
    answers = iter([Answer(503, "database is locked", headers={"retry-after": "0"})])
    mlflow.on_request = lambda request: next(answers, None) if request in mlflow.posts else None
    assert exporter.export([ended_span("patient")]) is STORED
    assert mlflow.stored_names == ["patient"]
    assert logged() == []


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.parametrize("settings", [{}, {"experiment_name": "x"}])
def test_spans_wait_for_a_server_that_starts(settings, logged):
    port = free_port()
    exporter = MlflowSpanExporter(f"http://127.0.0.1:{port}", **settings)
    results: list[SpanExportResult] = []
    thread = threading.Thread(target=lambda: results.append(exporter.export([ended_span("early")])))
    thread.start()
    time.sleep(0.2)
    with FakeMlflow(port=port) as server:
        thread.join(10)
        assert results == [STORED]
        assert server.stored_names == ["early"]
    assert logged() == []


@pytest.mark.parametrize("settings", [{}, {"experiment_name": "x"}])
def test_shutdown_ends_the_retries(settings, logged):
    exporter = MlflowSpanExporter(f"http://127.0.0.1:{free_port()}", **settings)
    thread = threading.Thread(target=exporter.export, args=([ended_span()],))
    thread.start()
    time.sleep(0.2)
    begin = time.monotonic()
    exporter.shutdown()
    thread.join(10)
    assert time.monotonic() - begin < 1
    (message,) = logged()
    assert "No server answers at http://127.0.0.1" in message
    assert "Connection refused" in message
    assert exporter.export([ended_span()]) is LOST


def test_messages_name_the_server_without_its_password(logged):
    exporter = MlflowSpanExporter("http://me:secret@no-such-host.invalid")
    threading.Timer(0.2, exporter.shutdown).start()
    exporter.export([ended_span()])
    (message,) = logged()
    assert "no-such-host.invalid" in message
    assert "secret" not in message
