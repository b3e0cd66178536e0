"""The command ``genspan``: what it prints, its exit status, and what it must never print."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from unittest.mock import patch

import pytest
from rich.console import Console

from genspan.cli import main
from genspan.cli.otlp_spans import from_json, read_lines
from genspan.cli.tree import render, tokens
from tests.support.fake_mlflow import Answer, FakeMlflow, error

BARE = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "MLFLOW_", "GENSPAN_"))}


@pytest.fixture(autouse=True)
def environment():
    with patch.dict(os.environ, BARE, clear=True):
        yield os.environ


@pytest.fixture
def mlflow(environment):
    with FakeMlflow() as server:
        server.on_request = lambda request: {
            "/version": Answer(body="3.17.2", content_type="text/html"),
            "/api/2.0/mlflow/experiments/get": Answer(body='{"experiment": {"experiment_id": "0"}}'),
        }.get(request.path)
        environment["MLFLOW_TRACKING_URI"] = server.uri
        yield server


@pytest.fixture
def genspan(capsys):
    def run(*arguments: str) -> tuple[int, str]:
        status = main(arguments)
        captured = capsys.readouterr()
        return status, captured.out + captured.err

    return run


def drawn(spans, title=None) -> str:
    console = Console(width=200, color_system=None, highlight=False)
    with console.capture() as capture:
        console.print(render(spans, title))
    return capture.get()


# --- the tree


def test_a_tree():
    spans = [
        {"id": "2", "parent": "1", "name": "chat gpt", "model": "gpt", "start": 2, "duration": 0.25, "status": "UNSET"},
        {"id": "1", "parent": None, "name": "root [x]", "start": 1, "duration": 1.5, "usage": {}},
        {"id": "3", "parent": "2", "name": "inner", "model": "m", "start": 3, "partial": True},
        {"id": "4", "parent": "1", "name": "tool", "start": 4, "status": "ERROR", "message": "no\nlines"},
    ]
    spans[0]["usage"] = {"input": 1200, "output": 34, "total": 1234}
    assert drawn(spans) == (
        "root [x]  1.50 s  ok\n"
        "├── chat gpt  1,200 in + 34 out = 1,234 tokens  250 ms  ok\n"
        "│   └── inner  m  partial  ok\n"
        "└── tool  ERROR no\n"
    )


def test_spans_without_their_parent_stand_at_the_top():
    spans = [{"id": "2", "parent": "gone", "name": "a"}, {"id": "3", "parent": "3", "name": "b"}]
    assert drawn(spans) == "2 spans\n├── a  ok\n└── b  ok\n"
    assert drawn(spans[:1], "title") == "title\n└── a  ok\n"
    assert drawn([]) == "0 spans\n"


def test_spans_in_a_circle_end():
    assert "spans" in drawn([{"id": "1", "parent": "2", "name": "a"}, {"id": "2", "parent": "1", "name": "b"}])


@pytest.mark.parametrize(
    ("usage", "text"),
    [({}, ""), ({"input": 0}, "0 in"), ({"total": 5}, "5 tokens"), ({"input": 1, "output": 2}, "1 in + 2 out")],
)
def test_tokens(usage, text):
    assert tokens(usage) == text


# --- OTLP as JSON


def otlp_line(name: str, trace: str = "a" * 32, start: int = 10**18, **more: object) -> str:
    span = {"traceId": trace, "spanId": "b" * 16, "name": name, "startTimeUnixNano": str(start), **more}
    span["endTimeUnixNano"] = str(start + 10**9)
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]})


def test_spans_of_a_file(tmp_path, genspan):
    file = tmp_path / "spans.jsonl"
    figures = {"gen_ai.usage.input_tokens": "3", "gen_ai.usage.output_tokens": 4}
    usage = [{"key": key, "value": {"intValue": value}} for key, value in figures.items()]
    lines = [
        otlp_line("old", "1" * 32, 10**17),
        "not json",
        "[1]",
        '{"resourceLogs": []}',
        otlp_line("new", "2" * 32, attributes=usage, status={"code": 2, "message": "bad"}),
    ]
    file.write_text("\n".join(lines), encoding="utf-8")
    assert genspan("view", str(file)) == (
        0,
        f"{'1' * 32}  1 span\n└── old  1.00 s  ok\n"
        f"{'2' * 32}  1 span\n└── new  3 in + 4 out = 7 tokens  1.00 s  ERROR bad\n",
    )
    assert "old" not in genspan("view", "-n", "1", str(file))[1]
    file.write_text("{}", encoding="utf-8")
    assert genspan("view", str(file))[0] == 1


@pytest.mark.parametrize(
    "line",
    ['{"resourceSpans": 5}', '{"resourceSpans": [5, {"scopeSpans": [null]}]}', '{"a"', "[" * 100000, "null", ""],
    ids=lambda line: line[:20],
)
def test_broken_lines_are_passed_over(line):
    assert read_lines([line]) == {}


def test_a_span_of_mlflows_rest_api():
    usage = {"kvlist_value": {"values": [{"key": "total_tokens", "value": {"int_value": 9}}]}}
    span = {
        "span_id": "kbCEjaQFP4k=",
        "parent_span_id": "V6nK+9CgWXM=",
        "name": "n",
        "start_time_unix_nano": 1,
        "end_time_unix_nano": 2,
        "attributes": [
            {"key": "mlflow.chat.tokenUsage", "value": usage},
            {"key": "mlflow.llm.model", "value": {"string_value": "m"}},
            {"key": "list", "value": {"array_value": {"values": [{"bool_value": True}]}}},
            {"key": "nothing"},
        ],
        "status": {"code": "STATUS_CODE_OK"},
    }
    found = from_json(span)
    assert (found["id"], found["parent"]) == ("91b0848da4053f89", "57a9cafbd0a05973")
    assert (found["model"], found["usage"], found["status"]) == ("m", {"total": 9}, "OK")
    assert from_json({})["name"] == ""


# --- traces of a server


def test_view_asks_for_the_newest_of_the_experiment(mlflow, genspan, environment):
    environment["MLFLOW_EXPERIMENT_NAME"] = "Default"
    info = {
        "trace_id": "tr-1",
        "state": "OK",
        "request_time": "2026-11-24",
        "trace_metadata": {"mlflow.trace.tokenUsage": '{"input_tokens":1,"output_tokens":2,"total_tokens":3}'},
    }
    span = {"span_id": "kbCEjaQFP4k=", "name": "root"}
    mlflow.on_request = lambda request: {
        "/api/3.0/mlflow/traces/search": Answer(body=json.dumps({"traces": [info]})),
        "/api/3.0/mlflow/traces/get": Answer(body=json.dumps({"trace": {"trace_info": info, "spans": [span]}})),
    }.get(request.path)
    assert genspan("view", "-n", "2") == (
        0,
        "tr-1  1 span  2026-11-24  OK  1 in + 2 out = 3 tokens\n└── root  0 ms  ok\n",
    )
    search = next(request for request in mlflow.requests if request.path.endswith("search"))
    assert json.loads(search.body)["max_results"] == 2
    assert genspan("view", "1") == genspan("view", "tr-1")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(401), "wants a login"),
        (error(404, "RESOURCE_DOES_NOT_EXIST"), "There is no trace tr-1"),
        (Answer(404, "<html>"), "does not answer as an MLflow server"),
    ],
)
def test_view_says_what_is_wrong(mlflow, genspan, answer, words):
    mlflow.on_request = lambda _: answer
    status, text = genspan("view", "tr-1")
    assert status == 1
    assert words in text


def test_view_without_traces_or_server(mlflow, genspan):
    mlflow.on_request = lambda _: Answer(body="{}")
    assert genspan("view")[0] == 0
    assert genspan("view", "--experiment", "x", "--tracking-uri", "sqlite:///x.db") == (
        1,
        "sqlite:///x.db is a store without a server: `mlflow server` shows its traces\n",
    )
    assert genspan("view", "--tracking-uri", "mlruns")[0] == 1


# --- doctor


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


def test_doctor_probes_only_when_asked(mlflow, genspan, environment):
    environment["OTEL_SDK_DISABLED"] = "true"
    status, text = genspan("doctor", "--probe")
    assert status == 0
    assert f"stored: tr-{mlflow.stored[0].trace_id.hex()}" in text
    assert "nothing is recorded" in text


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


def test_doctor_where_another_distribution_decides(genspan, environment):
    environment["OTEL_PYTHON_DISTRO"] = "nobody"
    environment["OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"] = "genspan-gemini"
    status, text = genspan("doctor", "--offline")
    assert status == 0
    assert "OTEL_PYTHON_DISTRO=nobody: there is no such distro" in text
    assert "another distro decides" in text
    assert "switches genspan-gemini off" in text


def piped(*arguments: str) -> str:
    """What the command writes into a pipe in ASCII."""
    program = str(Path(sys.executable).with_name("genspan"))
    environment = {**BARE, "PYTHONIOENCODING": "ascii", "COLUMNS": "40"}
    done = subprocess.run(
        [program, *arguments], env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize("arguments", [["doctor", "--offline"], ["--help"], ["--version"]])
def test_it_can_be_piped_in_any_encoding(arguments):
    assert "\x1b" not in piped(*arguments)


def test_long_lines_are_kept_whole_in_a_pipe(tmp_path):
    file = tmp_path / "spans.jsonl"
    file.write_text(otlp_line("word " * 60 + "end"), encoding="utf-8")
    assert "word end  1.00 s  ok\n" in piped("view", str(file))


def test_a_tree_in_ascii(tmp_path):
    file = tmp_path / "spans.jsonl"
    file.write_text(otlp_line("name \U0001f600"), encoding="utf-8")
    assert "`-- name ?" in piped("view", str(file))
