"""Servers of uvicorn, whose processes end by the signal that stops them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request

from tests.support.otlp_sink import OtlpSink

APP = """
import os, genspan
genspan.configure(endpoint=os.environ["SINK"])
from opentelemetry import trace

async def app(scope, receive, send):
    if scope["type"] == "http":
        trace.get_tracer("tests").start_span("served").end()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})
"""


def test_spans_of_uvicorns_workers_arrive(tmp_path):
    (tmp_path / "served.py").write_text(APP, encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "uvicorn",
        "--workers",
        "2",
        "--lifespan",
        "off",
        "--port",
        str(port),
        "served:app",
    ]
    with OtlpSink() as sink:
        # Nothing is sent by itself before the test is over.
        settings = {"SINK": sink.url, "OTEL_BSP_SCHEDULE_DELAY": "600000"}
        with subprocess.Popen(command, cwd=tmp_path, env={**os.environ, **settings}) as server:
            for _ in range(5):
                answered(port)
            server.send_signal(signal.SIGTERM)
        assert [span.name for span in sink.spans] == ["served"] * 5


def answered(port):
    """Ask until somebody listens."""
    for _ in range(600):
        try:
            return urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=60).read()
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the server does not answer")
