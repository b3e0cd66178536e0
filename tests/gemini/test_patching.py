"""Instrument and uninstrument: what is patched, once, and put back as it was."""

from __future__ import annotations

import importlib
import inspect
import threading
from typing import get_type_hints

import pytest
import wrapt
from opentelemetry import context as otel
from opentelemetry import trace
from opentelemetry.instrumentation.utils import suppress_instrumentation

import genspan
from genspan.gemini import GeminiInstrumentor, bindings
from tests.support import surfaces, verdict
from tests.support.patch_points import missing
from tests.support.telemetry import Telemetry

PATCHES = [patch for patch in bindings.patches() if missing(patch.module, patch.attribute) is None]
CALL = {"model": surfaces.MODEL, "contents": "hello"}


def _target(patch):
    """The object in whose `__dict__` a patch point is, and its name there."""
    holder = importlib.import_module(patch.module)
    *path, name = patch.attribute.split(".")
    for part in path:
        holder = getattr(holder, part)
    return holder, name


def _patched():
    return {(patch.module, patch.attribute): vars(_target(patch)[0]).get(_target(patch)[1]) for patch in PATCHES}


def test_uninstrument_restores_identity(install):
    before = _patched()
    install()
    during = _patched()
    GeminiInstrumentor().uninstrument()
    assert all(during[name] is not before[name] for name in before)
    assert all(_patched()[name] is before[name] for name in before)


def test_many_times(install, provider, client):
    before = _patched()
    for _ in range(3):
        telemetry = install()
        client.models.generate_content(**CALL)
        assert len(telemetry.spans) == 1
        GeminiInstrumentor().uninstrument()
        client.models.generate_content(**CALL)
        assert len(telemetry.spans) == 1
    assert _patched() == before


def test_twice_is_one_span(install, provider, client):
    telemetry = install()
    telemetry.complaints.setLevel(100)  # "Attempting to instrument while already instrumented"
    GeminiInstrumentor().instrument(**telemetry.providers)
    genspan.instrument(**telemetry.providers)
    client.models.generate_content(**CALL)
    assert len(telemetry.spans) == 1
    genspan.uninstrument()
    client.models.generate_content(**CALL)
    assert len(telemetry.spans) == 1


