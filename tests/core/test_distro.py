"""Zero-code set-up: the defaults, rival instrumentations, and spans at every kind of process end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from unittest.mock import patch

import pytest
from opentelemetry.sdk.trace.export import ConsoleSpanExporter

from genspan._core.config import defaults
from genspan.distro import Configurator, Distro, _processor
from genspan.mlflow import MlflowSpanExporter
from genspan.mlflow.span_copy import WithoutMlflowContent
from tests.support.fake_mlflow import FakeMlflow
from tests.support.spans import ended_span

SETTINGS = ("OTEL_", "MLFLOW_", "GENSPAN_")
BARE = {name: value for name, value in os.environ.items() if not name.startswith(SETTINGS)}
ENDPOINT, TRACES_ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
HEADERS = "OTEL_EXPORTER_OTLP_HEADERS"


@pytest.fixture
def environment():
    """An environment without settings; what is set in it is undone."""
    with patch.dict(os.environ, BARE, clear=True):
        yield os.environ


@pytest.mark.parametrize(
    ("settings", "traces", "others"),
    [
        ({}, "otlp", "otlp"),
        ({"MLFLOW_TRACKING_URI": "http://m"}, "mlflow", "none"),
        ({"MLFLOW_TRACKING_URI": ""}, "otlp", "otlp"),
        ({ENDPOINT: "http://c"}, "otlp", "otlp"),
        ({"MLFLOW_TRACKING_URI": "http://m", ENDPOINT: "http://c"}, "mlflow,otlp", "otlp"),
        ({"MLFLOW_TRACKING_URI": "http://m", TRACES_ENDPOINT: "http://c"}, "mlflow,otlp", "none"),
        ({"OTEL_TRACES_EXPORTER": "mlflow"}, "mlflow", "none"),
        ({"OTEL_TRACES_EXPORTER": "mlflow", ENDPOINT: "http://c"}, "mlflow", "otlp"),
        ({"OTEL_TRACES_EXPORTER": "console", "MLFLOW_TRACKING_URI": "http://m"}, "console", "otlp"),
        ({"OTEL_TRACES_EXPORTER": "otlp, mlflow"}, "otlp, mlflow", "none"),
        ({"OTEL_TRACES_EXPORTER": "none"}, "none", "otlp"),
        ({ENDPOINT: "http://mlflow", HEADERS: "x-mlflow-experiment-id=1"}, "otlp", "none"),
    ],
)
def test_exporters(environment, settings, traces, others):
    environment.update(settings)
    Distro().configure()
    chosen = {name: value for name, value in environment.items() if name.endswith("_EXPORTER")}
    assert chosen == {
        "OTEL_TRACES_EXPORTER": traces,
        "OTEL_METRICS_EXPORTER": others,
        "OTEL_LOGS_EXPORTER": others,
    }


def test_an_endpoint_of_its_own_brings_a_signal_back_beside_mlflow(environment):
    environment.update({"MLFLOW_TRACKING_URI": "http://m", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://c"})
    assert defaults()["OTEL_METRICS_EXPORTER"] == "otlp"
    assert defaults()["OTEL_LOGS_EXPORTER"] == "none"


def test_what_is_set_stays(environment):
    mine = {
        "OTEL_TRACES_EXPORTER": "console",
        "OTEL_METRICS_EXPORTER": "console",
        "OTEL_LOGS_EXPORTER": "none",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
        "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf",
    }
    environment.update(mine)
    Distro().configure()
    assert {name: environment[name] for name in mine} == mine


def test_the_protocol_is_http(environment):
    Distro().configure()
    assert environment["OTEL_EXPORTER_OTLP_PROTOCOL"] == "http/protobuf"


# --- content beside MLflow


@pytest.mark.parametrize(("settings", "ours"), [({}, True), ({"OTEL_CONFIG_FILE": "x"}, False)])
def test_the_configurator_is_the_sdks_with_processors_of_ours(environment, settings, ours):
    environment.update({"OTEL_TRACES_EXPORTER": "mlflow,otlp", **settings})
    with (
        patch("opentelemetry.sdk._configuration._OTelSDKConfigurator._configure") as configure,
        patch("genspan._setup.process_end.install"),
    ):
        Configurator().configure(auto_instrumentation_version="1")
    assert configure.call_args.kwargs["auto_instrumentation_version"] == "1"
    assert ("export_span_processor" in configure.call_args.kwargs) is ours


@pytest.mark.parametrize(
    ("settings", "hides"),
    [
        ({"OTEL_TRACES_EXPORTER": "mlflow,otlp"}, True),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, False),
        ({"OTEL_TRACES_EXPORTER": "mlflow,otlp", "GENSPAN_DIALECTS": "genai,mlflow"}, False),
        ({"OTEL_TRACES_EXPORTER": "mlflow,otlp", HEADERS: "X-Mlflow-Experiment-Id=1"}, False),
    ],
)
def test_the_other_exporter_gets_no_content_of_mlflows(environment, settings, hides):
    environment.update(settings)
    for exporter, other in ((MlflowSpanExporter("mlruns"), False), (ConsoleSpanExporter(), True)):
        outlet = _processor(exporter)
        (processor,) = outlet.processors
        assert isinstance(processor.span_exporter, WithoutMlflowContent) is (other and hides)
        outlet.shutdown()


def test_what_the_other_exporter_gets():
    received = []

    class Keeping(ConsoleSpanExporter):
        def export(self, spans):
            received.extend(spans)

    plain = ended_span("plain", {"a": 1})
    both = ended_span("both", {"mlflow.spanInputs": "{}", "mlflow.spanOutputs": "{}", "mlflow.spanType": "TOOL"})
    exporter = WithoutMlflowContent(Keeping())
    exporter.export([plain, both])
    assert received[0] is plain
    assert dict(received[1].attributes) == {"mlflow.spanType": "TOOL"}
    assert len(both.attributes) == 3
    assert exporter.force_flush() is True
    exporter.shutdown()


# --- whole programs under opentelemetry-instrument

TRACER = "from opentelemetry import trace\ntracer = trace.get_tracer('tests')\n"
ONE = TRACER + "def one(name='one'):\n    tracer.start_span(name).end()\n"


@pytest.fixture
def mlflow():
    with FakeMlflow() as server:
        yield server


def start(code: str, **settings: str) -> subprocess.Popen[str]:
    program = Path(sys.executable).with_name("opentelemetry-instrument")
    return subprocess.Popen(
        [str(program), sys.executable, "-c", code],
        env={**BARE, "OTEL_SERVICE_NAME": "tests", **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(code: str, mlflow: FakeMlflow, **settings: str) -> tuple[int, str]:
    """The exit status and everything that was written."""
    with start(code, **{"MLFLOW_TRACKING_URI": mlflow.uri, **settings}) as program:
        out, err = program.communicate(timeout=60)
    return program.returncode, out + err


def test_a_program_ends_and_its_spans_arrive(mlflow):
    assert run(ONE + "one()", mlflow, MLFLOW_EXPERIMENT_NAME="mine") == (0, "")
    assert mlflow.stored_names == ["one"]
    assert mlflow.posts[0].headers["x-mlflow-experiment-id"] == "1"


# A shell lets what it starts in the background ignore interrupts, which would be inherited.
INTERRUPT = """
import os, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
os.kill(os.getpid(), signal.SIGINT)
"""


@pytest.mark.parametrize(("ending", "status"), [("raise SystemExit(3)", 3), ("1/0", 1), (INTERRUPT, -2)])
def test_exit_statuses_stay(mlflow, ending, status):
    code, _ = run(f"{ONE}one()\n{ending}", mlflow)
    assert code == status
    assert mlflow.stored_names == ["one"]


def test_sigterm_loses_nothing_and_the_exit_status_stays(mlflow):
    code = ONE + "one()\nprint('ready', flush=True)\nimport time\ntime.sleep(60)"
    with start(code, MLFLOW_TRACKING_URI=mlflow.uri) as program:
        assert program.stdout.readline() == "ready\n"
        program.terminate()
        assert program.wait(20) == -signal.SIGTERM
        assert program.stderr.read() == ""
    assert mlflow.stored_names == ["one"]


def test_a_server_that_is_away_does_not_hold_up_sigterm_for_long():
    code = ONE + "one()\nprint('ready', flush=True)\nimport time\ntime.sleep(60)"
    with start(code, MLFLOW_TRACKING_URI="http://127.0.0.1:1") as program:
        program.stdout.readline()
        program.terminate()
        assert program.wait(12) == -signal.SIGTERM


@pytest.mark.parametrize("when", ["signal.signal(15, mine)", "import asyncio"])
def test_a_handler_of_the_program_is_the_programs(mlflow, when):
    code = f"""{ONE}
