"""The exporter against an MLflow server over real HTTP on loopback that answers as it is told."""

from __future__ import annotations

import base64
import logging
import socket
import subprocess
import threading
import time

import pytest
from opentelemetry import context as otel_context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.utils import is_instrumentation_enabled
from opentelemetry.sdk.trace import Event, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult
from opentelemetry.trace import Status, StatusCode
from requests.adapters import HTTPAdapter

from genspan.mlflow import MlflowSpanExporter
from tests.support.fake_mlflow import Answer, FakeMlflow, Request, error
from tests.support.spans import ended_span, span_context

STORED, LOST = SpanExportResult.SUCCESS, SpanExportResult.FAILURE


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch):
    for name in ("URI", "TOKEN", "USERNAME", "PASSWORD", "INSECURE_TLS", "SERVER_CERT_PATH", "CLIENT_CERT_PATH"):
        monkeypatch.delenv(f"MLFLOW_TRACKING_{name}", raising=False)
    monkeypatch.delenv("MLFLOW_EXPERIMENT_NAME", raising=False)
    monkeypatch.delenv("MLFLOW_EXPERIMENT_ID", raising=False)


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
def said(caplog):
    """What was logged at WARNING and above, by anybody."""
    caplog.set_level(logging.WARNING)
    return lambda: [record.getMessage() for record in caplog.records]


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


# --- what arrives


def test_spans_arrive_gzipped_in_the_default_experiment_without_a_look_up(mlflow, exporter):
    assert exporter.export([ended_span("one"), ended_span("two")]) is STORED
    (request,) = mlflow.requests
    assert mlflow.stored_names == ["one", "two"]
    assert request.path == "/v1/traces"
    assert request.headers["x-mlflow-experiment-id"] == "0"
    assert request.headers["content-encoding"] == "gzip"
    assert request.headers["content-type"] == "application/x-protobuf"
    assert "authorization" not in request.headers


def test_a_path_prefix_is_kept(mlflow):
    exporter = MlflowSpanExporter(mlflow.uri + "/team/mlflow/", experiment_name="x")
    assert exporter.export([ended_span()]) is STORED
    assert [request.path for request in mlflow.requests] == [
        "/team/mlflow/api/2.0/mlflow/experiments/get-by-name",
        "/team/mlflow/api/2.0/mlflow/experiments/create",
        "/team/mlflow/v1/traces",
    ]


def attributes_of(mlflow: FakeMlflow, index: int = 0) -> dict[str, object]:
    return {item.key: getattr(item.value, item.value.WhichOneof("value")) for item in mlflow.stored[index].attributes}


def test_one_form_of_content_and_a_trace_name_on_the_root_only(mlflow, exporter):
    content = {
        "gen_ai.input.messages": "[]",
        "gen_ai.output.messages": "[]",
        "gen_ai.system_instructions": "[]",
        "gen_ai.tool.definitions": "[]",
        "gen_ai.request.model": "m",
    }
    root = ended_span("root", {**content, "mlflow.spanInputs": "{}"})
    child = ended_span("child", content, parent=root.context)
    named = ended_span("other", {"mlflow.traceTag.mlflow.traceName": "mine"})
    before = [dict(span.attributes) for span in (root, child, named)]
    exporter.export([root, child, named])
    assert attributes_of(mlflow, 0) == {
        "gen_ai.request.model": "m",
        "mlflow.spanInputs": "{}",
        "mlflow.traceTag.mlflow.traceName": "root",
    }
    assert attributes_of(mlflow, 1) == content
    assert attributes_of(mlflow, 2) == {"mlflow.traceTag.mlflow.traceName": "mine"}
    assert [dict(span.attributes) for span in (root, child, named)] == before


@pytest.mark.parametrize(
    ("attributes", "status", "expected"),
    [
        ({"mlflow.spanType": "TOOL"}, None, 1),
        ({"gen_ai.operation.name": "execute_tool"}, None, 1),
        ({"gen_ai.operation.name": "execute_tool"}, Status(StatusCode.ERROR, "no"), 2),
        ({"mlflow.spanType": "CHAT_MODEL"}, None, 0),
    ],
)
def test_tools_that_did_not_fail_succeeded(mlflow, exporter, attributes, status, expected):
    span = ended_span("tool", attributes, status=status)
    exporter.export([span])
    assert mlflow.stored[0].status.code == expected
    assert span.status.status_code is (status.status_code if status else StatusCode.UNSET)


