"""``genspan doctor``: what it finds, its exit status, and what it must never print."""

from __future__ import annotations

import socket
from importlib.metadata import version

import pytest

from genspan._core.supported_sdks import Sdk
from genspan.cli import local_checks
from tests.support.fake_mlflow import Answer


def test_doctor_where_all_is_well(mlflow, genspan, environment):
    environment["MLFLOW_TRACKING_TOKEN"] = "secret"
    status, text = genspan("doctor")
    assert status == 0, text
    assert "FAIL" not in text
    for line in (
        "traced by genspan-gemini",
        "takes the distro of genspan",
        "OTEL_TRACES_EXPORTER=mlflow",
        "Prompts and answers on spans",
        "Forms of content (GENSPAN_DIALECTS): mlflow",
        f"{mlflow.uri} answers, MLflow 3.17.2",
        "Experiment '0' can be read with the login given",
    ):
        assert line in text
    assert "secret" not in text
    assert mlflow.posts == []


def test_doctor_probes_only_when_asked(mlflow, genspan):
    assert genspan("doctor")[0] == 0
    assert mlflow.posts == []
    status, text = genspan("doctor", "--probe")
    assert status == 0
    assert f"stored: tr-{mlflow.stored[0].trace_id.hex()}" in text


@pytest.mark.parametrize("answer", [Answer(401, "no"), Answer(422, "bad"), Answer(200, "<html>", "text/html")])
def test_doctor_says_that_a_probe_was_not_stored(mlflow, genspan, answer):
    healthy = mlflow.on_request
    mlflow.on_request = lambda request: answer if request.path == "/v1/traces" else healthy(request)
    status, text = genspan("doctor", "--probe")
    assert status == 1
    assert "The probe span was not stored" in text
    assert "is stored" not in text


def test_doctor_does_not_probe_where_something_failed(mlflow, genspan, environment):
    environment["MLFLOW_EXPERIMENT_NAME"] = "gone"
    mlflow.experiments["gone"] = {"experiment_id": "5", "lifecycle_stage": "deleted"}
    status, text = genspan("doctor", "--probe")
    assert status == 1
    assert "is deleted" in text
    assert mlflow.posts == []


@pytest.mark.parametrize(
    ("version", "status", "words"),
    [
        ("2.22.1", 1, "FAIL  This server takes no spans"),
        ("3.5.1", 1, "FAIL  This server takes no spans"),
        ("3.6.0", 0, "warn  This server does not add up the tokens"),
        ("3.7.0", 0, "warn  This server keeps neither names nor tags"),
        ("3.12.0", 0, "warn  This server keeps neither names nor tags"),
        ("3.13.0", 0, None),
        ("3.18.0rc1", 0, None),
        ("4.0", 0, None),
        ("unknown", 0, None),
    ],
)
def test_doctor_knows_what_a_version_of_the_server_lacks(mlflow, genspan, version, status, words):
    healthy = mlflow.on_request
    mlflow.on_request = lambda request: (
        Answer(body=version, content_type="text/html") if request.path == "/version" else healthy(request)
    )
    found, text = genspan("doctor")
    assert found == status
    assert f"answers, MLflow {version}" in text
    assert (words in text) if words else ("This server" not in text)


@pytest.mark.parametrize("answer", [Answer(200, "OK", "text/plain"), Answer(200, "OK\n", "text/html")])
def test_doctor_takes_every_form_of_mlflows_health(mlflow, genspan, answer):
    mlflow.on_request = lambda request: answer if request.path == "/health" else None
    assert genspan("doctor")[0] == 0


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(200, "<html>login</html>", "text/html"), "does not answer as an MLflow server"),
        (Answer(200, "fine", "text/plain"), "/health does not say OK"),
        (Answer(302, "OK", headers={"location": "https://sso.example"}), "redirects to https://sso.example"),
        (Answer(503, "OK"), "is not ready or overloaded"),
    ],
)
def test_doctor_fails_where_no_mlflow_answers(mlflow, genspan, answer, words):
    mlflow.on_request = lambda request: answer if request.path == "/health" else None
    status, text = genspan("doctor")
    assert status == 1
    assert words in text


def test_doctor_names_an_experiment_that_will_be_created(mlflow, genspan, environment):
    environment["MLFLOW_EXPERIMENT_NAME"] = "new"
    status, text = genspan("doctor")
    assert status == 0
    assert "the first span creates it" in text
    assert "new" not in mlflow.experiments


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"MLFLOW_TRACKING_URI": "http://me:secret@127.0.0.1:1"}, "No server answers at http://127.0.0.1:1"),
        ({"MLFLOW_TRACKING_URI": "mlruns"}, "file store"),
        ({"MLFLOW_EXPERIMENT_ID": ""}, "MLFLOW_EXPERIMENT_ID"),
        ({"MLFLOW_EXPERIMENT_NAME": "Default", "MLFLOW_EXPERIMENT_ID": "7"}, "set one"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://me:secret@127.0.0.1:1"}, "127.0.0.1:1 cannot be reached"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://host:port"}, "no address"),
    ],
)
def test_doctor_fails_where_spans_would_be_lost(mlflow, genspan, environment, settings, words):
    environment.update(settings)
    status, text = genspan("doctor")
    assert status == 1
    assert words in text
    assert "secret" not in text
    assert genspan("doctor", "--offline")[0] == 0


