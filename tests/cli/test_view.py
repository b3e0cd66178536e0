"""``genspan view``: traces of a file and of a server."""

from __future__ import annotations

import json

import pytest

from tests.support.fake_mlflow import Answer, error


def otlp_line(name: str, trace: str = "a" * 32, start: int = 10**18, **more: object) -> str:
    span = {"traceId": trace, "spanId": "b" * 16, "name": name, "startTimeUnixNano": str(start), **more}
    span["endTimeUnixNano"] = str(start + 10**9)
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]})


def test_spans_of_a_file(tmp_path, genspan):
    file = tmp_path / "spans.jsonl"
    counts = {"gen_ai.usage.input_tokens": "3", "gen_ai.usage.output_tokens": 4}
    usage = [{"key": key, "value": {"intValue": value}} for key, value in counts.items()]
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
    mlflow.on_request = lambda request: Answer(body="{}") if "traces" in request.path else None
    assert genspan("view")[0] == 0
    assert genspan("view", "--experiment", "x", "--tracking-uri", "sqlite:///x.db") == (
        1,
        "sqlite:///x.db is a store without a server: `mlflow server` shows its traces\n",
    )
    assert genspan("view", "--tracking-uri", "mlruns")[0] == 1


def test_view_shows_the_newest_trace_last(mlflow, genspan):
    """Where a terminal's prompt is. MLflow gives the newest first, and is asked for as many as are shown."""
    bodies = {
        "tr-new": {"trace_info": {"trace_id": "tr-new"}, "spans": [{"name": "new"}]},
        "tr-old": {"trace_info": {"trace_id": "tr-old"}, "spans": [{"name": "old"}]},
    }

    def answer(request):
        if request.path.endswith("/traces/search"):
            return Answer(body=json.dumps({"traces": [{"trace_id": name} for name in bodies]}))
        if request.path.endswith("/traces/get"):
            return Answer(body=json.dumps({"trace": bodies[request.query["trace_id"]]}))
        return None

    mlflow.on_request = answer
    status, text = genspan("view")
    assert status == 0
    assert [line.split()[0] for line in text.splitlines() if line.startswith("tr-")] == ["tr-old", "tr-new"]
    search = next(request for request in mlflow.requests if request.path.endswith("search"))
    assert json.loads(search.body)["order_by"] == ["timestamp_ms DESC"]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"MLFLOW_EXPERIMENT_NAME": "nobody"}, "There is no experiment 'nobody'"),
        ({"MLFLOW_EXPERIMENT_NAME": "Default", "MLFLOW_EXPERIMENT_ID": "7"}, "set one"),
        ({"MLFLOW_EXPERIMENT_NAME": "gone"}, "is deleted"),
    ],
)
def test_view_of_an_experiment_without_traces(mlflow, genspan, environment, settings, words):
    mlflow.experiments["gone"] = {"experiment_id": "5", "lifecycle_stage": "deleted"}
    environment.update(settings)
    status, text = genspan("view")
    assert status == 1
    assert words in text
    assert "nobody" not in mlflow.experiments