def test_text_that_cannot_be_encoded_costs_nothing(mlflow, exporter, said):
    half = "half \ud83d"
    event = Event(half, {"exception.message": half}, 5)
    exporter.export([ended_span(half, {half: half}, events=[event], status=Status(StatusCode.ERROR, half))])
    (span,) = mlflow.stored
    assert (span.name, span.status.message, span.events[0].name) == ("half \ufffd",) * 3
    assert span.events[0].attributes[0].value.string_value == "half \ufffd"
    assert attributes_of(mlflow)["half \ufffd"] == "half \ufffd"
    assert said() == []


def test_a_span_that_needs_no_change_is_the_same_object():
    from genspan.mlflow.spans import for_mlflow

    span = ended_span("child", {"a": "b"}, parent=span_context(), events=[Event("e", {"x": 1})])
    assert for_mlflow(span) is span


# --- credentials


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


def test_what_is_meant_for_a_collector_stays_away(mlflow, monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer collector,x-secret=1")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "x-mlflow-experiment-id=77,x-secret=2")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_CERTIFICATE", "/nowhere.pem")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "/nowhere.pem")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "deflate")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.000001")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:1")
    assert MlflowSpanExporter(mlflow.uri).export([ended_span()]) is STORED
    headers = mlflow.requests[0].headers
    assert "authorization" not in headers
    assert "x-secret" not in headers
    assert headers["x-mlflow-experiment-id"] == "0"
    assert headers["content-encoding"] == "gzip"


# --- the experiment


def test_an_experiment_is_looked_up_once(mlflow):
    mlflow.experiments["mine"] = {"experiment_id": "42", "lifecycle_stage": "active"}
    exporter = MlflowSpanExporter(mlflow.uri, experiment_name="mine")
    exporter.export([ended_span()])
    exporter.export([ended_span()])
    assert [request.headers.get("x-mlflow-experiment-id") for request in mlflow.posts] == ["42", "42"]
    assert len(mlflow.requests) == 3


def test_a_missing_experiment_is_created(mlflow, monkeypatch):
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "new & käse")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow.uri)
    assert MlflowSpanExporter().export([ended_span()]) is STORED
    assert "new & käse" in mlflow.experiments
    assert mlflow.posts[0].headers["x-mlflow-experiment-id"] == "1"


def test_two_processes_create_it_at_once(mlflow):
    def other_is_quicker(request: Request) -> None:
        if request.path.endswith("/create"):
            mlflow.experiments["mine"] = {"experiment_id": "9", "lifecycle_stage": "active"}

    mlflow.on_request = other_is_quicker
    assert MlflowSpanExporter(mlflow.uri, experiment_name="mine").export([ended_span()]) is STORED
    assert mlflow.posts[0].headers["x-mlflow-experiment-id"] == "9"


def test_a_number_is_used_as_it_is(mlflow, monkeypatch):
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", "7")
    assert MlflowSpanExporter(mlflow.uri).export([ended_span()]) is STORED
    assert [request.headers["x-mlflow-experiment-id"] for request in mlflow.requests] == ["7"]


def test_an_argument_replaces_both_variables(mlflow, monkeypatch):
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "other")
    MlflowSpanExporter(mlflow.uri, experiment_id="7").export([ended_span()])
    assert [request.headers["x-mlflow-experiment-id"] for request in mlflow.requests] == ["7"]


def test_name_and_number_that_disagree(mlflow, said):
    exporter = MlflowSpanExporter(mlflow.uri, experiment_name="Default", experiment_id="7")
    assert exporter.export([ended_span()]) is LOST
    assert "set one" in said()[0]
    assert mlflow.posts == []


def test_a_deleted_experiment(mlflow, said):
    mlflow.experiments["gone"] = {"experiment_id": "5", "lifecycle_stage": "deleted"}
    assert MlflowSpanExporter(mlflow.uri, experiment_name="gone").export([ended_span()]) is LOST
    assert mlflow.posts == []
    (message,) = said()
    assert "'gone' is deleted" in message


