"""Functions that run by themselves in a chat of google-generativeai: a parent, its model calls, the runs."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, NamedTuple

import google.generativeai as genai
import pytest

from tests.support import verdict
from tests.support.telemetry import Counts

if TYPE_CHECKING:
    from collections.abc import Callable

MODEL = "gemini-1.5-flash"
TRANSPORTS = ("grpc", "grpc_asyncio", "rest")
DECLARED = {"name": "get_time", "description": "The time.", "parameters": None}
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def get_weather(city: str) -> str:
    """The weather of a city."""
    return f"sunny in {city}"


def fails(city: str) -> str:
    """Raises."""
    raise LookupError(f"no {city}")


def says(prompt, out, total, *parts, finish="STOP"):
    usage = {"promptTokenCount": prompt, "candidatesTokenCount": out, "totalTokenCount": total}
    return {
        "candidates": [{"content": {"role": "model", "parts": list(parts)}, "finishReason": finish}],
        "usageMetadata": usage,
    }


def asking(name, city="Paris"):
    return says(100, 20, 125, {"functionCall": {"name": name, "args": {"city": city}}})


def send(service, transport, own, answers, automatic=True, **more):
    service.answer = lambda method, request: answers[len(service.requests) - 1]
    rest = transport == "rest"
    options = {"api_endpoint": service.url if rest else service.address}
    genai.configure(api_key="AIzaSy-key", client_options=options, transport="rest" if rest else None)
    chat = genai.GenerativeModel(MODEL, tools=own).start_chat(enable_automatic_function_calling=automatic)
    if transport == "grpc_asyncio":
        return asyncio.run(chat.send_message_async("Weather?", **more)).text
    return chat.send_message("Weather?", **more).text


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_each_request_and_each_run_has_its_span(install, service, transport):
    telemetry = install(CAPTURE="true")
    answers = [asking("get_weather"), asking("get_weather", "Rome"), says(160, 15, 175, {"text": "Sunny."})]
    assert send(service, transport, [get_weather], answers) == "Sunny."
    verdict.sound(telemetry)
    (agent,), tools = telemetry.named("invoke_agent"), telemetry.named("execute_tool")
    assert {span.parent.span_id for span in (*telemetry.leaves, *tools)} == {agent.context.span_id}
    assert telemetry.usage() == service.billed() == Counts(360, 65)
    assert [span.attributes["gen_ai.tool.name"] for span in tools] == ["get_weather"] * 2
    assert json.loads(tools[0].attributes["gen_ai.tool.call.arguments"]) == {"city": "Paris"}
    assert json.loads(tools[1].attributes["gen_ai.tool.call.result"]) == {"result": "sunny in Rome"}


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_function_that_raises_is_no_failure_of_the_model(install, service, transport):
    telemetry = install()
    with pytest.raises(LookupError, match="no Paris"):
        send(service, transport, [fails], [asking("fails")])
    verdict.sound(telemetry)
    failed = {verdict.operation(span): verdict.failed(span) for span in telemetry.spans}
    assert failed == {"generate_content": None, "execute_tool": "LookupError", "invoke_agent": "LookupError"}
    assert telemetry.usage() == service.billed() == Counts(100, 25)


def test_a_request_that_fails_after_a_run(install, service):
    telemetry = install()
    blocked = says(160, 0, 160, finish="SAFETY")
    with pytest.raises(genai.types.StopCandidateException):
        send(service, "grpc", [get_weather], [asking("get_weather"), blocked])
    verdict.sound(telemetry)
    assert [verdict.failed(span) for span in telemetry.leaves] == [None, "StopCandidateException"]
    assert telemetry.usage() == service.billed() == Counts(260, 25)


class Made(NamedTuple):
    """What is made for one call alone."""

    make: Callable[[], Any]

    def __call__(self) -> Any:
        return self.make()


LIBRARY = genai.types.content_types.to_function_library


@pytest.mark.parametrize(
    ("own", "more", "parent"),
    [
        (None, {}, False),
        ([DECLARED], {}, False),
        ("code_execution", {}, False),
        ([{"function_declarations": [DECLARED]}], {}, False),
        ([genai.types.Tool(function_declarations=[DECLARED])], {}, False),
        ([genai.protos.FunctionDeclaration(name="get_time")], {}, False),
        ([DECLARED, get_weather], {}, True),
        (get_weather, {}, True),
        (None, {"tools": [get_weather]}, True),
        (None, {"tools": Made(lambda: LIBRARY([get_weather]))}, True),
        (None, {"tools": Made(lambda: iter([get_weather]))}, True),
        (None, {"tools": {"function_declarations": [get_weather]}}, True),
        (None, {"tools": Made(lambda: genai.types.Tool(function_declarations=[get_weather]))}, True),
        ([get_weather], {"tools": [DECLARED]}, False),
    ],
)
def test_a_parent_only_where_a_function_can_run(install, service, own, more, parent):
    telemetry = install()
    more = {name: value() if isinstance(value, Made) else value for name, value in more.items()}
    assert send(service, "grpc", own, [says(10, 5, 15, {"text": "Hi."})], **more) == "Hi."
    assert len(telemetry.named("invoke_agent")) == parent
    assert telemetry.usage() == Counts(10, 5)


def test_functions_that_do_not_run_by_themselves_have_no_parent(install, service):
    telemetry = install()
    answers = [says(10, 5, 15, {"text": "Hi."})]
    assert send(service, "grpc", [get_weather], answers, automatic=False) == "Hi."
    assert [verdict.operation(span) for span in telemetry.spans] == ["generate_content"]
