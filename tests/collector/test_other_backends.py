"""to-jaeger, to-phoenix, to-grafana, to-datadog: paths, headers and signals; and what no file may get wrong."""

from __future__ import annotations

import re

import pytest
import yaml
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from tests.support.collector import CONFIGS, Collector, wait_until
from tests.support.otlp import model_call, pairs, request, send, span, value
from tests.support.otlp_sink import OtlpSink

FILES = sorted(path for path in CONFIGS.glob("*.yaml") if path.name not in ("builder.yaml", "prometheus-rules.yaml"))

# Keys that the Collector accepts in silence whatever they are called; everything that our files use of them.
UNCHECKED = {
    "otlp_http": {"endpoint", "headers", "timeout", "retry_on_failure", "sending_queue"},
    "prometheus": {"endpoint", "without_scope_info", "metric_expiration"},
    "http": {"endpoint", "max_request_body_size"},
}
# Every key that there is, of the settings that we use: pkg/datadog/config/config.schema.yaml and
# exporter/datadogexporter/examples/collector.yaml of opentelemetry-collector-contrib, the core's exporterhelper.
DATADOG = {
    "api": {"key", "site", "fail_on_invalid_key"},
    "retry_on_failure": {
        "enabled",
        "initial_interval",
        "randomization_factor",
        "multiplier",
        "max_interval",
        "max_elapsed_time",
    },
    "sending_queue": {
        "enabled",
        "sizer",
        "queue_size",
        "num_consumers",
        "wait_for_result",
        "block_on_overflow",
        "storage",
        "batch",
    },
}


def traces():
    message = request([span(attributes=model_call(1, 2))])
    message.resource_spans[0].scope_spans[0].scope.name = "t"
    return message


def logs():
    message = ExportLogsServiceRequest()
    group = message.resource_logs.add(resource=Resource(attributes=pairs({"service.name": "s"})))
    group.scope_logs.add(scope=InstrumentationScope(name="l")).log_records.add(body=value("line"), severity_text="INFO")
    return message


def metrics():
    message = ExportMetricsServiceRequest()
    group = message.resource_metrics.add(resource=Resource(attributes=pairs({"service.name": "s"})))
    scope = group.scope_metrics.add(scope=InstrumentationScope(name="m"))
    scope.metrics.add(name="m").gauge.data_points.add(as_int=1, attributes=pairs({"k": "v"}))
    return message


@pytest.mark.parametrize(
    ("config", "variables"),
    [
        ("to-jaeger.yaml", {"JAEGER_ENDPOINT": "", "JAEGER_AUTHORIZATION": "Bearer t"}),
        ("to-phoenix.yaml", {"PHOENIX_ENDPOINT": "", "PHOENIX_AUTHORIZATION": "Bearer t", "PHOENIX_PROJECT": "p"}),
    ],
)
def test_traces_with_the_providers_figures(tmp_path, sink, provider, example, config, variables):
    variables = {name: content or sink.url for name, content in variables.items()}
    with Collector(config, tmp_path, **variables) as collector:
        example("gemini_functions.py", collector.url, OTEL_METRICS_EXPORTER="none", OTEL_LOGS_EXPORTER="none")
        wait_until(lambda: len(sink.spans) >= 4, "the spans")
    used = [a.value.int_value for s in sink.spans for a in s.attributes if a.key == "gen_ai.usage.input_tokens"]
    assert sum(used) == provider.ledger.total().input
    assert {one.headers["authorization"] for one in sink.requests} == {"Bearer t"}
    resource = {a.key: a.value.string_value for a in sink.requests[0].message.resource_spans[0].resource.attributes}
    assert resource.get("openinference.project.name") == variables.get("PHOENIX_PROJECT")


def test_grafana_gets_each_signal_at_its_own_address(tmp_path, sink):
    with OtlpSink(prefix="/otlp") as mimir, OtlpSink(prefix="/otlp") as loki:
        places = {
            "TRACES_ENDPOINT": sink.url,
            "METRICS_ENDPOINT": mimir.url + "/otlp",
            "LOGS_ENDPOINT": loki.url + "/otlp",
        }
        with Collector("to-grafana.yaml", tmp_path, **places, GRAFANA_TENANT="team") as collector:
            sent = {"/v1/traces": traces(), "/v1/metrics": metrics(), "/v1/logs": logs()}
            for path, message in sent.items():
                assert send(collector.url, message, path) == 200
            wait_until(lambda: sink.requests and mimir.requests and loki.requests, "all three")
        assert [one.path for one in sink.requests] == ["/v1/traces"]
        assert [one.path for one in mimir.requests] == ["/v1/metrics"]
        assert [one.path for one in loki.requests] == ["/v1/logs"]
        for one in (sink.requests[0], mimir.requests[0], loki.requests[0]):
            assert one.headers["content-type"] == "application/x-protobuf"
            assert one.message == sent[one.path]
        assert {one.headers["x-scope-orgid"] for s in (sink, mimir, loki) for one in s.requests} == {"team"}


