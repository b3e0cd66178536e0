"""The SDK's own tracing is replaced while we trace, however a client was made, and is back afterwards."""

from __future__ import annotations

import asyncio

import anthropic
import pytest
from opentelemetry import trace
from opentelemetry.baggage import set_baggage
from opentelemetry.context import attach, detach
from opentelemetry.util._once import Once

from tests.anthropic.calls import get_weather
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


def _loop(provider, option):
    """A tool runner: two model calls and a tool between them."""
    with _client(provider, option) as client:
        client.beta.messages.tool_runner(**ASKED, tools=[get_weather]).until_done()


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("variable", ["unset", "false"])
def test_a_tool_runner_has_our_spans_or_the_sdks(
    everywhere, install, instrumentor, provider, monkeypatch, variable, option
):
    """Neither lost nor doubled: the loop, its model calls, its tool."""
    if variable != "unset":
        monkeypatch.setenv("ANTHROPIC_OPEN_TELEMETRY", variable)
    install(everywhere)
    _loop(provider, OPTIONS[option])
    names = [span.name.partition(" ")[0] for span in everywhere.spans]
    assert names == ["chat", "execute_tool", "chat", "invoke_agent"]
    assert set(_scopes(everywhere)) == {"genspan.anthropic"}
    instrumentor.uninstrument()
    everywhere.clear()
    _loop(provider, OPTIONS[option])
    off = option == "off" or (variable == "false" and option == "unset")
    assert set(_scopes(everywhere)) == (set() if off else {"com.anthropic.sdk.python"})


def test_copies_and_clients_of_async_programs(everywhere, install, provider):
    """Each has a tracer of its own."""
    install(everywhere)

    async def main():
        async with anthropic.AsyncAnthropic(api_key=API_KEY, base_url=provider.url, max_retries=0) as client:
            await client.messages.create(**ASKED)
            await client.with_options(open_telemetry={"propagation": True}).messages.create(**ASKED)
            async with client.beta.messages.stream(**ASKED) as stream:
                await stream.until_done()

    asyncio.run(main())
    assert _scopes(everywhere) == ["genspan.anthropic"] * 3
    assert not [entry for entry in provider.ledger if "traceparent" in map(str.lower, entry.headers)]


def test_a_span_of_the_programs_own_is_the_parent(everywhere, install, provider):
    """Also where the SDK's own tracing began before."""
    with _client(provider, None) as client, trace.get_tracer("mine").start_as_current_span("mine") as mine:
        install(everywhere)
        client.messages.create(**ASKED)
        with client.messages.stream(**ASKED) as stream:
            stream.until_done()
            assert trace.get_current_span() is mine
    assert {span.parent.span_id for span in everywhere.named("chat")} == {mine.get_span_context().span_id}


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
    telemetry = install(GENSPAN_PROPAGATE_HOSTS="127.0.0.1")
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
