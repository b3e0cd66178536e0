"""`opentelemetry-instrument mlflow server`: the gateway's spans, in one trace with the client's or in one of their own.

The client runs here; the server sends its spans to an OTLP receiver, as to a Collector or Jaeger. What a Collector
would pass on to MLflow is passed on by hand.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple
from urllib.request import Request, urlopen

import anthropic
import openai
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import genspan
from tests.support.absent import absent
from tests.support.mlflow_gateway import gateway
from tests.support.mlflow_server import environment
from tests.support.otlp_sink import OtlpSink, attributes
from tests.support.stored import Stored

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from opentelemetry.proto.trace.v1.trace_pb2 import Span
    from opentelemetry.sdk.trace import ReadableSpan

    from tests.support.mlflow_gateway import Gateway
    from tests.support.provider.ledger import Entry

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

KEY = "dummy"
SERVER, CLIENT = 2, 3  # kinds, as numbers of OTLP


def said(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


def openai_chat(url: str, endpoint: str = "openai", stream: bool = False, text: str = "Hello?", path: str = "openai"):
    with openai.OpenAI(base_url=f"{url}/gateway/{path}/v1", api_key=KEY, max_retries=0) as client:
        answer = client.chat.completions.create(model=endpoint, messages=said(text), stream=stream)
        return list(answer) if stream else answer


def openai_broken_off(url: str):
    with openai.OpenAI(base_url=f"{url}/gateway/openai/v1", api_key=KEY) as client:
        stream = client.chat.completions.create(model="untracked", messages=said("[[hold=3]]"), stream=True)
        next(stream)
        stream.close()


def openai_error(url: str):
    with pytest.raises(openai.RateLimitError):
        openai_chat(url, text="[[status=429]]")


def openai_other(url: str):
    with openai.OpenAI(base_url=f"{url}/gateway/openai/v1", api_key=KEY) as client:
        client.responses.create(model="openai", input="Hello?")


def anthropic_sdk(url: str, stream: bool = False):
    with anthropic.Anthropic(base_url=f"{url}/gateway/anthropic", api_key=KEY) as client:
        answer = client.messages.create(model="anthropic", max_tokens=50, messages=said("Hello?"), stream=stream)
        return list(answer) if stream else answer


# The call, the model call of the gateway, its error, and the endpoint in whose experiment MLflow's own trace is.
CALLS: dict[str, tuple[Callable[[str], object], str, str | None, str | None]] = {
    "plain": (openai_chat, "chat gpt-4.1-mini", None, "openai"),
    "stream": (lambda url: openai_chat(url, stream=True), "chat gpt-4.1-mini", None, "openai"),
    "responses": (openai_other, "chat gpt-4.1-mini", None, "openai"),
    "anthropic": (anthropic_sdk, "chat claude-sonnet-5", None, "anthropic"),
    "anthropic stream": (lambda url: anthropic_sdk(url, True), "chat claude-sonnet-5", None, "anthropic"),
    "unified": (
        lambda url: openai_chat(url, "anthropic", True, path="mlflow"),
        "chat claude-sonnet-5",
        None,
        "anthropic",
    ),
    "untracked": (lambda url: openai_chat(url, "untracked"), "chat gpt-4.1-mini", None, None),
    "untracked stream": (lambda url: openai_chat(url, "untracked", True), "chat gpt-4.1-mini", None, None),
    "error": (openai_error, "chat gpt-4.1-mini", "rate_limit_exceeded", "openai"),
    "broken off": (openai_broken_off, "chat gpt-4.1-mini", "CancelledError", None),
}


class Outcome(NamedTuple):
    """One call: the client's span, those of the server, and what the provider saw."""

    client: ReadableSpan
    server: list[Span]
    entry: Entry

    @property
    def request(self) -> Span:
        (found,) = (span for span in self.server if span.kind == SERVER)
        return found

    @property
    def upstream(self) -> Span:
        (found,) = (span for span in self.server if span.kind == CLIENT)
        return found


class Place(NamedTuple):
    running: Gateway
    sink: OtlpSink
    joined: dict[str, Outcome]
    apart: dict[str, Outcome]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    home = environment()
    if not (home / "bin" / "opentelemetry-instrument").exists():
        absent("mlflow", f"no genspan beside the MLflow in {home}: `make .venv-mlflow/.ready`")
    with (
        OtlpSink() as sink,
        gateway(
            tmp_path_factory.mktemp("traced"),
            home,
            OTEL_TRACES_EXPORTER="otlp",
            OTEL_EXPORTER_OTLP_ENDPOINT=sink.url,
            OTEL_METRICS_EXPORTER="none",
            OTEL_LOGS_EXPORTER="none",
            OTEL_BSP_SCHEDULE_DELAY="100",
        ) as running,
    ):
        yield Place(running, sink, _call_all(running, sink, "127.0.0.1"), _call_all(running, sink, ""))


def _call_all(running: Gateway, sink: OtlpSink, hosts: str) -> dict[str, Outcome]:
    """Make each call, from a client that names the gateway's host or not; its spans go to MLflow, too."""
    memory, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(memory))
    exporter = genspan.MlflowSpanExporter(running.server.uri, experiment_name=f"named {hosts}")
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENSPAN_PROPAGATE_HOSTS", hosts)
        genspan.instrument(tracer_provider=provider)
        try:
            return {name: _call(running, sink, memory, call) for name, (call, *_) in CALLS.items()}
        finally:
            genspan.uninstrument()
            provider.shutdown()


