"""Whatever is passed in and whatever comes back: the traced call does what the bare one does."""

from __future__ import annotations

import asyncio
import functools
import os
from typing import Any

import pytest
from google.genai import types
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genspan.gemini import GeminiInstrumentor
from tests.gemini.test_fuzz import OBJECTS
from tests.support import programs, surfaces, verdict
from tests.support.endings import exhausted
from tests.support.observe import described, plain
from tests.support.provider import Reply
from tests.support.surfaces import SURFACES, make_client
from tests.support.telemetry import Telemetry

BY_NAME = {str(one): one for one in SURFACES}
EXAMPLES = int(os.environ.get("GENSPAN_FUZZ_EXAMPLES", "25"))


@pytest.fixture(scope="module")
def client(running_provider):
    made = make_client(running_provider.url)
    yield made
    made.close()


@pytest.mark.parametrize("name", ["generate_content", "generate_content_stream", "send_message", "embed_content"])
@given(chunks=st.lists(OBJECTS, min_size=1, max_size=3))
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
def test_fuzzed_responses(provider, client, monkeypatch, name, chunks):
    surface = BY_NAME[name]
    reply = Reply(chunks=chunks) if surface.stream else Reply(body=chunks[0])
    work = functools.partial(programs.call, surface, False, do=exhausted)
    bare = programs.run(provider, (reply,), work, client, False)
    monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "SPAN_AND_EVENT")
    monkeypatch.setenv("GENSPAN_DIALECTS", "genai,mlflow")
    telemetry = Telemetry()
    GeminiInstrumentor().instrument(**telemetry.providers)
    try:
        traced = programs.run(provider, (reply,), work, client, False)
    finally:
        GeminiInstrumentor().uninstrument()
    assert traced.notes == bare.notes
    assert len(telemetry.spans) == 1
    contradictions = "more than the whole"  # the provider's own
    wrong = [one for span in telemetry.spans for one in verdict.violations(span) if contradictions not in one]
    assert wrong == []


