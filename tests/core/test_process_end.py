"""What is sent when a process ends: spans, metrics and logs, within a time limit."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from types import SimpleNamespace

import pytest
from opentelemetry import metrics, trace
from opentelemetry._logs import set_logger_provider
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import TracerProvider

from genspan._setup import flush, process_end
from tests.support.otel_globals import fresh_globals
from tests.support.otlp_sink import OtlpSink

BARE = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "MLFLOW_", "GENSPAN_"))}


@pytest.fixture
def flushed(monkeypatch):
    """The kinds of the global providers that were flushed."""
    seen: list[str] = []
    with fresh_globals():
        trace.set_tracer_provider(TracerProvider(shutdown_on_exit=False))
        metrics.set_meter_provider(MeterProvider(shutdown_on_exit=False))
        set_logger_provider(LoggerProvider(shutdown_on_exit=False))
        for kind in (TracerProvider, MeterProvider, LoggerProvider):
            name = kind.__name__
            monkeypatch.setattr(kind, "force_flush", lambda _, *__, name=name: seen.append(name) or True)
        yield seen


def test_all_three_signals_are_flushed(flushed):
    assert flush.flush_all(10)
    assert sorted(flushed) == ["LoggerProvider", "MeterProvider", "TracerProvider"]


def test_a_provider_that_is_not_global_is_flushed_too_until_it_has_ended(flushed):
    own = MeterProvider(shutdown_on_exit=False)
    flush.others.add(own)
    assert flush.flush_all(10)
    assert flushed.count("MeterProvider") == 2
    flush.ended.add(own)
    assert flush.flush_all(10)
    assert flushed.count("MeterProvider") == 3


def test_one_that_fails_does_not_keep_the_others_back(flushed, monkeypatch):
    monkeypatch.setattr(TracerProvider, "force_flush", lambda *_: 1 / 0)
    assert not flush.flush_all(10)
    assert sorted(flushed) == ["LoggerProvider", "MeterProvider"]


def test_it_waits_no_longer_than_the_limit(flushed, monkeypatch):
    answer = threading.Event()
    monkeypatch.setattr(TracerProvider, "force_flush", lambda *_: answer.wait(60))
    assert not flush.flush_all(0.01)
    assert flushed == []
    answer.set()


def test_a_worker_of_celery_flushes_when_it_shuts_down(flushed):
    connected = []
    shutdown = SimpleNamespace(connect=lambda handler, weak: connected.append((handler, weak)))
    process_end._watch_celery(SimpleNamespace(worker_process_shutdown=shutdown))
    ((handler, weak),) = connected
    assert weak is False  # nobody else holds the handler
    handler(sender=None, pid=1, exitcode=0, signal=shutdown)
    assert sorted(flushed) == ["LoggerProvider", "MeterProvider", "TracerProvider"]


async def test_uvicorn_flushes_once_it_has_shut_down(flushed):
    class Server:
        async def shutdown(self, sockets=None):
            flushed.append(sockets)

    process_end._watch_uvicorn(SimpleNamespace(Server=Server))
    assert await Server().shutdown(sockets=["a"]) is None
    assert flushed[0] == ["a"]
    assert sorted(flushed[1:]) == ["LoggerProvider", "MeterProvider", "TracerProvider"]


CELERY = """
class Signal:
    handlers = []
    def connect(self, handler, weak=True):
        self.handlers.append(handler)
    def send(self):
        for handler in self.handlers:
            handler(sender=None, signal=self)
worker_process_shutdown = Signal()
"""
WORKER = """
import genspan, os
genspan.configure(endpoint=os.environ["SINK"])
import celery.signals
from opentelemetry import metrics, trace
if os.fork() == 0:
    trace.get_tracer("tests").start_span("in a worker").end()
    metrics.get_meter("tests").create_counter("runs").add(1)
    celery.signals.worker_process_shutdown.send()
    os._exit(0)
os.wait()
os._exit(0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_celery_imported_later_is_watched(tmp_path):
    (tmp_path / "celery").mkdir()
    (tmp_path / "celery" / "__init__.py").touch()
    (tmp_path / "celery" / "signals.py").write_text(CELERY, encoding="utf-8")
    path = os.pathsep.join([str(tmp_path), BARE.get("PYTHONPATH", "")])
    with OtlpSink() as sink:
        environment = {**BARE, "PYTHONPATH": path, "SINK": sink.url}
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", WORKER],
            env=environment,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert [span.name for span in sink.spans] == ["in a worker"]
        assert "/v1/metrics" in {request.path for request in sink.requests}