def _call(running: Gateway, sink: OtlpSink, memory: InMemorySpanExporter, call: Callable[[str], object]) -> Outcome:
    running.provider.reset()
    memory.clear()
    known = len(sink.spans)
    call(running.server.uri)
    (client,) = memory.get_finished_spans()
    deadline = time.monotonic() + 60
    while len(sink.spans) < known + 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    (entry,) = running.provider.ledger
    return Outcome(client, sink.spans[known:], entry)


def usage(found: dict) -> tuple[int, int] | None:
    """Tokens on a span."""
    if "mlflow.chat.tokenUsage" not in found and "gen_ai.usage.input_tokens" not in found:
        return None
    return found["gen_ai.usage.input_tokens"], found["gen_ai.usage.output_tokens"]


@pytest.mark.parametrize("name", CALLS)
def test_a_call_is_one_trace_with_the_gateways_part(place, name):
    outcome = place.joined[name]
    _, model_call, error, _ = CALLS[name]
    assert {int.from_bytes(span.trace_id, "big") for span in outcome.server} == {outcome.client.context.trace_id}
    assert int.from_bytes(outcome.request.parent_span_id, "big") == outcome.client.context.span_id
    assert outcome.upstream.parent_span_id == outcome.request.span_id
    assert outcome.request.name.startswith("POST /gateway/")
    assert outcome.upstream.name == model_call
    assert attributes(outcome.upstream).get("error.type") == error
    assert len(outcome.server) == 2


@pytest.mark.parametrize("name", CALLS)
def test_the_clients_span_alone_carries_the_usage(place, name):
    outcome = place.joined[name]
    billed = outcome.entry.bill
    if name != "broken off":
        assert usage(outcome.client.attributes) == (None if billed is None else (billed.input, billed.output))
    assert all(usage(attributes(span)) is None for span in outcome.server)


@pytest.mark.parametrize("name", CALLS)
def test_a_client_that_names_no_host_has_a_trace_of_its_own(place, name):
    """And so has the gateway, whose model call carries the usage then."""
    outcome = place.apart[name]
    assert outcome.request.parent_span_id == b""
    assert int.from_bytes(outcome.request.trace_id, "big") != outcome.client.context.trace_id
    assert outcome.upstream.parent_span_id == outcome.request.span_id
    billed = outcome.entry.bill
    if name != "broken off":
        assert usage(attributes(outcome.upstream)) == (None if billed is None else (billed.input, billed.output))


def test_the_gateways_model_call_says_what_was_asked_and_answered(place):
    found = attributes(place.joined["unified"].upstream)
    assert found["gen_ai.request.model"] == "claude-sonnet-5"
    assert found["gen_ai.response.model"] == "claude-sonnet-5-20260801"
    assert found["gen_ai.provider.name"] == "anthropic"
    assert attributes(place.joined["plain"].upstream)["gen_ai.provider.name"] == "openai"


@pytest.mark.parametrize("name", CALLS)
def test_the_provider_is_sent_no_trace_context(place, name):
    for outcome in (place.joined[name], place.apart[name]):
        assert not {"traceparent", "tracestate"} & {header.lower() for header in outcome.entry.headers}


def test_nothing_else_of_the_server_is_traced(place):
    """Nor are MLflow's own spans sent where ours go."""
    scopes = {
        scope.scope.name
        for request in place.sink.accepted()
        for resource in request.message.resource_spans
        for scope in resource.scope_spans
    }
    assert scopes == {"opentelemetry.instrumentation.asgi", "genspan.mlflow_gateway"}
    assert len(place.sink.spans) == 4 * len(CALLS)


@pytest.fixture(scope="module")
def stored(place: Place) -> dict[str, Stored]:
    """The traces of the client that names the host, with the gateway's spans, as MLflow has them, by call."""
    server = place.running.server
    headers = {
        "content-type": "application/x-protobuf",
        "x-mlflow-experiment-id": server.experiment_id("named 127.0.0.1"),
    }
    traces = {outcome.request.trace_id for outcome in place.joined.values()}
    for request in place.sink.accepted():
        if {span.trace_id for span in request.spans} & traces:
            with urlopen(Request(server.uri + "/v1/traces", request.body, headers), timeout=60):
                pass
    return {
        name: Stored(server.trace(f"tr-{outcome.client.context.trace_id:032x}"))
        for name, outcome in place.joined.items()
    }


@pytest.mark.parametrize("name", CALLS)
def test_mlflow_counts_a_call_once(place, stored, name):
    trace, billed = stored[name], place.joined[name].entry.bill
    assert len(trace.spans) == 3
    assert sum("mlflow.chat.tokenUsage" in found for _, found, _ in trace.spans) <= 1
    if name != "broken off":
        expected = None if billed is None else billed.total
        assert trace.usage.get("total_tokens") == expected


def test_mlflows_own_usage_tracking_goes_on(place):
    """In the experiments of the endpoints, one trace for each call, and no copies anywhere."""
    calls = [endpoint for *_, endpoint in CALLS.values()]
    server = place.running.server
    for endpoint in ("openai", "anthropic"):
        deadline = time.monotonic() + 60  # MLflow writes them a little later
        while len(found := server.trace_infos(f"gateway/{endpoint}")) < 2 * calls.count(endpoint):
            assert time.monotonic() < deadline
            time.sleep(0.2)
        assert len(found) == 2 * calls.count(endpoint)
    # Of endpoints without it MLflow keeps traces of the model call alone in the experiment Default.
    names = {str(info["tags"].get("mlflow.traceName")) for info in server.trace_infos("Default")}
    assert not [name for name in names if name.startswith("gateway/")]
