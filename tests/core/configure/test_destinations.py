"""Where `genspan.configure()` sends, by its arguments and the environment."""

from __future__ import annotations

import os
from unittest.mock import patch

import pytest
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

import genspan
from genspan._setup import configure as _setup
from tests.core.configure.setting import CAPTURE, NAME, NO_BACKEND, SPANS_ONLY, names_at
from tests.support.otlp_sink import attributes


def test_arguments_are_enough(ask, mlflow):
    before = dict(os.environ)
    setup = genspan.configure(mlflow=mlflow.uri, experiment="Gemini", service_name="shop")
    ask()
    assert setup.flush()
    assert mlflow.stored_names == [NAME]
    assert mlflow.posts[0].headers["x-mlflow-experiment-id"] == mlflow.experiments["Gemini"]["experiment_id"]
    assert trace.get_tracer_provider().resource.attributes["service.name"] == "shop"
    assert "mlflow.spanInputs" in attributes(mlflow.stored[0])
    assert "gen_ai.input.messages" not in attributes(mlflow.stored[0])
    assert dict(os.environ) == before


def test_endpoint_is_for_spans_metrics_and_logs(ask, sink):
    os.environ[CAPTURE] = "span_and_event"
    setup = genspan.configure(endpoint=sink.url + "/")
    ask()
    assert setup.flush()
    assert names_at(sink) == [NAME]
    assert {request.path for request in sink.requests} == {"/v1/traces", "/v1/metrics", "/v1/logs"}


def test_two_destinations_get_a_form_of_content_each(ask, mlflow, sink):
    setup = genspan.configure(mlflow=mlflow.uri, endpoint=sink.url)
    ask()
    assert setup.flush()
    assert "mlflow.spanInputs" in attributes(mlflow.stored[0])
    assert "gen_ai.input.messages" not in attributes(mlflow.stored[0])
    assert "gen_ai.input.messages" in attributes(sink.spans[0])
    assert "mlflow.spanInputs" not in attributes(sink.spans[0])


@pytest.mark.parametrize("named", ["mlflow", "otlp", "otlp traces", "exporter"])
def test_the_environment_is_enough(ask, mlflow, sink, named):
    variables = {
        "mlflow": {"MLFLOW_TRACKING_URI": mlflow.uri},
        "otlp": {"OTEL_EXPORTER_OTLP_ENDPOINT": sink.url},
        "otlp traces": {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{sink.url}/v1/traces", **SPANS_ONLY},
        "exporter": {"OTEL_TRACES_EXPORTER": "mlflow", "MLFLOW_TRACKING_URI": mlflow.uri},
    }
    os.environ.update(variables[named])
    setup = genspan.configure()
    ask()
    assert setup.flush()
    assert (mlflow.stored_names, names_at(sink)) == (([], [NAME]) if "otlp" in named else ([NAME], []))


def test_arguments_win_over_the_environment(ask, mlflow, sink):
    os.environ.update({"MLFLOW_TRACKING_URI": "http://127.0.0.1:1", "MLFLOW_EXPERIMENT_ID": "7"})
    os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = "http://127.0.0.1:1"
    os.environ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] = "http://127.0.0.1:1/v1/traces"
    os.environ.update({CAPTURE: "true", "OTEL_SERVICE_NAME": "theirs"})
    setup = genspan.configure(
        mlflow=mlflow.uri, experiment="mine", endpoint=sink.url, content=False, service_name="ours"
    )
    ask()
    assert setup.flush()
    assert names_at(sink) == mlflow.stored_names == [NAME]
    assert mlflow.posts[0].headers["x-mlflow-experiment-id"] == mlflow.experiments["mine"]["experiment_id"]
    assert b"hello" not in sink.raw + b"".join(post.body for post in mlflow.posts)
    assert not {"mlflow.spanInputs", "gen_ai.input.messages"} & attributes(mlflow.stored[0]).keys()
    assert b"ours" in sink.raw
    assert b"theirs" not in sink.raw


