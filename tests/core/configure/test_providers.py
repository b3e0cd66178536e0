"""Providers that the program has set itself."""

from __future__ import annotations

import os

from opentelemetry import metrics, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import genspan
from genspan._setup import configure as _setup
from tests.core.configure.setting import NAME, names_at
from tests.support.otlp_sink import OtlpSink


def test_a_tracer_provider_of_the_program_stays_and_what_it_had_goes_on(ask, mlflow, caplog):
    theirs, kept = TracerProvider(resource=Resource.create({"service.name": "theirs"})), InMemorySpanExporter()
    theirs.add_span_processor(SimpleSpanProcessor(kept))
    trace.set_tracer_provider(theirs)
    setup = genspan.configure(mlflow=mlflow.uri, service_name="ours")
    genspan.configure(mlflow=mlflow.uri, service_name="ours")
    ask()
    setup.flush()
    assert trace.get_tracer_provider() is theirs
    assert [span.name for span in kept.get_finished_spans()] == mlflow.stored_names == [NAME]
    assert "service_name is not used" in caplog.text
    setup.shutdown()
    with trace.get_tracer("tests").start_as_current_span("later"):
        pass
    assert [span.name for span in kept.get_finished_spans()] == [NAME, "later"]


def test_a_tracer_provider_of_the_program_gets_no_default(ask, sink):
    trace.set_tracer_provider(TracerProvider())
    genspan.configure()
    ask()
    assert _setup._setup._outlet.processors == ()
    assert isinstance(metrics.get_meter_provider(), metrics._internal._ProxyMeterProvider)


def test_an_exporter_that_the_program_has_already_is_not_doubled(ask, mlflow, sink):
    os.environ.update({"OTEL_EXPORTER_OTLP_ENDPOINT": sink.url, "MLFLOW_TRACKING_URI": mlflow.uri})
    theirs = TracerProvider()
    theirs.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    theirs.add_span_processor(BatchSpanProcessor(genspan.MlflowSpanExporter()))
    trace.set_tracer_provider(theirs)
    setup = genspan.configure()
    ask()
    setup.flush()
    assert names_at(sink) == mlflow.stored_names == [NAME]


def test_another_endpoint_in_code_is_another_destination(ask, sink):
    with OtlpSink() as other:
        theirs = TracerProvider()
        theirs.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{other.url}/v1/traces")))
        trace.set_tracer_provider(theirs)
        setup = genspan.configure(endpoint=sink.url)
        ask()
        setup.flush()
        assert names_at(sink) == names_at(other) == [NAME]


def test_a_meter_provider_of_the_program_stays(ask, sink):
    reader = InMemoryMetricReader()
    theirs = MeterProvider([reader])
    metrics.set_meter_provider(theirs)
    setup = genspan.configure(endpoint=sink.url)
    ask()
    setup.flush()
    assert metrics.get_meter_provider() is theirs
    assert reader.get_metrics_data() is not None
    assert {request.path for request in sink.requests} == {"/v1/traces"}


def test_beside_mlflow_metrics_and_logs_stay_the_programs(ask, mlflow):
    setup = genspan.configure(mlflow=mlflow.uri)
    reader = InMemoryMetricReader()
    metrics.set_meter_provider(MeterProvider([reader]))  # later, as nothing was set
    ask()
    setup.flush()
    assert reader.get_metrics_data() is not None


def test_a_provider_that_takes_no_exporter(ask, mlflow, caplog):
    trace.set_tracer_provider(trace.NoOpTracerProvider())
    genspan.configure(mlflow=mlflow.uri).flush()
    ask()
    assert "(NoOpTracerProvider) is not one of OpenTelemetry's SDK" in caplog.text
    assert mlflow.requests == []
