"""Every surface of google-genai, every fault, every ending: the program notices nothing, the telemetry is right."""

from __future__ import annotations

import functools

import pytest
from google import genai
from google.genai import types

from genspan._core.supported_sdks import SDKS
from tests.support import programs, surfaces, verdict
from tests.support.endings import ENDINGS, exhausted
from tests.support.faults import BODIES, HTTP, NETWORK, Fault
from tests.support.provider import Reply
from tests.support.surfaces import STREAMS, SURFACES

MODES = ("sync", "async")
OK = Fault("ok")
_HTTPX = next(filter(surfaces.installed, ("httpx2", "httpx")), "default")
OLDEST = genai.__version__ == SDKS["gemini"].tested[0]


_RETRY = {"attempts": 3, "initial_delay": 0.001, "max_delay": 0.001, "jitter": 0}


_clients = {}


def _cached(*key):
    url, backend, retry = key
    if key not in _clients:
        _clients[key] = surfaces.make_client(url, backend, **({"retry_options": _RETRY} if retry else {}))
    return _clients[key]


def _client(url, backend, transport, retry):
    """One client each, since making one costs more than calls; but closing its httpx client ends one."""
    if retry and "retry_options" not in types.HttpOptions.model_fields:
        pytest.skip("this version of google-genai does not retry")
    if transport in ("default", "aiohttp"):
        return _cached(url, backend, retry)
    return surfaces.make_client(url, backend, transport)


@pytest.fixture(scope="module", autouse=True)
def close_clients(running_provider):
    yield
    for client in _clients.values():
        client.close()
    _clients.clear()


@pytest.fixture
def compare(provider, install):
    """Run the program bare, then traced: both must notice the same. Returns what was noticed, and the telemetry."""

    def run(surface, mode, fault=OK, ending=exhausted, backend="gemini", transport=None, hop=None, **environment):
        is_async = mode == "async"
        transport = transport or ("aiohttp" if is_async else "default")
        make = functools.partial(_client, provider.url, backend, transport, fault.retry)
        hop = (1 if surface.afc else 0) if hop is None else hop
        script = (*[Reply()] * hop, *fault.replies(surface))
        work = functools.partial(programs.call, surface, is_async, do=ending)
        bare = programs.run(provider, script, work, make(), is_async)
        telemetry = install(**environment)
        traced = programs.run(provider, script, work, make(), is_async)
        assert traced.notes == bare.notes
        verdict.sound(telemetry)
        if not fault.unbilled:
            verdict.billed(telemetry, provider)
        verdict.nested(telemetry, surface.afc)
        assert len(telemetry.named("execute_tool")) == traced.tool_runs
        return traced, telemetry

    return run


def _hops(telemetry, provider, repeated=0):
    """One span for each request, retries apart."""
    assert len(telemetry.leaves) == len(provider.ledger) - repeated


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("surface", SURFACES, ids=str)
def test_ok(compare, provider, surface, mode):
    seen, telemetry = compare(surface, mode)
    assert seen.errors == []
    _hops(telemetry, provider)
    assert [verdict.failed(span) or verdict.ended(span) for span in telemetry.spans if verdict.failed(span)] == []
    assert [verdict.ended(span) for span in telemetry.spans if verdict.ended(span)] == []
    assert {verdict.operation(span) for span in telemetry.leaves} == {surface.operation}
    assert len(telemetry.leaves) == (2 if surface.afc else 1)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("surface", SURFACES, ids=str)
@pytest.mark.parametrize("backend", surfaces.BACKENDS)
def test_backends(compare, provider, surface, mode, backend):
    seen, telemetry = compare(surface, mode, backend=backend)
    assert seen.errors == []
    _hops(telemetry, provider)
    vertex = backend.startswith("vertex")
    providers = {span.attributes["gen_ai.provider.name"] for span in telemetry.leaves}
    assert providers == {"gcp.vertex_ai" if vertex else "gcp.gemini"}


@pytest.mark.parametrize(
    ("mode", "transport"), [(mode, one) for mode, all_ in surfaces.TRANSPORTS.items() for one in all_]
)
@pytest.mark.parametrize("surface", SURFACES, ids=str)
@pytest.mark.parametrize("fault", [OK, HTTP[0], NETWORK[2], NETWORK[3]], ids=str)
def test_transports(compare, provider, surface, mode, transport, fault):
    if not surfaces.installed(transport):
        pytest.skip(f"{transport} is not installed")
    seen, telemetry = compare(surface, mode, fault, transport=transport)
    assert bool(seen.errors) == (fault is not OK)
    _hops(telemetry, provider)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("surface", SURFACES, ids=str)