@pytest.mark.parametrize("exporters", ["none", "otlp_proto_http", "otlp"])
def test_an_argument_adds_to_the_exporters_that_are_named(ask, mlflow, sink, exporters):
    os.environ.update({"OTEL_TRACES_EXPORTER": exporters, "OTEL_EXPORTER_OTLP_ENDPOINT": sink.url})
    setup = genspan.configure(mlflow=mlflow.uri)
    ask()
    assert setup.flush()
    assert (mlflow.stored_names, names_at(sink)) == ([NAME], [] if exporters == "none" else [NAME])


@pytest.mark.parametrize("exporters", ["none", "otlp_proto_http", "otlp", "mlflow"])
def test_an_endpoint_is_used_once_whatever_exporters_are_named(ask, mlflow, sink, exporters):
    os.environ.update({"OTEL_TRACES_EXPORTER": exporters, "MLFLOW_TRACKING_URI": mlflow.uri})
    setup = genspan.configure(endpoint=sink.url)
    ask()
    assert setup.flush()
    assert (mlflow.stored_names, names_at(sink)) == ([NAME] if exporters == "mlflow" else [], [NAME])


def test_no_exporter_is_no_exporter(ask):
    os.environ.update(NO_BACKEND)
    genspan.configure()
    ask()
    assert _setup._setup._outlet.processors == ()
    assert genspan.last_trace_id() is not None


def test_where_nothing_is_named_spans_go_where_opentelemetry_sends_them(ask, localhost):
    setup = genspan.configure()
    ask()
    assert setup.flush()
    assert names_at(localhost) == [NAME]
    assert "/v1/metrics" in {request.path for request in localhost.requests}
    assert b"hello" not in localhost.raw
    assert OTLPSpanExporter()._endpoint == "http://localhost:4318/v1/traces"


def test_an_experiment_alone_is_on_the_mlflow_of_this_machine(ask):
    genspan.configure(experiment="Gemini")
    with patch("genspan.mlflow.exporter.store_batch", return_value=True):
        ask()
        (processor,) = _setup._setup._outlet.processors
        destination = processor.span_exporter.destination
        assert (destination.uri, destination.experiment_name) == ("http://localhost:5000", "Gemini")
        _setup._setup.shutdown()


def test_grpc(ask):
    os.environ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "grpc"
    genspan.configure(endpoint="http://127.0.0.1:4317")
    (processor,) = _setup._setup._outlet.processors
    assert type(processor.span_exporter).__module__.startswith("opentelemetry.exporter.otlp.proto.grpc")
    assert processor.span_exporter._endpoint == "127.0.0.1:4317"


def test_an_exporter_that_does_not_exist_is_left_out_and_logged(ask, mlflow, caplog):
    os.environ.update({"OTEL_TRACES_EXPORTER": "mlfow,mlflow", "MLFLOW_TRACKING_URI": mlflow.uri})
    setup = genspan.configure()
    ask()
    setup.flush()
    assert mlflow.stored_names == [NAME]
    assert "There is no exporter 'mlfow' for traces" in caplog.text


def test_the_sdk_disabled(ask, mlflow):
    os.environ["OTEL_SDK_DISABLED"] = "TRUE"
    setup = genspan.configure(mlflow=mlflow.uri)
    ask()
    assert setup.flush()
    assert setup.shutdown()
    assert mlflow.requests == []
    assert not genspan.GeminiInstrumentor().is_instrumented_by_opentelemetry
    assert isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)


def test_an_instrumentation_left_out(ask, mlflow):
    os.environ["OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"] = "flask, genspan-gemini"
    setup = genspan.configure(mlflow=mlflow.uri)
    ask()
    assert setup.flush()
    assert mlflow.stored == []
    assert genspan.OpenAIInstrumentor().is_instrumented_by_opentelemetry
