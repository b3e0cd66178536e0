"""to-mlflow.yaml: routes, the guard, the archive and its replay, against a real MLflow server."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from urllib.error import HTTPError

import pytest

from tests.support.collector import CONFIGS, Collector, wait_until
from tests.support.otlp import model_call, pairs, request, send, span
from tests.support.otlp_sink import attributes

CHAT = '{"messages":[{"role":"user","content":"WORDS"}]}'
EMOJI = "\\ud83d\\ude00"  # as JSON writes it
POISON = {
    "long session": {"session.id": "s" * 300},
    "long conversation": {"gen_ai.conversation.id": "ü" * 300},
    "a long list for a session": {"session.id": ["s" * 200, "t" * 200]},
    "long trace name": {"mlflow.traceTag.mlflow.traceName": "n" * 5000},
    "usage with null": {"mlflow.chat.tokenUsage": '{"input_tokens": null, "output_tokens": 1, "total_tokens": 1}'},
    "usage with text": {"mlflow.chat.tokenUsage": '{"input_tokens": "3", "output_tokens": 1, "total_tokens": 1}'},
    "usage as a structure": {"mlflow.chat.tokenUsage": {"input_tokens": "x"}},
    "cost is a number": {"mlflow.llm.cost": "0.5"},
    "cost is null": {"mlflow.llm.cost": "null"},
    "type is a list": {"mlflow.spanType": ["TOOL"]},
    "type is a list in text": {"mlflow.spanType": '["TOOL"]'},
    "operation is a list": {"gen_ai.operation.name": '["chat"]'},
    "half an emoji": {"mlflow.spanInputs": CHAT.replace("WORDS", EMOJI + " \\ud83d")},
    "thousands of digits": {"mlflow.spanOutputs": "7" * 5000},
    "a list of large integers": {"gen_ai.tool.call.arguments": "[18446744073709551615,18446744073709551615, 1]"},
    "deep JSON": {"mlflow.spanOutputs": "[" * 2000 + "]" * 2000},
    "deep JSON in a message": {
        "mlflow.spanInputs": '{"messages":[{"a":[{"b":1}]},' + '{"c":[' * 600 + "]}" * 600 + "]}"
    },
    "deep JSON with siblings": {"gen_ai.tool.call.result": '{"t":[1],"u":{},"next":' * 1200 + "1" + "}" * 1200},
    "a large integer": {"mlflow.spanInputs": '{"id": 18446744073709551615}'},
}


@pytest.fixture
def experiment(mlflow_server, request):
    def create(name):
        made = mlflow_server.call("/api/2.0/mlflow/experiments/create", {"name": f"{name} {request.node.name}"})
        return made["experiment_id"]

    return create


def stored(server, experiment_id):
    place = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": experiment_id}}
    body = {"locations": [place], "max_results": 500}
    return {info["trace_id"]: info for info in server.call("/api/3.0/mlflow/traces/search", body).get("traces", [])}


def trace_id(one):
    return "tr-" + one.trace_id.hex()


def test_routes_to_experiments_with_the_providers_figures(tmp_path, mlflow_server, experiment, provider, example):
    ids = {name: experiment(name) for name in ("a", "b", "rest")}
    variables = {"EXPERIMENT_A": ids["a"], "EXPERIMENT_B": ids["b"], "MLFLOW_EXPERIMENT_ID": ids["rest"]}
    bills = {}
    with Collector("to-mlflow.yaml", tmp_path, MLFLOW_TRACKING_URI=mlflow_server.uri, **variables) as collector:
        quiet = {"OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none", "GENSPAN_DIALECTS": "genai,mlflow"}
        content = {"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "true"}
        for name, team in (("a", "team-a"), ("b", "team-b"), ("rest", "somebody")):
            provider.reset()
            resource = {"OTEL_RESOURCE_ATTRIBUTES": f"service.namespace={team}"}
            example("gemini_functions.py", collector.url, **quiet, **content, **resource)
            bills[name] = provider.ledger.total()
        wait_until(lambda: all(stored(mlflow_server, i) for i in ids.values()), "a trace in each experiment", 60)
    for name, experiment_id in ids.items():
        (info,) = stored(mlflow_server, experiment_id).values()
        usage = json.loads(info["trace_metadata"]["mlflow.trace.tokenUsage"])
        assert usage["input_tokens"] == bills[name].input
        assert usage["output_tokens"] == bills[name].output
        assert "weather" in info["request_preview"]


def test_the_guard_makes_what_mlflow_refuses_acceptable(tmp_path, mlflow_server, experiment):
    into = experiment("guard")
    good = [span(attributes=model_call(1, 1)) for _ in range(5)]
    bad = {name: span(attributes={**model_call(11, 7), **poison}) for name, poison in POISON.items()}
    without_ids = span(attributes=model_call(1, 1))
    without_ids.ClearField("trace_id")
    without_ids.ClearField("span_id")
    event = span(attributes=model_call(1, 1))
    event.events.add(name="gen_ai.choice").attributes.extend(pairs({"content": f'"{EMOJI} \\ud83d"'}))
    number = span(attributes=model_call(11, 7))
    number.events.add(name="e").attributes.extend(pairs({"x": '{"id": 18446744073709551615}'}))
    bad["a large integer in an event"] = number
    late = span(attributes=model_call(11, 7))
    late.start_time_unix_nano = late.end_time_unix_nano = 2**64 - 1
    bad["times beyond 64 bits"] = late
    many = {"gen_ai.usage.input_tokens": 2**62, "gen_ai.usage.output_tokens": 2**62}
    good += [without_ids, event, span(attributes={**model_call(1, 1), **many})]
    variables = {"MLFLOW_TRACKING_URI": mlflow_server.uri, "MLFLOW_EXPERIMENT_ID": into}
    with Collector("to-mlflow.yaml", tmp_path, **variables) as collector:
        assert send(collector.url, request([*good, *bad.values()])) == 200
        wait_until(
            lambda: len(stored(mlflow_server, into)) == len(good) + len(bad) or "Dropping" in collector.log,
            "a verdict",
            60,
        )
        assert "Dropping" not in collector.log
    assert mlflow_server.trace(trace_id(good[-1]))["trace_info"]["state"] == "OK"
    for name, one in bad.items():
        try:
            read = mlflow_server.trace(trace_id(one))
        except HTTPError as error:
            pytest.fail(f"{name}: stored, but cannot be read again: {error}")
        usage = json.loads(read["trace_info"]["trace_metadata"]["mlflow.trace.tokenUsage"])
        assert (usage["input_tokens"], usage["output_tokens"]) == (11, 7), name


def test_the_guard_leaves_good_values_alone(tmp_path, sink):
    kept = {
        "session.id": "s" * 250,
        "mlflow.traceTag.mlflow.traceName": "a trace",
        "mlflow.chat.tokenUsage": '{"input_tokens":1,"output_tokens":2,"total_tokens":3,"cache_read_input_tokens":1}',
        "mlflow.llm.cost": '{"input_cost": 1.5e-6, "output_cost": 0.1, "total_cost": 0.1000015}',
        "mlflow.spanInputs": CHAT.replace("WORDS", EMOJI + " and [1234567890, 7]"),
        "mlflow.spanOutputs": "plain words",
        "structure": {"n": 2**62},
        "gen_ai.tool.definitions": json.dumps([{"a": {"b": [{"c": [[n]]}]}} for n in range(2000)]),
        "gen_ai.tool.call.result": "[" * 400 + "]" * 400,
    }
    one = span(attributes={**model_call(1, 2), **kept})
    parent = span(attributes={"mlflow.chat.tokenUsage": "null", "mlflow.spanType": "AGENT"})
    with Collector("to-mlflow.yaml", tmp_path, MLFLOW_TRACKING_URI=sink.url) as collector:
        assert send(collector.url, request([one, parent])) == 200
        wait_until(lambda: len(sink.spans) == 2, "both spans")
    assert sink.spans == [one, parent]


def test_headers_and_batch_size(tmp_path, sink):
    secret = "Basic " + base64.b64encode(b"admin:password").decode()
    variables = {"MLFLOW_TRACKING_URI": sink.url, "MLFLOW_AUTHORIZATION": secret, "MLFLOW_EXPERIMENT_ID": 3}
    with Collector("to-mlflow.yaml", tmp_path, **variables) as collector:
        assert send(collector.url, request([span() for _ in range(1000)])) == 200
        wait_until(lambda: len(sink.spans) == 1000, "all spans")
        assert secret not in collector.log
    assert {one.headers["authorization"] for one in sink.requests} == {secret}
    assert {one.headers["x-mlflow-experiment-id"] for one in sink.requests} == {"3"}
    assert max(len(one.spans) for one in sink.requests) == 200


def test_a_refused_batch_is_in_the_archive_and_its_good_spans_are_saved_by_replay(tmp_path, mlflow_server, experiment):
    into = experiment("replay")
    deep = '{"t":[[1]],"next":' * 1200 + "1" + "}" * 1200  # what the guard does not see
    good = [span(attributes=model_call(3, 4)) for _ in range(4)]
    bad = span(attributes={**model_call(3, 4), "mlflow.spanInputs": deep})
    variables = {"MLFLOW_TRACKING_URI": mlflow_server.uri, "MLFLOW_EXPERIMENT_ID": into}
    with Collector("to-mlflow.yaml", tmp_path, **variables) as collector:
        assert send(collector.url, request([good[0], bad, *good[1:]])) == 200
        wait_until(lambda: "Dropping data" in collector.log, "the refusal", 60)
        failed = collector.metrics()
    assert not stored(mlflow_server, into)
    assert failed["otelcol_exporter_send_failed_spans"] == 5
    archive = tmp_path / "otelcol-mlflow" / "archive" / "rest.jsonl"
    command = [sys.executable, CONFIGS / "replay.py", archive, "--url", mlflow_server.uri, "--experiment", into]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 1, ran.stderr
    assert stored(mlflow_server, into).keys() == {trace_id(one) for one in good}
    assert bad.trace_id.hex() in ran.stdout
    assert "1 lines, 1 spans refused" in ran.stdout
    again = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert again.returncode == 1
    for info in stored(mlflow_server, into).values():
        assert json.loads(info["trace_metadata"]["mlflow.trace.tokenUsage"])["total_tokens"] == 7


def test_the_archive_holds_what_was_sent(tmp_path, sink):
    one = span(attributes=model_call(1, 2))
    with Collector("to-mlflow.yaml", tmp_path, MLFLOW_TRACKING_URI=sink.url) as collector:
        assert send(collector.url, request([one], **{"service.namespace": "team-b"})) == 200
        wait_until(lambda: sink.spans, "the span")
    assert attributes(sink.spans[0])["gen_ai.usage.input_tokens"] == 1
    archive = tmp_path / "otelcol-mlflow" / "archive"
    (line,) = (archive / "b.jsonl").read_text("utf-8").splitlines()
    (resource,) = json.loads(line)["resourceSpans"]
    assert resource["scopeSpans"][0]["spans"][0]["spanId"] == one.span_id.hex()
    assert [path.name for path in archive.iterdir() if path.stat().st_size] == ["b.jsonl"]
    assert archive.stat().st_mode & 0o077 == 0