def test_from_eight_threads(monkeypatch, install, provider, client):
    before = _patched()
    telemetry = install()
    GeminiInstrumentor().uninstrument()
    telemetry.complaints.setLevel(100)
    barrier = threading.Barrier(8)

    def instrument():
        barrier.wait()
        GeminiInstrumentor().instrument(**telemetry.providers)

    threads = [threading.Thread(target=instrument) for _ in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert all(getattr(wrapper, "__wrapped__", None) is before[name] for name, wrapper in _patched().items())
    client.models.generate_content(**CALL)
    assert len(telemetry.spans) == 1
    GeminiInstrumentor().uninstrument()
    assert _patched() == before


def test_where_somebody_wrapped_on_top(install, provider, client):
    """Their wrapper stays, ours passes through, and a second time gives one span again."""
    from google.genai.models import Models

    before = _patched()
    original = vars(Models)["generate_content"]
    telemetry = install()
    seen = []

    def theirs(wrapped, instance, args, kwargs):
        seen.append(1)
        return wrapped(*args, **kwargs)

    wrapper = wrapt.FunctionWrapper(vars(Models)["generate_content"], theirs)
    Models.generate_content = wrapper
    try:
        client.models.generate_content(**CALL)
        assert (len(seen), len(telemetry.spans)) == (1, 1)
        GeminiInstrumentor().uninstrument()
        assert vars(Models)["generate_content"] is wrapper
        client.models.generate_content(**CALL)
        assert (len(seen), len(telemetry.spans)) == (2, 1)
        again = install()
        client.models.generate_content(**CALL)
        assert (len(seen), len(again.spans)) == (3, 1)
        GeminiInstrumentor().uninstrument()
    finally:
        Models.generate_content = original
    assert _patched() == before


def test_where_somebody_took_ours_away(install, provider, client):
    from google.genai.models import Models

    original = vars(Models)["generate_content"]
    install()
    Models.generate_content = original
    GeminiInstrumentor().uninstrument()
    assert vars(Models)["generate_content"] is original


@pytest.mark.parametrize("taken", ["before", "while"])
def test_bound_methods(install, provider, client, taken):
    """A method that the program took before is traced all the same by the hook underneath; after that, not at all."""
    method = client.models.generate_content
    telemetry = install()
    if taken == "while":
        method = client.models.generate_content
    method(**CALL)
    assert len(telemetry.leaves) == 1
    verdict.billed(telemetry, provider)
    GeminiInstrumentor().uninstrument()
    method(**CALL)
    assert len(telemetry.leaves) == 1


def test_stream_that_is_open_while_uninstrumented(install, provider, client):
    telemetry = install()
    stream = client.models.generate_content_stream(**CALL)
    next(stream)
    GeminiInstrumentor().uninstrument()
    assert len(list(stream)) >= 1
    assert telemetry.unbalanced() == {}
    verdict.billed(telemetry, provider)


def test_functions_look_the_same(install):
    def looks():
        found = []
        for patch in PATCHES:
            holder, name = _target(patch)
            one = getattr(holder, name)
            kinds = inspect.iscoroutinefunction(one), inspect.isgeneratorfunction(one), inspect.isfunction(one)
            found.append(
                (str(inspect.signature(one)), one.__name__, one.__qualname__, one.__doc__, one.__module__, kinds[0])
            )
        return found

    before = looks()
    install()
    assert looks() == before


# Suppression


def _rival(key):
    return otel.set_value(key, True)


@pytest.mark.parametrize("key", ["suppress_language_model_instrumentation", "suppress_instrumentation"])
@pytest.mark.parametrize("name", ["generate_content", "generate_content_stream", "send_message", "embed_content"])
def test_suppressed_by_a_key(install, provider, client, key, name):
    telemetry = install()
    surface = next(one for one in surfaces.SURFACES if one.name == name)
    token = otel.attach(_rival(key))
    try:
        result = surfaces.method(surface, client, False)(**surfaces.arguments(surface, []))
        list(result) if surface.stream else result
    finally:
        otel.detach(token)
    assert (telemetry.started, telemetry.points("gen_ai.client.operation.duration"), telemetry.logs) == (0, [], [])
    assert len(provider.ledger) == 1


def test_suppressed_with_tools(install, provider, client):
    telemetry = install()
    surface = next(one for one in surfaces.SURFACES if str(one) == "generate_content-afc")
    with suppress_instrumentation():
        surfaces.method(surface, client, False)(**surfaces.arguments(surface, [_tool]))
    assert telemetry.started == 0
    assert len(provider.ledger) == 2


def _tool(city: str) -> str:
    """Get the weather of a city."""
    return "fine"


_tool.__annotations__ = get_type_hints(_tool)  # google-genai 1.10 reads no text of them


def test_suppressed_while_a_stream_is_opened(install, provider, client):
    """Where the call is made decides, as for every instrumentation, whoever reads on."""
    telemetry = install()
    with suppress_instrumentation():
        stream = client.models.generate_content_stream(**CALL)
        next(stream)
    assert len(list(stream)) >= 1
    assert telemetry.started == 0


# Who listens


def test_without_any_provider_nothing_is_read(monkeypatch, provider, client):
    """Nothing is serialised, no span is started, the body is not even parsed."""
    from genspan._core.calls import call
    from genspan._core.emit import limits, span_attributes
    from genspan._core.wire import json_text as wire
    from genspan_semconv import encode

    touched = []
    for module, name in (
        (encode, "dumps"),
        (limits, "dumps"),
        (span_attributes, "read_content"),
        (wire, "parse"),
        (call, "Call"),
    ):
        monkeypatch.setattr(module, name, lambda *args, name=name, **kwargs: touched.append(name))
    GeminiInstrumentor().instrument()
    try:
        client.models.generate_content(**CALL)
        list(client.models.generate_content_stream(**CALL))
        client.chats.create(model=surfaces.MODEL, config={"tools": [_tool]}).send_message("weather in Paris?")
    finally:
        GeminiInstrumentor().uninstrument()
    assert touched == []


def test_sampled_out_nothing_is_serialised(monkeypatch, install, provider, client):
    from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

    from genspan._core.emit import limits
    from genspan_semconv import encode

    touched = []
    monkeypatch.setattr(encode, "dumps", lambda value: touched.append(value) or "")
    monkeypatch.setattr(limits, "dumps", lambda value: touched.append(value) or "")
    telemetry = install(Telemetry(sampler=ALWAYS_OFF), CAPTURE="true", GENSPAN_DIALECTS="genai,mlflow")
    client.models.generate_content(**CALL)
    assert list(client.models.generate_content_stream(**CALL))
    client.chats.create(model=surfaces.MODEL, config={"tools": [_tool]}).send_message("weather in Paris?")
    assert (touched, telemetry.spans) == ([], [])
    total = provider.ledger.total()
    assert telemetry.measured() == (total.input, total.output), "metrics do not depend on sampling"


def test_a_provider_that_is_set_later(provider, client, monkeypatch):
    """A program may set its global provider after instrumenting."""
    telemetry = Telemetry()
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", None)
    monkeypatch.setattr(trace, "_TRACER_PROVIDER_SET_ONCE", type(trace._TRACER_PROVIDER_SET_ONCE)())
    GeminiInstrumentor().instrument()
    try:
        client.models.generate_content(**CALL)
        trace.set_tracer_provider(telemetry.tracer_provider)
        client.models.generate_content(**CALL)
    finally:
        GeminiInstrumentor().uninstrument()
    assert len(telemetry.spans) == 1
