"""``genspan.configure()`` with the real SDK of google-genai, a fake provider, a fake MLflow and an OTLP receiver."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from types import ModuleType, SimpleNamespace
from unittest.mock import patch

import pytest
from google import genai
from opentelemetry import metrics, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import genspan
from genspan._core import config
from genspan._setup import configure as _setup
from genspan._setup import exporting, process_end
from tests.support.fake_mlflow import FakeMlflow
from tests.support.otel_globals import fresh_globals
from tests.support.otlp_sink import OtlpSink, attributes

NAME = "generate_content gemini-2.5-flash"
SETTINGS = ("OTEL_", "MLFLOW_", "GENSPAN_", "GEMINI_", "GOOGLE_")
CAPTURE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
SPANS_ONLY = {"OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}
NO_BACKEND = {"OTEL_TRACES_EXPORTER": "none", **SPANS_ONLY}


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


def names_at(sink: OtlpSink) -> list[str]:
    return [span.name for span in sink.spans]


# --- destinations


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


@pytest.fixture
def localhost(sink):
    """A receiver in the place of OpenTelemetry's default one, which this machine may have or not."""
    real = exporting._arguments

    def arguments(point, signal, given):
        found = dict(real(point, signal, given))
        return {"endpoint": f"{sink.url}/v1/{signal}"} if point == "otlp_proto_http" and not found else found

    with patch.object(exporting, "_arguments", arguments):
        yield sink


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


# --- switched off


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


# --- providers of the program


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


# --- more than once


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


# --- arguments that cannot be meant


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


# --- lines for MLflow in the program


@contextlib.contextmanager
def program_of_mlflow(uri: str | None = None, experiment: str | None = None, run: tuple[str, str] | None = None):
    """The modules of ``mlflow`` as they are after ``set_tracking_uri``, ``set_experiment`` and ``start_run``."""
    address = ModuleType("mlflow.tracking._tracking_service.utils")
    address.is_tracking_uri_set = lambda: uri is not None
    address.get_tracking_uri = lambda: uri or "sqlite:///mlflow.db"
    fluent = ModuleType("mlflow.tracking.fluent")
    fluent._active_experiment_id = experiment
    info = run and SimpleNamespace(info=SimpleNamespace(run_id=run[0], experiment_id=run[1]))
    fluent._get_latest_active_run = lambda: info
    written = {"MLFLOW_TRACKING_URI": uri, "MLFLOW_EXPERIMENT_ID": experiment}
    os.environ.update({name: value for name, value in written.items() if value is not None})
    with patch.dict(sys.modules, {address.__name__: address, fluent.__name__: fluent}):
        yield fluent


@pytest.mark.parametrize("order", ["before", "after"])
def test_lines_for_mlflow_name_the_destination(ask, mlflow, order):
    if order == "after":
        genspan.configure()
    with program_of_mlflow(mlflow.uri, "5"):
        if order == "before":
            genspan.configure()
        ask()
        genspan.configure().flush()
    assert mlflow.stored_names == [NAME]
    assert mlflow.posts[0].headers["x-mlflow-experiment-id"] == "5"
    assert "hello" in attributes(mlflow.stored[0])["mlflow.spanInputs"]
    assert "gen_ai.input.messages" not in attributes(mlflow.stored[0])


def test_lines_for_mlflow_count_also_after_the_first_span(ask, mlflow, localhost):
    setup = genspan.configure()
    with trace.get_tracer("tests").start_as_current_span("of the program"):
        pass
    with program_of_mlflow(mlflow.uri, "5"):
        ask()
        setup.flush()
    assert mlflow.stored_names == [NAME]
    assert "hello" in attributes(mlflow.stored[0])["mlflow.spanInputs"]
    assert NAME not in names_at(localhost)


@pytest.mark.parametrize("named", ["argument", "environment", "none"])
def test_lines_for_mlflow_do_not_count_where_something_else_names_a_destination(ask, mlflow, sink, named):
    if named != "argument":
        os.environ.update({"OTEL_EXPORTER_OTLP_ENDPOINT": sink.url} if named == "environment" else NO_BACKEND)
    setup = genspan.configure(**({"endpoint": sink.url} if named == "argument" else {}))
    with program_of_mlflow(mlflow.uri, "5"):
        ask()
        setup.flush()
    assert mlflow.requests == []
    assert names_at(sink) == ([] if named == "none" else [NAME])
    assert b"hello" not in sink.raw


