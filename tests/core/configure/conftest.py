"""A process that begins, and where its spans may go."""

from __future__ import annotations

import os
import signal
import sys
from unittest.mock import patch

import pytest
from google import genai

import genspan
from genspan._core import config
from genspan._setup import configure as _setup
from genspan._setup import exporting, process_end
from tests.core.configure.setting import SETTINGS
from tests.support.fake_mlflow import FakeMlflow
from tests.support.otel_globals import fresh_globals
from tests.support.otlp_sink import OtlpSink


@pytest.fixture(autouse=True)
def fresh_process():
    """As a process begins: no provider, no setting, no set-up, and no signal handler of ours."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith(SETTINGS)}
    handler = signal.getsignal(signal.SIGTERM)
    modules = {name for name in sys.modules if name.partition(".")[0] == "mlflow"}
    with (
        fresh_globals(),
        patch.dict(os.environ, bare, clear=True),
        patch.object(_setup, "_setup", _setup.Setup()),
        patch.object(process_end, "_installed", [True]),
        patch.dict(sys.modules, dict.fromkeys(modules)),
    ):
        for name in modules:
            sys.modules.pop(name, None)
        config.in_code.clear()
        try:
            yield
        finally:
            _setup._setup.shutdown()
            genspan.uninstrument()
            signal.signal(signal.SIGTERM, handler)


@pytest.fixture
def mlflow():
    with FakeMlflow() as server:
        yield server


@pytest.fixture
def sink():
    with OtlpSink() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def client(running_provider):
    """One that was there before anything is set up."""
    made = genai.Client(api_key="key-of-the-test", http_options={"base_url": running_provider.url})
    yield made
    made.close()


@pytest.fixture
def ask(provider, client):
    """Make one call of the model."""
    return lambda text="hello", model="gemini-2.5-flash": client.models.generate_content(model=model, contents=text)


@pytest.fixture
def localhost(sink):
    """A receiver in the place of OpenTelemetry's default one, which this machine may have or not."""
    real = exporting._arguments

    def arguments(point, signal, given):
        found = dict(real(point, signal, given))
        return {"endpoint": f"{sink.url}/v1/{signal}"} if point == "otlp_proto_http" and not found else found

    with patch.object(exporting, "_arguments", arguments):
        yield sink