def test_an_example_in_all_three_of_grafanas(tmp_path, sink, provider, example):
    places = {f"{signal}_ENDPOINT": sink.url for signal in ("TRACES", "METRICS", "LOGS")}
    with Collector("to-grafana.yaml", tmp_path, **places) as collector:
        example(
            "gemini_functions.py", collector.url, OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT="SPAN_AND_EVENT"
        )
        wait_until(lambda: len(sink.spans) >= 4 and sink.accepted("/v1/metrics") and sink.accepted("/v1/logs"), "all")
    groups = [group for one in sink.accepted("/v1/metrics") for group in one.message.resource_metrics]
    found = {one.name for group in groups for scope in group.scope_metrics for one in scope.metrics}
    assert {"gen_ai.client.token.usage", "gen_ai.client.operation.duration"} <= found
    used = [a.value.int_value for s in sink.spans for a in s.attributes if a.key == "gen_ai.usage.input_tokens"]
    assert sum(used) == provider.ledger.total().input


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_keys_that_the_collector_would_not_miss(path):
    config = yaml.safe_load(path.read_text("utf-8"))
    for name, settings in config["exporters"].items():
        kind = name.split("/")[0]
        if kind in UNCHECKED:
            assert set(settings) <= UNCHECKED[kind], name
    protocols = config["receivers"].get("otlp", {}).get("protocols", {})
    assert set(protocols.get("http", {})) <= UNCHECKED["http"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_nothing_is_lost_by_a_default(path):
    config = yaml.safe_load(path.read_text("utf-8"))
    queued = [name for name in config["exporters"] if name.split("/")[0] in ("otlp_http", "kafka", "datadog")]
    assert queued or path.name == "to-prometheus.yaml"
    for name, settings in config["exporters"].items():
        if name in queued:
            assert settings["retry_on_failure"]["max_elapsed_time"] == "0s", name
            assert settings["sending_queue"]["storage"] == "file_storage/queue", name
    assert not queued or config["extensions"]["file_storage/queue"]["fsync"] is True
    for name, pipeline in config["service"]["pipelines"].items():
        leaves = any(exporter.startswith(("otlp_http", "kafka", "datadog")) for exporter in pipeline["exporters"])
        processors = pipeline.get("processors", [])
        in_memory_anyway = "tail_sampling" in processors
        assert in_memory_anyway or not (leaves and any(p.startswith("batch") for p in processors)), name


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_variable_is_in_the_table_with_its_default(path):
    text = path.read_text("utf-8")
    table = "\n".join(line for line in text.splitlines() if line.startswith("#"))
    body = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    for name, default in set(re.findall(r"\$\{env:(\w+)(?::-([^}]*))?\}", body)):
        assert name in table, name
        assert default in table or default == r"[^\s\S]", f"{name}={default}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_span_that_was_let_in_is_too_large_to_send_on(path):
    """A queue drops what does not fit into one batch, with a warning only."""
    config = yaml.safe_load(path.read_text("utf-8"))
    limit = config["receivers"].get("otlp", {}).get("protocols", {}).get("http", {}).get("max_request_body_size", 0)
    for settings in config["exporters"].values():
        batch = settings.get("sending_queue", {}).get("batch", {"sizer": "items"})
        assert batch["sizer"] == "items" or limit <= batch["max_size"] == 64 * 2**20


def test_kafkas_three_files_agree():
    both, producer, consumer = (
        yaml.safe_load((CONFIGS / f"{name}.yaml").read_text("utf-8"))
        for name in ("kafka", "kafka-producer", "kafka-consumer")
    )
    for section in ("receivers", "exporters"):
        assert both[section] == producer[section] | consumer[section]


def test_datadog_uses_documented_keys_only():
    config = yaml.safe_load((CONFIGS / "to-datadog.yaml").read_text("utf-8"))
    exporter = config["exporters"]["datadog"]
    assert exporter.keys() <= DATADOG.keys()
    for key, settings in exporter.items():
        assert settings.keys() <= DATADOG[key], key
    assert exporter["sending_queue"]["batch"].keys() <= {"flush_timeout", "min_size", "max_size", "sizer", "partition"}
    assert config["connectors"] == {"datadog/connector": None}