class Opaque:
    """Says nothing of itself, and fails when it is asked."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(f"asked for {name}")

    def __repr__(self) -> str:
        return "Opaque()"


def _part() -> types.Part:
    return types.Part.from_text(text="a part")


# Made anew for each run, since some can be read only once.
CONTENTS = {
    "none": lambda: None,
    "number": lambda: 5,
    "bytes": lambda: b"bytes",
    "empty": lambda: "",
    "empty-list": list,
    "object": Opaque,
    "generator": lambda: (text for text in ["one", "two"]),
    "iterator": lambda: iter(["one", "two"]),
    "map": lambda: map(str, [1, 2]),
    "dict-view": {"a": 1}.keys,
    "set": lambda: {"one"},
    "tuple": lambda: ("one", "two"),
    "part": _part,
    "parts": lambda: [_part(), "text", {"text": "dict"}],
    "content": lambda: types.Content(role="user", parts=[_part()]),
    "contents": lambda: [types.UserContent("hi"), types.ModelContent("ho"), types.UserContent("hi again")],
    "dicts": lambda: [{"role": "user", "parts": [{"text": "hi"}]}],
    "surrogate": lambda: "half an emoji \ud83d",
    "mixed": lambda: [1, None, "x"],
}
CONFIGS = {
    "none": lambda: None,
    "empty": dict,
    "dict": lambda: {"temperature": 0.1, "tools": [{"function_declarations": [{"name": "f"}]}]},
    "unknown-field": lambda: {"no_such": 1},
    "wrong-type": lambda: {"temperature": "hot"},
    "number": lambda: 7,
    "object": Opaque,
    "tools-generator": lambda: {"tools": (tool for tool in [print])},
    "tools-iterator": lambda: {"tools": iter([])},
    "tools-none": lambda: {"tools": None},
    "tools-odd": lambda: {"tools": [None, 1]},
    "tools-opaque": lambda: {"tools": [Opaque()]},
    "calling-odd": lambda: {"tools": [len], "automatic_function_calling": 5},
    "calling-off": lambda: {"tools": [_tool], "automatic_function_calling": {"disable": True}},
    "calling-zero": lambda: {"tools": [_tool], "automatic_function_calling": {"maximum_remote_calls": 0}},
    "calling-one": lambda: {"tools": [_tool], "automatic_function_calling": {"maximum_remote_calls": 1}},
    "builtin": lambda: {"tools": [len]},
    "lambda": lambda: {"tools": [lambda: 1]},
    "partial": lambda: {"tools": [functools.partial(_tool, city="Rome")]},
    "schema": lambda: {"response_mime_type": "application/json", "response_schema": {"type": "OBJECT"}},
    "iterator-of-stops": lambda: {"stop_sequences": iter(["a", "b"])},
    "generator-of-modalities": lambda: {"response_modalities": (one for one in ["TEXT"])},
    "headers": lambda: {"http_options": {"headers": {"x-mine": "1"}, "extra_body": {"labels": {"a": "b"}}}},
    "system-generator": lambda: {"system_instruction": (text for text in ["be brief"])},
}
MODELS = {
    "none": None,
    "empty": "",
    "number": 5,
    "path": "models/gemini-2.5-flash",
    "odd": "../x:y?z",
    "object": Opaque(),
}


WAYS = [
    ("generate_content", False),
    ("generate_content", True),
    ("generate_content_stream", False),
    ("generate_content_stream", True),
    ("send_message", False),
    ("send_message_stream", True),
]


def _tool(city: str) -> str:
    """Get the weather of a city."""
    return f"fine in {city}"


def _outcome(call, client, is_async):
    """What came of it, in words."""

    async def main():
        try:
            result = await call()
            return [one async for one in result] if hasattr(type(result), "__aiter__") else result
        finally:
            await client.aio.aclose()

    try:
        if is_async:
            return plain(asyncio.run(main()))
        result = call()
        return plain(list(result) if hasattr(type(result), "__next__") else result)
    except Exception as error:
        return described(error)


def _same(provider, install, client, surface, is_async, arguments, model=surfaces.MODEL):
    """Bare and traced, each with arguments of its own; what is left of the iterators among them is compared too."""
    seen = []
    for traced in (False, True):
        provider.reset()
        telemetry = install() if traced else None
        made = {name: make() for name, make in arguments.items()}
        call = functools.partial(surfaces.method, surface, client, is_async, model=model)
        outcome = _outcome(lambda call=call, made=made: call()(**made), client, is_async)
        left = [list(value) for value in made.values() if hasattr(type(value), "__next__")]
        bodies = [entry.body for entry in provider.ledger]
        seen.append((outcome, left, plain(bodies)))
    assert seen[1] == seen[0]
    if model == surfaces.MODEL:
        verdict.sound(telemetry)
    verdict.billed(telemetry, provider)
    assert len(telemetry.leaves) >= len(provider.ledger)
    assert telemetry.spans, "a call that fails before it is sent is a span too"
    if not provider.ledger:
        assert {verdict.failed(span) for span in telemetry.spans} == {seen[1][0][0]}
    return telemetry


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("name", "is_async"), WAYS)
@pytest.mark.parametrize("contents", CONTENTS)
def test_odd_contents(provider, install, client, name, is_async, contents):
    surface = BY_NAME[name]
    _same(provider, install, client, surface, is_async, {"message" if surface.chat else "contents": CONTENTS[contents]})


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("name", "is_async"), WAYS)
@pytest.mark.parametrize("config", CONFIGS)
def test_odd_configs(provider, install, client, name, is_async, config):
    surface = BY_NAME[name]
    arguments = {"message" if surface.chat else "contents": lambda: "hello", "config": CONFIGS[config]}
    telemetry = _same(provider, install, client, surface, is_async, arguments)
    if config in ("object", "tools-opaque"):
        telemetry.complaints.heard.clear()  # they raise where we look at them, and that is noted for us alone


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["generate_content", "generate_content_stream", "count_tokens"])
@pytest.mark.parametrize("model", MODELS)
def test_odd_models(provider, install, client, name, model):
    _same(provider, install, client, BY_NAME[name], False, {"contents": lambda: "hello"}, MODELS[model])


@pytest.mark.parametrize(
    "arguments", [{}, {"model": "m"}, {"contents": "c"}, {"model": "m", "contents": "c", "nope": 1}]
)
def test_wrong_signatures(provider, install, client, arguments):
    """The same words of the same TypeError."""

    def said():
        with pytest.raises(TypeError) as raised:
            client.models.generate_content(**arguments)
        return str(raised.value)

    bare = said()
    install()
    assert said() == bare


def test_positional_arguments(provider, install, client):
    chat = client.chats.create(model=surfaces.MODEL)
    install()
    assert chat.send_message("hello", {"temperature": 0.1}).text
    assert provider.ledger[0].body["generationConfig"] == {"temperature": 0.1}