import os, signal, time
def mine(*_):
    print('mine', flush=True)
    raise SystemExit(7)
{when}
if 'asyncio' in {when!r}:
    async def main():
        done = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(15, done.set)
        os.kill(os.getpid(), 15)
        await done.wait()
    asyncio.run(main())
    mine()
one()
os.kill(os.getpid(), 15)
time.sleep(60)
"""
    assert run(code, mlflow)[:1] == (7,)


def test_a_handler_that_was_there_first_stays(environment):
    from genspan._setup import process_end

    def mine(*_):
        pass

    before = signal.signal(signal.SIGTERM, mine)
    try:
        process_end._catch_sigterm()
        assert signal.getsignal(signal.SIGTERM) is mine
    finally:
        signal.signal(signal.SIGTERM, before)


CHILDREN = {
    "fork": "pid = os.fork()\n    if pid == 0:\n        one('child'); sys.exit()\n    os.waitpid(pid, 0)",
    "multiprocessing fork": "p = mp.get_context('fork').Process(target=one, args=['child']); p.start(); p.join()",
    "pool": "pool = mp.get_context('fork').Pool(1)\n    with pool: pool.map(one, ['child'])",
    "executor": "from concurrent.futures import ProcessPoolExecutor as E\n"
    "    with E(1, mp_context=mp.get_context('fork')) as e: e.submit(one, 'child').result()",
}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.parametrize("how", CHILDREN)
def test_spans_of_child_processes_arrive(mlflow, how):
    """The parent has sent before, so that parent and child would share a connection if we let them."""
    flush = "assert trace.get_tracer_provider().force_flush()"
    code = f"{ONE}\nimport multiprocessing as mp, os, sys\none('before')\n{flush}\n"
    code += f"if __name__ == '__main__':\n    {CHILDREN[how]}\n    one('after')"
    status, _ = run(code, mlflow)
    assert status == 0
    assert mlflow.stored_names == ["before", "child", "after"]


def test_the_sdk_switched_off(mlflow):
    code = ONE + "one()\nimport signal\nassert signal.getsignal(15) is signal.SIG_DFL"
    assert run(code, mlflow, OTEL_SDK_DISABLED="true") == (0, "")
    assert mlflow.requests == []


def test_an_unknown_exporter_is_opentelemetrys_error(mlflow):
    status, text = run("print('ran')", mlflow, OTEL_TRACES_EXPORTER="mlfow")
    assert status == 0
    assert "ran" in text
    assert "Requested component 'mlfow' not found" in text


def test_a_rival_is_left_out(mlflow, tmp_path):
    (tmp_path / "rival.py").write_text(
        "class Rival:\n    def instrument(self, **_):\n        print('rival', flush=True)\n", encoding="utf-8"
    )
    metadata = tmp_path / "rival-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: rival\nVersion: 1.0\n", encoding="utf-8")
    points = "[opentelemetry_instrumentor]\ngoogle-genai = rival:Rival\nunrelated = rival:Rival\n"
    (metadata / "entry_points.txt").write_text(points, encoding="utf-8")
    path = os.pathsep.join([str(tmp_path), BARE.get("PYTHONPATH", "")])
    status, text = run("", mlflow, PYTHONPATH=path)
    assert (status, text.count("rival\n")) == (0, 1)
    assert "'google-genai' (rival:Rival) traces too" in text
    status, text = run("", mlflow, PYTHONPATH=path, GENSPAN_RIVALS="keep")
    assert (status, text) == (0, "rival\nrival\n")
