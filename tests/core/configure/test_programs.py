"""Programs with ``genspan.configure()``: their ends, their children, and ``opentelemetry-instrument`` around them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.fake_mlflow import FakeMlflow
from tests.support.otlp_sink import OtlpSink, attributes
from tests.support.provider import FakeProvider

BARE = {
    name: value
    for name, value in os.environ.items()
    if not name.startswith(("OTEL_", "MLFLOW_", "GENSPAN_", "GEMINI_", "GOOGLE_"))
}
NAME = "generate_content gemini-2.5-flash"
ASK = """
from google import genai
def ask(text="hello"):
    with genai.Client() as client:
        client.models.generate_content(model="gemini-2.5-flash", contents=text)
"""
CONFIGURE = "import os, genspan\nsetup = genspan.configure(endpoint=os.environ['SINK'])\n"

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def sink():
    with OtlpSink() as receiver:
        yield receiver


@pytest.fixture
def mlflow():
    with FakeMlflow() as server:
        yield server


@pytest.fixture(scope="module")
def fake():
    with FakeProvider() as running:
        yield running


@pytest.fixture
def start(fake, sink):
    """Begin a program, by itself or under ``opentelemetry-instrument``."""

    def begin(code: str, instrumented: bool = False, **settings: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", code]
        if instrumented:
            command = [str(Path(sys.executable).with_name("opentelemetry-instrument")), *command]
        env = {**BARE, "GEMINI_API_KEY": "key", "GOOGLE_GEMINI_BASE_URL": fake.url, "SINK": sink.url, **settings}
        return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    return begin


@pytest.fixture
def run(start):
    def through(code: str, instrumented: bool = False, **settings: str) -> tuple[int, str]:
        """The exit status, and everything that was written."""
        with start(code, instrumented, **settings) as program:
            out, err = program.communicate(timeout=200)
        return program.returncode, out + err

    return through


def names_at(sink: OtlpSink) -> list[str]:
    return [span.name for span in sink.spans]


@pytest.mark.parametrize("order", ["before", "after"])
@pytest.mark.parametrize(("ending", "status"), [("", 0), ("raise SystemExit(3)", 3)])
def test_a_program_ends_and_everything_arrives(run, sink, order, ending, status):
    code = CONFIGURE + ASK if order == "before" else ASK + CONFIGURE
    assert run(f"{code}\nask()\n{ending}") == (status, "")
    assert names_at(sink) == [NAME]
    assert "/v1/metrics" in {request.path for request in sink.requests}


def test_sigterm_loses_nothing_and_the_exit_status_stays(start, sink):
    code = f"{CONFIGURE}{ASK}\nask()\nprint('ready', flush=True)\nimport time\ntime.sleep(200)"
    with start(code) as program:
        assert program.stdout.readline() == "ready\n"
        program.terminate()
        assert program.wait(100) == -signal.SIGTERM
        assert program.stderr.read() == ""
    assert names_at(sink) == [NAME]
    assert "/v1/metrics" in {request.path for request in sink.requests}


CHILDREN = {
    "fork": "if os.fork() == 0:\n        ask()\n        raise SystemExit\n    os.wait()",
    "multiprocessing": "import multiprocessing as mp\n"
    "    child = mp.get_context('fork').Process(target=ask)\n    child.start()\n    child.join()",
    "before any span": "import multiprocessing as mp\n"
    "    with mp.get_context('fork').Pool(1) as pool:\n        pool.map(ask, ['hello'])\n"
    "        pool.close()\n        pool.join()",
}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.parametrize("how", CHILDREN)
def test_calls_of_child_processes_arrive(run, sink, how):
    first = "" if how == "before any span" else "ask()\nassert setup.flush()\n"
    status, text = run(f"{CONFIGURE}{ASK}\n{first}if True:\n    {CHILDREN[how]}")
    assert (status, "Traceback" in text) == (0, False)
    assert names_at(sink) == [NAME] * (1 if how == "before any span" else 2)


def test_outside_the_main_thread(run, sink):
    code = f"""{ASK}
import threading
def main():
    {CONFIGURE.replace(chr(10), chr(10) + "    ")}
    ask()
thread = threading.Thread(target=main)
thread.start()
thread.join()
import signal
assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
"""
    assert run(code) == (0, "")
    assert names_at(sink) == [NAME]


def test_no_sdk_is_imported_for_it(run):
    code = CONFIGURE + "import sys\nassert not {'openai', 'anthropic', 'google.genai', 'mlflow'} & sys.modules.keys()"
    assert run(code) == (0, "")


def test_under_opentelemetry_instrument_nothing_is_doubled(run, mlflow, sink):
    settings = {"MLFLOW_TRACKING_URI": mlflow.uri, "OTEL_EXPORTER_OTLP_ENDPOINT": sink.url}
    assert run(f"import genspan\ngenspan.configure()\n{ASK}\nask()", instrumented=True, **settings) == (0, "")
    assert mlflow.stored_names == names_at(sink) == [NAME]


def test_under_opentelemetry_instrument_arguments_win(run, mlflow, sink):
    settings = {"MLFLOW_TRACKING_URI": "http://127.0.0.1:1", "MLFLOW_EXPERIMENT_NAME": "theirs"}
    code = f"import genspan\ngenspan.configure(mlflow={mlflow.uri!r}, experiment='ours', content=False)\n{ASK}\nask()"
    assert run(code, instrumented=True, **settings) == (0, "")
    assert mlflow.stored_names == [NAME]
    assert mlflow.posts[0].headers["x-mlflow-experiment-id"] == mlflow.experiments["ours"]["experiment_id"]
    assert not {"mlflow.spanInputs", "gen_ai.input.messages"} & attributes(mlflow.stored[0]).keys()


def test_under_opentelemetry_instrument_with_another_distro(run, sink):
    settings = {
        "OTEL_PYTHON_DISTRO": "none",
        "OTEL_TRACES_EXPORTER": "otlp",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_EXPORTER_OTLP_ENDPOINT": sink.url,
    }
    code = f"import genspan\ngenspan.configure()\n{ASK}\nask()"
    assert run(code, instrumented=True, **settings)[0] == 0
    assert names_at(sink) == [NAME]


def test_the_console_exporter_and_lines_leave_standard_output_alone(run, sink):
    code = f"import genspan\ngenspan.configure(console=True)\n{ASK}\nask()\nprint('answer')"
    with_lines = run(code)
    assert with_lines[0] == 0
    first, second = with_lines[1].splitlines()
    assert first == "answer"
    assert second.startswith(NAME)
    assert sink.requests == []
