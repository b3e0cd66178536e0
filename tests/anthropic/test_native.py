"""The SDK's own tracing is replaced while we trace, however a client was made, and is back afterwards."""

from __future__ import annotations

import anthropic
import pytest
from opentelemetry import trace
from opentelemetry.baggage import set_baggage
from opentelemetry.context import attach, detach
from opentelemetry.util._once import Once

from tests.support.anthropic_surfaces import API_KEY, MODEL
from tests.support.telemetry import Telemetry

ASKED = {"model": MODEL, "max_tokens": 50, "messages": [{"role": "user", "content": "Hello?"}]}
OPTIONS = {
    "unset": None,
    "empty": {},
    "on": {"traces": True},
    "dict": {"propagation": True, "traces": {"enabled": True, "content_mode": "content"}},
    "off": False,
}


@pytest.fixture
def everywhere(monkeypatch):
    """One provider, the global one, which the SDK and we write to."""
    telemetry = Telemetry()
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", None)
    monkeypatch.setattr(trace, "_TRACER_PROVIDER_SET_ONCE", Once())
    trace.set_tracer_provider(telemetry.tracer_provider)
    return telemetry


def _client(provider, option, **more):
    given = {} if option is None else {"open_telemetry": option}
    return anthropic.Anthropic(api_key=API_KEY, base_url=provider.url, max_retries=0, **given, **more)


def _ask(client):
    client.messages.create(**ASKED)
    list(client.messages.create(**ASKED, stream=True))
    with client.messages.stream(**ASKED) as stream:
        stream.get_final_message()
    client.messages.with_raw_response.create(**ASKED).parse()
    client.beta.messages.create(**ASKED)
    client.messages.count_tokens(model=MODEL, messages=ASKED["messages"])
    return 6


def _scopes(telemetry):
    return [span.instrumentation_scope.name for span in telemetry.spans]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("variable", ["unset", "false", "true"])
def test_one_span_per_call_is_ours(everywhere, install, provider, monkeypatch, variable, option, when):
    if variable != "unset":
        monkeypatch.setenv("ANTHROPIC_OPEN_TELEMETRY", variable)
    if when == "before":
        client = _client(provider, OPTIONS[option])
        client.messages.create(**ASKED)  # the SDK has its tracer by now
        everywhere.clear()
        provider.reset()
    install(everywhere)
    if when == "after":
        client = _client(provider, OPTIONS[option])
    with client:
        token = attach(set_baggage("user.email", "someone@example.com"))
        calls = _ask(client)
        detach(token)
    assert _scopes(everywhere) == ["genspan.anthropic"] * calls
    assert everywhere.usage() == (provider.ledger.total().input, provider.ledger.total().output)
    for entry in provider.ledger:
        assert not {"traceparent", "tracestate", "baggage"} & {name.lower() for name in entry.headers}


@pytest.mark.parametrize("option", OPTIONS)
def test_uninstrumented_it_is_as_before(everywhere, install, instrumentor, provider, option):
    original = vars(anthropic._base_client.BaseClient)["_tracer"]
    client = _client(provider, OPTIONS[option])
    install(everywhere)
    assert vars(anthropic._base_client.BaseClient)["_tracer"] is not original
    client.messages.create(**ASKED)
    instrumentor.uninstrument()
    assert vars(anthropic._base_client.BaseClient)["_tracer"] is original
    everywhere.clear()
    with client:
        calls = _ask(client)
    assert _scopes(everywhere) == [] if option == "off" else ["com.anthropic.sdk.python"] * calls


def test_it_stays_where_nobody_sees_our_spans(provider, instrumentor):
    """A client with a provider of its own, and none that we were given or that is global."""
    own = Telemetry()
    instrumentor.instrument()
    try:
        with _client(provider, {"tracer_provider": own.tracer_provider}) as client:
            client.messages.create(**ASKED)
    finally:
        instrumentor.uninstrument()
    assert _scopes(own) == ["com.anthropic.sdk.python"]


def test_a_clients_own_provider_gets_nothing_beside_ours(telemetry, provider):
    own = Telemetry()
    with _client(provider, {"tracer_provider": own.tracer_provider}) as client:
        client.messages.create(**ASKED)
    assert (len(own.spans), len(telemetry.spans)) == (0, 1)


def test_a_clients_conversation_is_that_of_its_calls(telemetry, provider):
    with _client(provider, {"conversation_id": "trip-42"}) as client:
        client.messages.create(**ASKED)
    assert telemetry.spans[0].attributes["gen_ai.conversation.id"] == "trip-42"


@pytest.mark.parametrize(("option", "sent"), [(None, True), ({"propagation": False}, False)])
def test_the_trace_context_is_sent_where_asked_for(install, provider, option, sent):
    telemetry = install(GENSPAN_ANTHROPIC_PROPAGATION="true")
    token = attach(set_baggage("user.email", "someone@example.com"))
    with _client(provider, option) as client:
        client.messages.create(**ASKED)
    detach(token)
    headers = {name.lower(): value for name, value in provider.ledger[0].headers.items()}
    context = telemetry.spans[0].context
    expected = f"00-{context.trace_id:032x}-{context.span_id:016x}-" if sent else ""
    assert headers.get("traceparent", "").rpartition("-")[0] + "-" * sent == expected
    assert "baggage" not in headers


def test_a_strangers_span_of_the_same_scope_is_left_alone(everywhere, install):
    install(everywhere)
    with trace.get_tracer("com.anthropic.sdk.python").start_as_current_span("a stranger's"):
        pass
    assert [span.name for span in everywhere.spans] == ["a stranger's"]


def test_suppressed_there_is_neither(everywhere, install, provider):
    from opentelemetry.instrumentation.utils import suppress_instrumentation

    install(everywhere)
    with _client(provider, None) as client, suppress_instrumentation():
        client.messages.create(**ASKED)
    assert everywhere.spans == []