def test_experiments_may_change_from_trace_to_trace(ask, mlflow):
    with program_of_mlflow(mlflow.uri, "5") as fluent:
        setup = genspan.configure()
        ask()
        with trace.get_tracer("tests").start_as_current_span("root"):
            fluent._active_experiment_id = "6"
            ask()
        ask()
        setup.flush()
    sent = {post.headers["x-mlflow-experiment-id"]: [span.name for span in post.spans] for post in mlflow.posts}
    assert sent == {"5": [NAME, NAME, "root"], "6": [NAME]}


@pytest.mark.parametrize("named", [{"experiment": "mine"}, {}])
def test_an_experiment_that_is_named_otherwise_stays(ask, mlflow, named):
    if not named:
        os.environ["MLFLOW_EXPERIMENT_NAME"] = "mine"
    with program_of_mlflow(mlflow.uri, "5"):
        setup = genspan.configure(**named)
        ask()
        setup.flush()
    assert mlflow.stored_names == [NAME]
    assert mlflow.posts[0].headers["x-mlflow-experiment-id"] == mlflow.experiments["mine"]["experiment_id"]


def test_a_run_is_linked_to_the_traces_that_begin_in_it(ask, mlflow):
    setup = genspan.configure(mlflow=mlflow.uri, experiment="mine")
    with program_of_mlflow(mlflow.uri):
        ask()
    with program_of_mlflow(mlflow.uri, run=("run-1", "5")):
        ask()
        with trace.get_tracer("tests").start_as_current_span("root"):
            ask()
    with program_of_mlflow("http://another-server", run=("run-2", "5")):
        ask()
    setup.flush()
    sent = [(post.headers.get("x-mlflow-run-id"), [span.name for span in post.spans]) for post in mlflow.posts]
    assert sent == [(None, [NAME, NAME]), ("run-1", [NAME, NAME, "root"])]
    assert {post.headers["x-mlflow-experiment-id"] for post in mlflow.posts} == {"1"}


def test_mlflow_that_is_half_imported_or_of_another_version_changes_nothing(ask, mlflow):
    setup = genspan.configure(mlflow=mlflow.uri)
    with patch.dict(
        sys.modules,
        {name: ModuleType(name) for name in ("mlflow.tracking.fluent", "mlflow.tracking._tracking_service.utils")},
    ):
        ask()
        setup.flush()
    assert mlflow.stored_names == [NAME]


# --- lines in the terminal


def test_console_prints_a_line_for_each_call(ask, capsys, provider):
    genspan.configure(console=True)
    ask()
    with pytest.raises(genai.errors.ClientError):
        ask(model="no-such-model")
    with trace.get_tracer("tests").start_as_current_span("of the program"):
        pass
    billed = provider.ledger.total()
    first, second = capsys.readouterr().err.splitlines()
    assert first.split() == [
        *("generate_content", "gemini-2.5-flash", str(billed.input), "in", str(billed.output), "out"),
        *(first.split()[-2], "s"),
    ]
    assert float(first.split()[-2]) < 60
    assert second.split()[:2] == ["generate_content", "no-such-model"]
    assert second.split()[-1] == "ClientError"
    assert "hello" not in first + second


@pytest.mark.parametrize("stream", ["closed", "none", "broken"])
def test_console_is_safe_where_nobody_can_read(ask, monkeypatch, tmp_path, stream):
    genspan.configure(console=True)
    file = (tmp_path / "stderr").open("w")
    file.close()
    streams = {"closed": file, "none": None, "broken": os.fdopen(os.open("/dev/full", os.O_WRONLY), "w")}
    monkeypatch.setattr(sys, "stderr", streams[stream])
    assert ask().text
    with contextlib.suppress(OSError):
        streams["broken"].close()


def test_console_beside_a_destination(ask, mlflow, capsys):
    setup = genspan.configure(console=True, mlflow=mlflow.uri)
    ask()
    setup.flush()
    assert mlflow.stored_names == [NAME]
    assert NAME in capsys.readouterr().err
