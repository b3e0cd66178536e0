"""What a program says with ``genspan.context``, and web requests around model calls, in a real MLflow server."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from opentelemetry.sdk.trace import TracerProvider

import genspan
from genspan.mlflow import MlflowSpanExporter
from genspan.mlflow.processor import MlflowSpanProcessor
from genspan.openai import OpenAIInstrumentor
from tests.support.browser import browser_page
from tests.support.mlflow_page import open_list
from tests.support.openai_surfaces import make_client
from tests.support.provider import FakeProvider

if TYPE_CHECKING:
    from tests.support.mlflow_server import MlflowServer

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]
PROMPT = ("greeting", 2)


def serve(server: MlflowServer, run_id: str) -> None:
    """A service with two tenants and one call of its own."""
    provider = TracerProvider(shutdown_on_exit=False)
    exporter = MlflowSpanExporter(server.uri, experiment_name="the service's own", timeout=120)
    provider.add_span_processor(MlflowSpanProcessor(exporter))
    instrumentor, web = OpenAIInstrumentor(), provider.get_tracer("web").start_as_current_span
    instrumentor.instrument(tracer_provider=provider)

    @genspan.context(prompt=PROMPT, tags={"plan": "gold"})
    def answer(question: str) -> None:
        client.chat.completions.create(model="gpt-4.1-mini", messages=[{"role": "user", "content": question}])

    try:
        with FakeProvider() as model, make_client(model.url, False) as client:
            for tenant in ("acme", "globex"):
                with web(f"POST /{tenant}"):
                    with genspan.context(
                        experiment=tenant, session_id=f"chat of {tenant}", user_id="ada", run_id=run_id
                    ):
                        answer(f"first of {tenant}")
                        answer(f"last of {tenant}")
                    with web("audit"):
                        pass
            with web("nightly"):
                client.embeddings.create(model="text-embedding-3-small", input="hello")
        assert provider.force_flush(300_000)
    finally:
        instrumentor.uninstrument()
        provider.shutdown()


def read(server: MlflowServer) -> SimpleNamespace:
    """What a server has of it."""
    number = server.call("/api/2.0/mlflow/experiments/create", {"name": "acme"})["experiment_id"]
    run_id = server.call("/api/2.0/mlflow/runs/create", {"experiment_id": number})["run"]["info"]["run_id"]
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "true")
        serve(server, run_id)
    infos = {name: server.trace_infos(name) for name in ("acme", "globex", "the service's own")}
    return SimpleNamespace(infos=infos, experiment=number, run_id=run_id, server=server)


def check(stored: SimpleNamespace) -> None:
    """The tests without the page, for another server."""
    test_each_trace_is_whole_in_its_experiment(stored)
    test_session_user_tags_and_tokens(stored)
    test_rows_of_web_requests_show_question_and_answer(stored)
    test_linked_prompts_and_runs(stored)


@pytest.fixture(scope="module")
def stored(mlflow_server: MlflowServer):
    return read(mlflow_server)


def test_each_trace_is_whole_in_its_experiment(stored):
    names = {}
    for name, infos in stored.infos.items():
        (info,) = infos
        names[name] = sorted(span["name"] for span in stored.server.trace(info["trace_id"])["spans"])
    assert names == {
        "acme": ["POST /acme", "audit", "chat gpt-4.1-mini", "chat gpt-4.1-mini"],
        "globex": ["POST /globex", "audit", "chat gpt-4.1-mini", "chat gpt-4.1-mini"],
        "the service's own": ["embeddings text-embedding-3-small", "nightly"],
    }


def test_session_user_tags_and_tokens(stored):
    (info,) = stored.infos["globex"]
    assert info["trace_metadata"]["mlflow.trace.session"] == "chat of globex"
    assert info["trace_metadata"]["mlflow.trace.user"] == "ada"
    assert info["tags"]["plan"] == "gold"
    assert json.loads(info["trace_metadata"]["mlflow.trace.tokenUsage"])["total_tokens"] > 0


def test_rows_of_web_requests_show_question_and_answer(stored):
    (info,) = stored.infos["acme"]
    assert info["request_preview"] == "first of acme"
    assert info["response_preview"].startswith("You asked: last of acme")
    assert "request_preview" not in stored.infos["the service's own"][0]


def search(stored, experiment, condition):
    place = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": experiment}}
    body = {"locations": [place], "filter": condition}
    return [one["trace_id"] for one in stored.server.call("/api/3.0/mlflow/traces/search", body).get("traces", [])]


def test_linked_prompts_and_runs(stored):
    (info,) = stored.infos["acme"]
    assert json.loads(info["tags"]["mlflow.linkedPrompts"]) == [{"name": "greeting", "version": "2"}]
    assert search(stored, stored.experiment, "prompt = 'greeting/2'") == [info["trace_id"]]
    assert search(stored, stored.experiment, f"metadata.mlflow.sourceRun = '{stored.run_id}'") == [info["trace_id"]]


def test_the_page_shows_it(stored):
    with browser_page() as page:
        shown = open_list(page, stored.server.uri, stored.experiment)
    for text in ("first of acme", "You asked: last of acme", "chat of acme"):
        assert text in shown
