"""``genspan.instrument``, ``uninstrument`` and ``last_trace_id``, with the real SDK and the fake provider."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading

import pytest
from google import genai
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import genspan
from genspan._core.emit import telemetry
from tests.support.otel_globals import fresh_globals
from tests.support.provider import FakeProvider
from tests.support.telemetry import clean_environment


@pytest.fixture
def traced():
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=60_000))
    genspan.instrument(tracer_provider=provider)
    with FakeProvider() as fake:
        yield exporter, genai.Client(api_key="a-key-for-tests", http_options={"base_url": fake.url})
    genspan.uninstrument()
    provider.shutdown()


def ask(client: genai.Client) -> None:
    client.models.generate_content(model="gemini-2.5-flash", contents="hello")


def test_last_trace_id_exports_what_is_pending_and_names_the_trace(traced):
    exporter, client = traced
    ask(client)
    assert not exporter.get_finished_spans()
    named = genspan.last_trace_id()
    (span,) = exporter.get_finished_spans()
    assert named == f"tr-{span.context.trace_id:032x}"


def test_each_thread_and_task_has_its_own_last_trace(traced):
    _, client = traced
    ask(client)
    mine, theirs = genspan.last_trace_id(), []

    def other() -> None:
        ask(client)
        theirs.append(genspan.last_trace_id())

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    asyncio.run(asyncio.to_thread(other))
    assert len({mine, *theirs}) == 3
    assert genspan.last_trace_id() == mine


def test_without_a_trace_there_is_no_id():
    done = subprocess.run(
        [sys.executable, "-c", "import genspan; print(genspan.last_trace_id())"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "None"


def test_twice_is_once_and_off_is_off(traced):
    exporter, client = traced
    genspan.instrument()
    ask(client)
    genspan.last_trace_id()
    assert len(exporter.get_finished_spans()) == 1
    genspan.uninstrument()
    genspan.uninstrument()
    ask(client)
    genspan.last_trace_id()
    assert len(exporter.get_finished_spans()) == 1


def test_what_is_left_out_in_the_environment_is_not_traced(monkeypatch):
    monkeypatch.setenv("OTEL_PYTHON_DISABLED_INSTRUMENTATIONS", "flask, genspan-openai")
    genspan.instrument()
    try:
        traced = [genspan.GeminiInstrumentor(), genspan.AnthropicInstrumentor(), genspan.OpenAIInstrumentor()]
        assert [one.is_instrumented_by_opentelemetry for one in traced] == [True, True, False]
    finally:
        genspan.uninstrument()


class Blocking(InMemorySpanExporter):
    """An exporter whose backend does not answer until it is released."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.answer = threading.Event(), threading.Event()

    def export(self, spans):
        self.asked.set()
        self.answer.wait(60)
        return super().export(spans)


def test_last_trace_id_waits_no_longer_than_asked():
    exporter, provider = Blocking(), TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=60_000))
    genspan.instrument(tracer_provider=provider)
    try:
        with FakeProvider() as fake:
            ask(genai.Client(api_key="a-key-for-tests", http_options={"base_url": fake.url}))
        assert genspan.last_trace_id(timeout=0.01).startswith("tr-")
        assert exporter.asked.wait(60)
        assert not exporter.get_finished_spans()  # it returned before the backend did
    finally:
        exporter.answer.set()
        genspan.uninstrument()
        provider.shutdown()


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"MLFLOW_TRACKING_URI": "http://m"}, "mlflow"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c"}, "otlp"),
        ({"OTEL_TRACES_EXPORTER": "mlflow"}, "mlflow"),
        ({}, None),
        ({"OTEL_TRACES_EXPORTER": "none"}, None),
        ({"MLFLOW_TRACKING_URI": "http://m", "OTEL_SDK_DISABLED": "true"}, None),
    ],
)
def test_a_destination_without_a_provider_is_said_once(provider, monkeypatch, caplog, settings, named):
    clean_environment(monkeypatch)
    monkeypatch.setattr(telemetry, "_missed", [])
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    with fresh_globals():
        genspan.instrument()
        assert caplog.records == []
        client = genai.Client(api_key="a-key-for-tests", http_options={"base_url": provider.url})
        ask(client)
        ask(client)
        genspan.uninstrument()
    logged = [record for record in caplog.records if record.name == "genspan"]
    assert len(logged) == (named is not None)
    if named is not None:
        assert logged[0].levelname == "WARNING"
        assert f"({named})" in logged[0].getMessage()
        assert "genspan.configure()" in logged[0].getMessage()


def test_with_a_provider_of_the_program_nothing_is_said(traced, monkeypatch, caplog):
    monkeypatch.setattr(telemetry, "_missed", [])
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://m")
    ask(traced[1])
    assert caplog.records == []
