"""A trace's name in MLflow, where its first span has a name that says neither the model nor what was asked."""

from __future__ import annotations

import pytest

TRACE_NAME = "mlflow.traceTag.mlflow.traceName"
FULL = {"CAPTURE": "true", "GENSPAN_DIALECTS": "genai,mlflow"}


def get_weather(city: str) -> str:
    """Get the weather of a city."""
    return "sunny"


def ask(client, contents):
    client.models.generate_content(model="gemini-2.5-flash", contents=contents, config={"tools": [get_weather]})


@pytest.mark.parametrize("dialects", ["genai", "mlflow", "genai,mlflow"])
def test_a_turn_with_functions_says_model_and_question(install, client, provider, dialects):
    telemetry = install(CAPTURE="true", GENSPAN_DIALECTS=dialects)
    ask(client, "What is the\n  weather in Paris?")
    (agent,) = telemetry.named("invoke_agent")
    assert agent.name == "invoke_agent"
    assert agent.attributes[TRACE_NAME] == "invoke_agent gemini-2.5-flash: What is the weather in Paris?"
    others = [span for span in telemetry.spans if span is not agent]
    assert others
    assert not [span.name for span in others if TRACE_NAME in span.attributes]


def test_without_content_it_says_the_model_alone(install, client, provider):
    telemetry = install()
    ask(client, "What is the weather in Paris?")
    (agent,) = telemetry.named("invoke_agent")
    assert agent.attributes[TRACE_NAME] == "invoke_agent gemini-2.5-flash"
    assert b"Paris?" not in telemetry.exported()


def test_a_long_question_is_shortened(install, client, provider):
    telemetry = install(**FULL)
    ask(client, "weather " * 50)
    (agent,) = telemetry.named("invoke_agent")
    asked = agent.attributes[TRACE_NAME].removeprefix("invoke_agent gemini-2.5-flash: ")
    assert asked == ("weather " * 50)[:79] + "…"


def test_of_a_conversation_it_is_the_last_question(install, client, provider):
    telemetry = install(**FULL)
    earlier = [{"role": "user", "parts": [{"text": "Hi"}]}, {"role": "model", "parts": [{"text": "Hello"}]}]
    ask(client, [*earlier, {"role": "user", "parts": [{"text": "And the weather"}, {"text": "in Rome?"}]}])
    (agent,) = telemetry.named("invoke_agent")
    assert agent.attributes[TRACE_NAME] == "invoke_agent gemini-2.5-flash: And the weather in Rome?"


def test_credentials_in_a_question_are_not_in_the_name(install, client, provider):
    telemetry = install(**FULL)
    ask(client, f"Is {client._api_client.api_key} a key?")
    (agent,) = telemetry.named("invoke_agent")
    assert client._api_client.api_key not in agent.attributes[TRACE_NAME]
    assert " a key?" in agent.attributes[TRACE_NAME]


def test_inside_a_trace_of_the_program_it_names_nothing(install, client, provider):
    telemetry = install(**FULL)
    with telemetry.tracer_provider.get_tracer("mine").start_as_current_span("mine"):
        ask(client, "What is the weather in Paris?")
    (agent,) = telemetry.named("invoke_agent")
    assert TRACE_NAME not in agent.attributes


def test_a_plain_call_is_named_like_its_span(install, client, provider):
    telemetry = install(**FULL)
    client.models.generate_content(model="gemini-2.5-flash", contents="hello")
    (span,) = telemetry.spans
    assert span.attributes[TRACE_NAME] == span.name == "generate_content gemini-2.5-flash"