def test_doctor_finds_a_listener_and_a_port_that_is_probably_wrong(genspan, environment):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = f"http://127.0.0.1:{port}"
        environment["OTEL_EXPORTER_OTLP_HEADERS"] = "x-key=secret,authorization=Bearer secret"
        status, text = genspan("doctor")
    assert status == 0
    assert f"127.0.0.1:{port} listens (http/protobuf)" in text
    assert "Headers sent: authorization, x-key" in text
    assert "secret" not in text
    environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = "http://127.0.0.1:4317"
    assert "Port 4317 is usually not the one for http/protobuf" in genspan("doctor")[1]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"OTEL_TRACES_EXPORTER": "foo"}, "There is no exporter 'foo'"),
        ({"OTEL_TRACES_EXPORTER": "otlp,foo"}, "There is no exporter 'foo'"),
        ({"OTEL_TRACES_EXPORTER": "none,otlp"}, "There is no exporter 'none'"),
        ({"OTEL_TRACES_EXPORTER": "none"}, "spans go nowhere"),
        ({"OTEL_TRACES_EXPORTER": " None "}, "spans go nowhere"),
        ({"OTEL_SDK_DISABLED": "true"}, "nothing is recorded"),
        ({"OTEL_TRACES_SAMPLER": "always_off"}, "nothing is recorded"),
        ({"OTEL_TRACES_SAMPLER": "parentbased_always_off"}, "nothing is recorded"),
        ({"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "*"}, "No SDK is traced"),
        ({"OTEL_PYTHON_CONFIGURATOR": "nobody"}, "OTEL_PYTHON_CONFIGURATOR=nobody: there is no such configurator"),
        ({"OTEL_PYTHON_DISTRO": "nobody"}, "OTEL_PYTHON_DISTRO=nobody: there is no such distro"),
    ],
)
def test_doctor_fails_where_no_span_leaves(genspan, environment, settings, words):
    assert genspan("doctor", "--offline")[0] == 0
    environment.update(settings)
    status, text = genspan("doctor", "--offline")
    assert status == 1
    (line,) = [line for line in text.splitlines() if words in line]
    assert line.split()[0] == "FAIL"


def test_doctor_fails_for_an_unknown_protocol(genspan, environment):
    environment["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/json"
    status, text = genspan("doctor")
    assert status == 1
    assert "OTEL_EXPORTER_OTLP_PROTOCOL=http/json: no such protocol" in text


@pytest.mark.parametrize("name", ["mlflow", "otlp", "console", "otlp_proto_http", "otlp,mlflow"])
def test_doctor_knows_the_installed_exporters(genspan, environment, name):
    environment["OTEL_TRACES_EXPORTER"] = name
    assert genspan("doctor", "--offline")[0] == 0


class Instrumentor:
    """Supports ``sdk`` in versions that the test chooses."""

    def __init__(self, sdk: str, supported: str) -> None:
        self.name = f"genspan-{sdk}"
        self.sdk = Sdk(sdk, sdk, ("0.1", "99"))
        self._dependencies = (f"{sdk} {supported}",)

    def load(self):
        return lambda: self

    def instrumentation_dependencies(self) -> tuple[str, ...]:
        return self._dependencies


@pytest.mark.parametrize(
    ("sdk", "supported", "disabled", "level", "words"),
    [
        ("openai", ">= 2", "", "ok", "traced by genspan-openai"),
        ("openai", ">= 99", "", "FAIL", "is installed and not traced: genspan-openai supports openai >= 99"),
        ("openai", "< 1", "", "FAIL", "is installed and not traced"),
        ("openai", ">= 2", "other, genspan-openai", "warn", "switches genspan-openai off"),
        ("no-such-sdk", ">= 1", "", "note", "no-such-sdk >= 1: not installed"),
    ],
)
def test_doctor_on_an_sdk(monkeypatch, environment, sdk, supported, disabled, level, words):
    environment["OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"] = disabled
    monkeypatch.setattr(local_checks.other_instrumentations, "own", lambda: (Instrumentor(sdk, supported),))
    result = next(iter(local_checks.sdks()))
    assert result.level == level
    assert words in result.text
    assert (f"openai {version('openai')}" in result.text) is (sdk == "openai")


def test_doctor_fails_for_an_unsupported_sdk(monkeypatch, genspan):
    own = (Instrumentor("openai", ">= 99"), Instrumentor("anthropic", ">= 1"))
    monkeypatch.setattr(local_checks.other_instrumentations, "own", lambda: own)
    assert genspan("doctor", "--offline")[0] == 1


def test_doctor_says_whose_spans_stand_for_an_sdk_that_traces_itself(genspan, environment):
    assert "anthropic traces itself; genspan's spans stand in place of its own" in genspan("doctor", "--offline")[1]
    environment["OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"] = "genspan-anthropic"
    assert "anthropic traces itself; genspan does not" in genspan("doctor", "--offline")[1]


@pytest.mark.parametrize(
    ("keep", "ours", "level", "words"),
    [
        ("", True, "ok", "is left out for genspan-openai"),
        ("", False, "warn", "two spans, of which one has the usage"),
        ("keep", True, "warn", "calls are counted twice"),
    ],
)
def test_doctor_on_another_instrumentation(monkeypatch, environment, keep, ours, level, words):
    environment["GENSPAN_RIVALS"] = keep
    monkeypatch.setattr(local_checks.other_instrumentations, "found", lambda: {"openai (x:Y)": "genspan-openai"})
    monkeypatch.setattr(local_checks, "is_our_distro", lambda: ours)
    [found] = [one for one in local_checks.rivals() if "openai (x:Y)" in one.text]
    assert (found.level, words in found.text) == (level, True)


def test_doctor_where_another_distribution_decides(genspan, environment):
    environment["OTEL_PYTHON_DISTRO"] = "nobody"
    environment["OTEL_TRACES_EXPORTER"] = "console"
    environment["OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"] = "genspan-gemini"
    status, text = genspan("doctor", "--offline")
    assert status == 0
    assert "OTEL_PYTHON_DISTRO=nobody: there is no such distro" in text
    assert "another distro decides" in text
    assert "switches genspan-gemini off" in text
