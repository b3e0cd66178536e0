"""`genspan.configure()` called again, and with wrong arguments."""

from __future__ import annotations

import threading

import pytest
from opentelemetry import trace

import genspan
from tests.core.configure.setting import NAME, names_at
from tests.support.otlp_sink import OtlpSink, attributes


def test_twice_is_one_set_up(ask, mlflow):
    first = genspan.configure(mlflow=mlflow.uri)
    assert genspan.configure(mlflow=mlflow.uri) is first
    assert genspan.configure() is first
    genspan.instrument()
    ask()
    first.flush()
    assert mlflow.stored_names == [NAME]


def test_from_many_threads_it_is_one_set_up(ask, mlflow):
    together = threading.Barrier(8)

    def configure() -> None:
        together.wait()
        genspan.configure(mlflow=mlflow.uri)

    threads = [threading.Thread(target=configure) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ask()
    genspan.configure().flush()
    assert mlflow.stored_names == [NAME]


def test_other_arguments_are_a_change_and_nothing_is_lost(ask, mlflow, sink):
    setup = genspan.configure(mlflow=mlflow.uri, experiment="one")
    ask()
    genspan.configure(mlflow=mlflow.uri, experiment="two", content=False)  # sends what it holds before
    assert mlflow.stored_names == [NAME]
    ask("a secret question")
    genspan.configure(endpoint=sink.url)
    ask()
    setup.flush()
    assert [post.headers["x-mlflow-experiment-id"] for post in mlflow.posts] == ["1", "2"]
    assert b"a secret question" not in mlflow.posts[1].body
    assert "mlflow.spanInputs" not in attributes(mlflow.stored[1])
    assert names_at(sink) == [NAME]
    assert b"hello" not in sink.raw  # MLflow is no destination any more
    assert "/v1/metrics" in {request.path for request in sink.requests}


def test_a_change_of_endpoint_is_one_for_metrics_too(ask, sink):
    with OtlpSink() as before:
        genspan.configure(endpoint=before.url)
        ask()
        setup = genspan.configure(endpoint=sink.url)
        there = len(before.requests)
        ask()
        setup.flush()
        assert len(before.requests) == there
    assert {"/v1/traces", "/v1/metrics"} <= {request.path for request in sink.requests}
    assert names_at(sink) == [NAME]


def test_after_shutdown_nothing_is_sent_and_a_new_set_up_works(ask, sink, caplog):
    setup = genspan.configure(endpoint=sink.url)
    ask()
    assert setup.shutdown()
    there = len(sink.requests)
    assert names_at(sink) == [NAME]
    ask()
    assert setup.flush()
    assert len(sink.requests) == there
    genspan.configure(endpoint=sink.url)
    ask()
    assert setup.flush()
    assert names_at(sink) == [NAME, NAME]
    assert [request.path for request in sink.requests[there:]].count("/v1/metrics") == 1
    # OpenTelemetry 1.40 measures its exporters, and warns of the global meter provider that has ended.
    assert [record for record in caplog.records if not record.name.startswith("opentelemetry.sdk.metrics")] == []


def test_another_service_name_is_an_error_and_changes_nothing(ask, mlflow):
    setup = genspan.configure(mlflow=mlflow.uri, service_name="one")
    with pytest.raises(ValueError, match=r"service_name is part of the tracer provider.*'one'"):
        genspan.configure(mlflow="http://127.0.0.1:1", service_name="two")
    ask()
    setup.flush()
    assert mlflow.stored_names == [NAME]


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"mlflow": 5000}, TypeError, "mlflow is a str, not int"),
        ({"mlflow": ""}, ValueError, "mlflow is empty"),
        ({"mlflow": "localhost:5000"}, ValueError, "genspan.configure: mlflow"),
        ({"mlflow": "./mlruns"}, ValueError, "is a file store"),
        ({"mlflow": "ftp://mlflow"}, ValueError, "unknown scheme 'ftp'"),
        ({"mlflow": "http://"}, ValueError, "no complete address"),
        ({"experiment": " "}, ValueError, "experiment is empty"),
        ({"experiment": 3}, TypeError, "experiment is a str"),
        ({"endpoint": "collector:4318"}, ValueError, "endpoint is no address like"),
        ({"endpoint": "http://collector:4318/v1/traces"}, ValueError, "leave out the path"),
        ({"endpoint": "http://collector:port"}, ValueError, "endpoint is no address like"),
        ({"content": "yes"}, TypeError, "content is True or False, not 'yes'"),
        ({"console": None}, TypeError, "console is True or False"),
        ({"service_name": ""}, ValueError, "service_name is empty"),
        ({"tracking_uri": "http://m"}, TypeError, "tracking_uri"),
    ],
)
def test_wrong_arguments(arguments, error, words):
    with pytest.raises(error, match=words):
        genspan.configure(**arguments)
    assert isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)
    assert not genspan.GeminiInstrumentor().is_instrumented_by_opentelemetry


def test_no_credential_of_an_address_is_in_an_error():
    with pytest.raises(ValueError, match=r"genspan\.configure") as caught:
        genspan.configure(mlflow="ftp://ada:secret@mlflow")
    assert "secret" not in str(caught.value)