def test_a_name_that_the_server_refuses(mlflow, said):
    mlflow.on_request = lambda request: (
        error(400, "INVALID_PARAMETER_VALUE", "bad name") if request.path.endswith("create") else None
    )
    exporter = MlflowSpanExporter(mlflow.uri, experiment_name="x")
    assert exporter.export([ended_span(), ended_span()]) is LOST
    assert len(mlflow.requests) == 2
    (message,) = said()
    assert "bad name" in message


def test_an_experiment_that_disappears_is_looked_up_again(mlflow, said):
    exporter = MlflowSpanExporter(mlflow.uri, experiment_name="mine")
    exporter.export([ended_span("before")])
    mlflow.on_request = lambda request: error(404, "RESOURCE_DOES_NOT_EXIST") if request in mlflow.posts else None
    assert exporter.export([ended_span("meanwhile")]) is LOST
    mlflow.on_request = lambda _: None
    assert exporter.export([ended_span("after")]) is STORED
    assert mlflow.stored_names == ["before", "after"]
    assert len(said()) == 1


# --- settings that cannot be used


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
def test_a_bad_setting_is_said_at_once_and_spans_are_dropped_with_one_message(monkeypatch, said, environment, names):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    exporter = MlflowSpanExporter()
    (message,) = said()
    assert all(name in message for name in names), message
    assert "secret" not in message
    assert [exporter.export([ended_span()]) for _ in range(3)] == [LOST] * 3
    assert len(said()) == 2
    exporter.shutdown()
    assert exporter.force_flush() is True


@pytest.mark.parametrize(
    ("name", "value", "used"),
    [("MLFLOW_TRACKING_INSECURE_TLS", "yes", "false"), ("MLFLOW_HTTP_REQUEST_TIMEOUT", "soon", "30")],
)
def test_an_unknown_value_is_said_once_and_the_default_used(mlflow, monkeypatch, said, name, value, used):
    monkeypatch.setenv(name, value)
    assert MlflowSpanExporter(mlflow.uri).export([ended_span()]) is STORED
    (message,) = said()
    assert all(part in message for part in (name, repr(value), "accepted", f"Using: {used}"))


def test_credentials_are_in_no_representation():
    from genspan.mlflow.settings import read_destination

    for uri in ("http://me:secret@host", "postgresql://me:secret@host/db"):
        destination = read_destination(uri, token="secret", password="secret")
        assert "secret" not in repr(destination) + destination.shown
        assert "host" in destination.shown
    assert read_destination("sqlite:///data/mlflow.db").shown == "sqlite:///data/mlflow.db"


# --- servers that do not store


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
def test_each_cause_is_said_once_and_the_batch_not_split(mlflow, exporter, said, answer, words):
    mlflow.on_request = lambda _: answer
    assert [exporter.export([ended_span() for _ in range(5)]) for _ in range(3)] == [LOST] * 3
    assert len(mlflow.posts) == 3
    (message,) = said()
    assert words in message
    assert "Lost: 5 span(s)" in message


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(401, "no"), "wants a login"),
        (Answer(404, "<html>", "text/html"), "does not answer as an MLflow server"),
        (Answer(200, "<html>", "text/html"), "does not answer as an MLflow server"),
        (Answer(200, "{}"), "does not answer as an MLflow server"),
        (Answer(200, "[1]"), "does not answer as an MLflow server"),
        (Answer(500, "oops"), "cannot be found or created"),
    ],
)
def test_the_look_up_fails_in_the_same_words(mlflow, said, answer, words):
    mlflow.on_request = lambda _: answer
    exporter = MlflowSpanExporter(mlflow.uri, experiment_name="x")
    assert [exporter.export([ended_span()]) for _ in range(2)] == [LOST] * 2
    assert mlflow.posts == []
    (message,) = said()
    assert words in message


def test_wrong_credentials_are_told_from_missing_ones(mlflow, said):
    mlflow.on_request = lambda _: Answer(401, "no")
    MlflowSpanExporter(mlflow.uri, token="secret").export([ended_span()])
    (message,) = said()
    assert "does not accept these credentials" in message
    assert "secret" not in message


def test_an_outage_is_said_again_after_things_were_well(mlflow, exporter, said):
    for answer in (Answer(401), None, Answer(401)):
        mlflow.on_request = lambda _, answer=answer: answer
        exporter.export([ended_span()])
    assert len(said()) == 2