@pytest.mark.parametrize("fault", [*HTTP, *NETWORK], ids=str)
def test_faults(compare, provider, surface, mode, fault):
    if not fault.replies(surface):
        pytest.skip("only streams can end like this")
    if OLDEST and fault.name.startswith("error-"):
        pytest.skip("this version of google-genai raises nothing for an error inside a stream")
    transport = _HTTPX if fault.resets and mode == "async" else None
    seen, telemetry = compare(surface, mode, fault, transport=transport)
    _hops(telemetry, provider, fault.attempts - 1)
    last = telemetry.leaves[-1]
    if fault.name == "retried":
        assert seen.errors == []
        assert verdict.failed(last) is None
    else:
        _blamed(seen, telemetry, last, _INSIDE.get(fault.name))
    assert last.attributes.get("http.request.resend_count") == (fault.attempts - 1 or None)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("surface", [one for one in SURFACES if one.afc], ids=str)
@pytest.mark.parametrize("fault", [HTTP[0], NETWORK[2]], ids=str)
def test_faults_at_the_first_hop(compare, provider, surface, mode, fault):
    seen, telemetry = compare(surface, mode, fault, hop=0)
    _hops(telemetry, provider)
    _blamed(seen, telemetry, telemetry.leaves[-1])


# What the provider calls an error inside a stream, which says more than the class that the SDK raises.
_INSIDE = {
    "error-first": "UNAVAILABLE",
    "error-in-stream": "RESOURCE_EXHAUSTED",
    "body-error-object": "RESOURCE_EXHAUSTED",
    "body-error-malformed": "x",
}


def _blamed(seen, telemetry, last, inside=None):
    """The error is on the span of the request that failed, and on the agent's."""
    (error,) = seen.errors
    assert verdict.failed(last) == (inside or type(error).__qualname__)
    assert last.attributes.get("http.response.status_code") == getattr(error, "code", None)
    others = [verdict.failed(span) for span in telemetry.spans if span is not last]
    assert others == [
        type(error).__qualname__ if verdict.operation(span) == "invoke_agent" else None
        for span in telemetry.spans
        if span is not last
    ]


@pytest.mark.parametrize("content", ["NO_CONTENT", "SPAN_AND_EVENT"])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("surface", [one for one in SURFACES if not one.afc], ids=str)
@pytest.mark.parametrize("fault", BODIES, ids=str)
def test_odd_bodies(compare, provider, surface, mode, fault, content):
    if fault.generating and surface.operation != "generate_content":
        pytest.skip("this answer has no such fields")
    if OLDEST and surface.stream and fault.name in ("body-usage-text", "raw-nan"):
        pytest.skip("this version of google-genai reads on after such a chunk")
    seen, telemetry = compare(surface, mode, fault, CAPTURE=content, GENSPAN_DIALECTS="genai,mlflow")
    _hops(telemetry, provider)
    last = telemetry.leaves[-1]
    if seen.errors:
        inside = _INSIDE.get(fault.name) if surface.stream else None
        assert verdict.failed(last) == (inside or type(seen.errors[0]).__qualname__)
    elif "error" not in fault.name:
        assert verdict.failed(last) is None


@pytest.mark.parametrize("surface", STREAMS, ids=str)
@pytest.mark.parametrize(
    ("mode", "ending"),
    [pytest.param(mode, one, id=f"{mode}-{one}") for mode in MODES for one in ENDINGS if one.only in (None, mode)],
)
def test_endings(compare, provider, surface, mode, ending):
    if genai.__version__.startswith("1.") and surface.afc and (ending.ends or ending.error):
        pytest.skip("this version of google-genai reads such a stream ahead of the program")
    fault = Fault("hold", stream=(Reply(hold=1),)) if ending.hold else OK
    hop = 0 if ending.hold else None
    seen, telemetry = compare(surface, mode, fault, ending.do, hop=hop)
    if not ending.requests:
        assert len(provider.ledger) == len(telemetry.spans) == 0
        return
    _hops(telemetry, provider)
    last = telemetry.leaves[-1]
    assert verdict.failed(last) == ending.error
    if ending.ends:
        assert verdict.ended(last) in ending.ends
        assert telemetry.usage() == seen.usage
    else:
        assert verdict.ended(last) is None
