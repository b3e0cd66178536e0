"""Partners' models: over an SDK that is traced, over none, and with no instrumentor but LangChain's."""

from __future__ import annotations

import pytest
from langchain.agents import create_agent

from genspan import GeminiInstrumentor, LangChainInstrumentor, MistralAIInstrumentor
from tests.langchain import test_matrix
from tests.langchain.programs import get_weather
from tests.langchain.test_matrix import WAYS, billed, claude, install_all, names, outcome, run_traced
from tests.support.telemetry import Counts

__all__ = ["claude", "install_all"]
pytestmark = [
    *test_matrix.pytestmark,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),  # clients that nobody closes
]

KEY = "a-key-of-the-test-0f9a8Zb7"


@pytest.fixture
def gemini(provider):
    found = pytest.importorskip("langchain_google_genai")
    return lambda: found.ChatGoogleGenerativeAI(
        model="gemini-2.5-flash", base_url=provider.url, api_key=KEY, max_retries=1
    )


@pytest.fixture
def mistral(provider):
    found = pytest.importorskip("langchain_mistralai")
    return lambda: found.ChatMistralAI(
        model="mistral-large-latest", base_url=f"{provider.url}/v1", api_key=KEY, max_retries=1
    )


@pytest.mark.parametrize("way", WAYS)
def test_gemini_is_one_span_of_its_sdk(install_all, provider, gemini, way):
    kinds = (LangChainInstrumentor, GeminiInstrumentor)
    telemetry, spans = run_traced(
        install_all, provider, kinds, lambda: outcome(WAYS[way], gemini(), "hello", "hello again")
    )
    assert telemetry.usage() == billed(provider) != Counts(0, 0)
    assert [span.name for span in spans] == ["generate_content gemini-2.5-flash"] * len(provider.ledger)
    assert {span.instrumentation_scope.name for span in spans} == {"genspan.gemini"}
    assert {span.attributes["genspan.langchain.run.name"] for span in spans} == {"ChatGoogleGenerativeAI"}


@pytest.mark.parametrize("way", WAYS)
def test_mistral_is_one_span_with_the_usage_of_langchain(install_all, provider, mistral, way):
    kinds = (LangChainInstrumentor, MistralAIInstrumentor)
    telemetry, spans = run_traced(
        install_all, provider, kinds, lambda: outcome(WAYS[way], mistral(), "hello", "hello again")
    )
    assert telemetry.usage() == billed(provider)  # streams do not ask for it, and this server then gives none
    assert [span.name for span in spans] == ["chat mistral-large-latest"] * len(provider.ledger)
    assert {span.attributes["gen_ai.provider.name"] for span in spans} == {"mistral_ai"}
    assert {span.instrumentation_scope.name for span in spans} == {"genspan.langchain"}


@pytest.mark.parametrize("way", ["invoke", "ainvoke", "stream", "astream"])
def test_agent_of_gemini(install_all, provider, gemini, way):
    given = {"messages": [("user", "[[rounds=1]] hello")]}
    kinds = (LangChainInstrumentor, GeminiInstrumentor)
    telemetry, spans = run_traced(
        install_all,
        provider,
        kinds,
        lambda: outcome(WAYS[way], create_agent(gemini(), tools=[get_weather], name="weather"), given, given),
    )
    assert telemetry.usage() == billed(provider) != Counts(0, 0)
    call = "generate_content gemini-2.5-flash"
    assert names(spans) == sorted(["invoke_agent weather", call, "execute_tool get_weather", call])


@pytest.mark.parametrize("way", ["invoke", "ainvoke"])
def test_credentials_of_a_model_over_no_sdk_are_scrubbed(install_all, provider, mistral, way):
    telemetry, spans = run_traced(
        install_all,
        provider,
        (LangChainInstrumentor,),
        lambda: outcome(WAYS[way], mistral(), f"my key is {KEY}", ""),
    )
    assert len(spans) == 1
    assert b"my key is [redacted]" in telemetry.exported()
    assert KEY.encode() not in telemetry.exported()


@pytest.mark.parametrize("way", ["invoke", "ainvoke", "stream", "astream"])
@pytest.mark.parametrize("name", ["gpt", "responses", "claude", "gemini", "mistral"])
def test_usage_of_langchain_alone_is_what_was_billed(install_all, provider, request, name, way):
    options = {"use_responses_api": True} if name == "responses" else {}
    make = request.getfixturevalue("gpt" if options else name)
    telemetry, spans = run_traced(
        install_all, provider, (LangChainInstrumentor,), lambda: outcome(WAYS[way], make(**options), "hello", "")
    )
    assert len(spans) == len(provider.ledger) == 1
    assert telemetry.usage() == billed(provider)
    assert telemetry.usage() != Counts(0, 0) or (name == "mistral" and "stream" in way)  # it does not ask for it