def test_later_losses_are_told_at_debug(mlflow, exporter, caplog):
    caplog.set_level(logging.DEBUG, "genspan.mlflow")
    mlflow.on_request = lambda _: Answer(401)
    exporter.export([ended_span()])
    exporter.export([ended_span(), ended_span()])
    assert [record.levelname for record in caplog.records if record.name == "genspan.mlflow"] == ["ERROR", "DEBUG"]


def test_a_busy_server_gets_the_spans_again(mlflow, exporter, said):
    answers = iter([Answer(503, "database is locked", headers={"retry-after": "0"})])
    mlflow.on_request = lambda _: next(answers, None)
    assert exporter.export([ended_span("patient")]) is STORED
    assert mlflow.stored_names == ["patient"]
    assert said() == []


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.parametrize("settings", [{}, {"experiment_name": "x"}])
def test_spans_wait_for_a_server_that_starts(settings, said):
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
    assert said() == []


@pytest.mark.parametrize("settings", [{}, {"experiment_name": "x"}])
def test_shutdown_ends_the_waiting(settings, said):
    exporter = MlflowSpanExporter(f"http://127.0.0.1:{free_port()}", **settings)
    thread = threading.Thread(target=exporter.export, args=([ended_span()],))
    thread.start()
    time.sleep(0.2)
    begin = time.monotonic()
    exporter.shutdown()
    thread.join(10)
    assert time.monotonic() - begin < 1
    (message,) = said()
    assert "No server answers at http://127.0.0.1" in message
    assert "Connection refused" in message
    assert exporter.export([ended_span()]) is LOST


def test_the_names_of_the_server_and_not_its_password_are_said(said):
    exporter = MlflowSpanExporter("http://me:secret@no-such-host.invalid")
    threading.Timer(0.2, exporter.shutdown).start()
    exporter.export([ended_span()])
    (message,) = said()
    assert "no-such-host.invalid" in message
    assert "secret" not in message


# --- requests that are refused for their content


def poisoned(status: int):
    def answer(request: Request) -> Answer | None:
        bad = request.path == "/v1/traces" and any(span.name == "bad" for span in request.spans)
        return Answer(status, '{"detail":"Failed to log OpenTelemetry spans"}') if bad else None

    return answer


@pytest.mark.parametrize("status", [400, 413, 422, 500])
def test_one_bad_span_costs_one_span(mlflow, exporter, said, status):
    mlflow.on_request = poisoned(status)
    spans = [ended_span(f"good {index}") for index in range(511)]
    spans.insert(300, ended_span("bad"))
    assert exporter.export(spans) is LOST
    assert mlflow.stored_names == [span.name for span in spans if span.name != "bad"]
    assert len(mlflow.posts) <= 20
    (message,) = said()
    assert "'bad'" in message
    assert f"{spans[300].context.trace_id:032x}" in message
    assert "Lost: 1 span(s)" in message


def test_several_bad_spans(mlflow, exporter, said):
    mlflow.on_request = poisoned(422)
    names = ["good"] * 100
    names[3] = names[50] = names[99] = "bad"
    exporter.export([ended_span(name) for name in names])
    assert mlflow.stored_names == ["good"] * 97
    assert len(said()) == 1


def test_a_server_that_refuses_everything_is_not_flooded(mlflow, exporter, said):
    mlflow.on_request = lambda _: Answer(500, "broken")
    assert exporter.export([ended_span() for _ in range(512)]) is LOST
    assert len(mlflow.posts) <= 66
    assert len(said()) == 1


def test_the_rest_waits_for_no_second_problem(mlflow, exporter):
    """A server that goes away while a batch is split ends the splitting."""
    answers = iter([Answer(422, "bad"), Answer(401, "logged out")])
    mlflow.on_request = lambda _: next(answers, None)
    assert exporter.export([ended_span() for _ in range(8)]) is LOST
    assert len(mlflow.posts) == 2


