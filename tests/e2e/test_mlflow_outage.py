"""A server with logins that is stopped and started again while a program runs: nothing is lost, and it is said once."""

from __future__ import annotations

import base64
import json
import logging
from urllib.request import Request, urlopen

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

import genspan
from tests.support.absent import absent
from tests.support.mlflow_server import environment, free_port, running

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

USER, PASSWORD = "admin", "a-long-password-of-the-test"


def stored(uri: str) -> set[str]:
    """The names of the spans in the experiment, by the REST API."""
    login = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    headers = {"authorization": f"Basic {login}", "content-type": "application/json"}

    def call(path: str, body: dict | None = None) -> dict:
        data = None if body is None else json.dumps(body).encode()
        with urlopen(Request(uri + path, data, headers), timeout=60) as answer:
            return json.loads(answer.read())

    found = call("/api/2.0/mlflow/experiments/get-by-name?experiment_name=outage")["experiment"]["experiment_id"]
    place = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": found}}
    infos = call("/api/3.0/mlflow/traces/search", {"locations": [place], "max_results": 500})["traces"]
    return {info["tags"]["mlflow.traceName"] for info in infos}


def test_nothing_is_lost_that_the_queue_holds(tmp_path, caplog):
    home, port = environment(), free_port()
    if not list(home.glob("lib/python*/site-packages/flask_wtf")):
        absent("mlflow", f"no flask-wtf in {home}: `make .venv-mlflow/.ready`")
    (tmp_path / "auth.ini").write_text(
        f"[mlflow]\ndefault_permission = READ\ndatabase_uri = sqlite:///{tmp_path}/auth.db\n"
        f"admin_username = {USER}\nadmin_password = {PASSWORD}\n"
        "authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n",
        encoding="utf-8",
    )
    env = {"MLFLOW_FLASK_SERVER_SECRET_KEY": "secret", "MLFLOW_AUTH_CONFIG_PATH": str(tmp_path / "auth.ini")}
    options = ("--app-name", "basic-auth")
    exporter = genspan.MlflowSpanExporter(
        f"http://127.0.0.1:{port}", experiment_name="outage", username=USER, password=PASSWORD
    )
    provider = TracerProvider()
    # Nothing is sent before it is asked for: an export that no server answers is given up after ten seconds.
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=600_000))
    tracer = provider.get_tracer("test")

    def end(name: str) -> None:
        tracer.start_span(name).end()

    with running(home, tmp_path, *options, port=port, **env) as server:
        end("before")
        assert provider.force_flush()
        assert stored(server.uri) == {"before"}
    for number in range(20):
        end(f"during {number}")
    with running(home, tmp_path, *options, port=port, **env) as server:
        end("after")
        assert provider.force_flush()
        assert stored(server.uri) == {"before", "after", *(f"during {number}" for number in range(20))}
        denied = genspan.MlflowSpanExporter(server.uri, experiment_name="outage", username=USER, password="wrong")
        provider.add_span_processor(BatchSpanProcessor(denied, schedule_delay_millis=600_000))
        with caplog.at_level(logging.WARNING, "genspan"):
            for _ in range(2):
                end("denied")
                provider.force_flush()
    assert caplog.text.count("(HTTP 401)") == 1
    provider.shutdown()