def test_a_trace_of_another_experiment_costs_that_trace_only(mlflow, exporter, said):
    foreign = span_context()
    trace = f"{foreign.trace_id:032x}"

    def answer(request: Request) -> Answer | None:
        if any(span.trace_id.hex() == trace for span in request.spans):
            text = f"Trace with ID tr-{trace} already exists in another experiment"
            return error(400, "INVALID_PARAMETER_VALUE", text)
        return None

    mlflow.on_request = answer
    spans = [ended_span(f"good {index}") for index in range(50)]
    for at in (5, 40):
        spans.insert(at, ended_span("foreign", parent=foreign))
    assert exporter.export(spans) is LOST
    assert len(mlflow.posts) == 2
    assert mlflow.stored_names == [f"good {index}" for index in range(50)]
    exporter.export([ended_span("foreign", parent=foreign)])
    (message,) = said()
    assert "already stored in another experiment" in message
    assert "MLFLOW_EXPERIMENT_NAME" in message


def test_requests_are_bounded_in_bytes(mlflow, exporter):
    spans = [ended_span(str(index), {"text": "x" * (3 << 20)}) for index in range(7)]
    spans.insert(3, ended_span("large", {"text": "x" * (20 << 20)}))
    assert exporter.export(spans) is STORED
    assert [len(request.spans) for request in mlflow.posts] == [2, 1, 1, 2, 2]


def test_a_span_without_identity_is_left_out(mlflow, exporter):
    from opentelemetry.sdk.trace import ReadableSpan

    assert exporter.export([ReadableSpan("nobody"), ended_span("somebody")]) is STORED
    assert mlflow.stored_names == ["somebody"]


# --- manners


def test_our_own_requests_are_not_instrumented(mlflow, exporter, monkeypatch):
    seen = []
    send = HTTPAdapter.send

    def spy(*args, **kwargs):
        seen.append(is_instrumentation_enabled())
        return send(*args, **kwargs)

    monkeypatch.setattr(HTTPAdapter, "send", spy)
    MlflowSpanExporter(mlflow.uri, experiment_name="x").export([ended_span()])
    assert seen == [False] * 3
    assert otel_context.get_current() == {}


def test_the_log_lines_of_another_otlp_exporter_are_left_alone(mlflow, exporter, said):
    mlflow.on_request = lambda _: Answer(401)
    exporter.export([ended_span()])
    OTLPSpanExporter(endpoint=f"{mlflow.uri}/v1/traces", timeout=1).export([ended_span()])
    assert len(said()) == 2
    assert "401" in said()[1]


def test_whatever_happens_inside_does_not_reach_the_caller(mlflow, exporter, said, monkeypatch):
    monkeypatch.setattr("genspan.mlflow.exporter.deliver", lambda *_: 1 / 0)
    assert exporter.export([ended_span()]) is LOST
    assert "could not be sent to MLflow" in said()[0]


def test_through_a_batch_processor(mlflow):
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(MlflowSpanExporter(mlflow.uri)))
    tracer = provider.get_tracer("tests")
    with tracer.start_as_current_span("root"), tracer.start_as_current_span("child"):
        pass
    assert provider.force_flush()
    assert sorted(mlflow.stored_names) == ["child", "root"]
    provider.shutdown()
    provider.shutdown()


# --- TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(path) + ".key", "-out", str(path) + ".crt"]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("openssl is not installed")
    path.write_text(path.with_suffix(".pem.key").read_text() + path.with_suffix(".pem.crt").read_text())
    return str(path)


@pytest.fixture
def secure(certificate):
    with FakeMlflow(certificate=certificate) as server:
        yield server


def test_an_unknown_certificate(secure, said):
    exporter = MlflowSpanExporter(secure.uri, experiment_name="x")
    assert exporter.export([ended_span()]) is LOST
    assert secure.requests == []
    (message,) = said()
    assert "MLFLOW_TRACKING_SERVER_CERT_PATH" in message
    assert "self-signed certificate" in message


def test_a_certificate_authority(secure, certificate, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_SERVER_CERT_PATH", certificate)
    assert MlflowSpanExporter(secure.uri, experiment_name="x").export([ended_span()]) is STORED


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_any_certificate(secure, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_INSECURE_TLS", "True")
    assert MlflowSpanExporter(secure.uri, experiment_name="x").export([ended_span()]) is STORED


def test_the_certificate_path_wins_over_any_certificate(secure, certificate, said):
    exporter = MlflowSpanExporter(secure.uri, insecure_tls=True, server_cert_path=certificate)
    assert exporter.export([ended_span()]) is STORED
    assert len(said()) == 1
