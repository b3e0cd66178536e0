"""Runs of models: over a traced SDK the SDK's span in LangChain's tree, over any other a span of LangChain's usage."""

from __future__ import annotations

import asyncio
import gc
from contextvars import copy_context
from weakref import ref

import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.language_models import BaseChatModel, FakeListLLM
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableLambda
from opentelemetry import trace

from genspan import LangChainInstrumentor
from tests.langchain.conftest import run
from tests.support import verdict
from tests.support.telemetry import Counts

USAGE = {
    "input_tokens": 100,
    "output_tokens": 30,
    "total_tokens": 130,
    "input_token_details": {"cache_read": 40, "cache_creation": 5},
    "output_token_details": {"reasoning": 20},
}


class Local(BaseChatModel):
    """A model that no SDK is underneath of."""

    error: str = ""
    wait: float = 0

    @property
    def _llm_type(self):
        return "local"

    def _get_ls_params(self, stop=None, **kwargs):
        return {"ls_provider": "amazon_bedrock", "ls_model_name": "nova-lite", "ls_model_type": "chat"}

    def _answer(self):
        if self.error:
            raise ValueError(self.error)
        return AIMessage("of course", usage_metadata=USAGE, response_metadata={"stop_reason": "end_turn"})

    def _generate(self, messages, stop=None, run_manager=None, **kwargs):
        return ChatResult(generations=[ChatGeneration(message=self._answer())])

    async def _agenerate(self, messages, stop=None, run_manager=None, **kwargs):
        await asyncio.sleep(self.wait)
        return self._generate(messages)

    def _stream(self, messages, stop=None, run_manager=None, **kwargs):
        yield ChatGenerationChunk(message=AIMessageChunk("of "))
        yield ChatGenerationChunk(message=AIMessageChunk("course", usage_metadata=USAGE))


async def _read(stream):
    return [chunk async for chunk in stream]


WAYS = {
    "invoke": lambda model: model.invoke("hello"),
    "ainvoke": lambda model: run(model.ainvoke("hello")),
    "stream": lambda model: list(model.stream("hello")),
    "astream": lambda model: run(_read(model.astream("hello"))),
    "batch": lambda model: model.batch(["hello"]),
    "abatch": lambda model: run(model.abatch(["hello"])),
    "generate": lambda model: model.generate([[HumanMessage("hello")]]),
    "astream_events": lambda model: run(_read(model.astream_events("hello", version="v2"))),
}


@pytest.mark.parametrize("way", WAYS)
def test_model_of_no_sdk_is_one_span_with_the_usage_that_langchain_gives(install, way):
    telemetry = install(CAPTURE="true")
    before = trace.get_current_span()
    WAYS[way](Local())
    assert trace.get_current_span() is before
    (span,) = telemetry.spans
    verdict.sound(telemetry)
    assert span.name == "chat nova-lite"
    expected = {
        "gen_ai.provider.name": "aws.bedrock",
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 30,
        "gen_ai.usage.cache_read.input_tokens": 40,
        "gen_ai.usage.cache_write.input_tokens": 5,
        "gen_ai.usage.reasoning.output_tokens": 20,
    }
    assert {name: span.attributes.get(name) for name in expected} == expected
    assert "of course" in span.attributes["gen_ai.output.messages"].replace('"},{"type":"text","content":"', "")
    assert "hello" in span.attributes["gen_ai.input.messages"]


@pytest.mark.parametrize("way", WAYS)
def test_model_of_a_traced_sdk_is_one_span(install, provider, gpt, way):
    telemetry = install()
    WAYS[way](
        gpt().with_config(run_name="writer", tags=["prod"], metadata={"customer": "acme"})
        if way != "generate"
        else gpt()
    )
    (span,) = telemetry.spans
    verdict.sound(telemetry)
    total = provider.ledger.total()
    assert telemetry.usage() == telemetry.measured() == Counts(total.input, total.output)
    if way not in ("generate", "astream_events"):
        assert span.attributes["genspan.langchain.run.name"] == "writer"
        assert span.attributes["genspan.langchain.tags"] == ("prod",)
        assert span.attributes["genspan.langchain.metadata"] == '{"customer":"acme"}'


@pytest.mark.parametrize("way", WAYS)
def test_error_of_a_model_of_no_sdk(install, way):
    if "stream" in way:
        pytest.skip("its stream does not fail")
    telemetry = install()
    with pytest.raises(ValueError, match="broken"):
        WAYS[way](Local(error="broken"))
    (span,) = telemetry.spans
    assert verdict.failed(span) == "ValueError"


def test_error_of_a_traced_sdk_is_on_its_span_and_on_the_chain(install, provider, gpt):
    telemetry = install()
    chain = gpt() | StrOutputParser()
    with pytest.raises(Exception, match="scripted failure"):
        chain.invoke("[[status=429]] hello")
    assert {span.name: verdict.failed(span) is not None for span in telemetry.spans} == {
        "chat gpt-4.1-mini": True,
        "invoke_workflow": True,
    }


@pytest.mark.filterwarnings("ignore:Unexpected type for token usage")  # LangChain's own, where two answers are joined
def test_prompts_that_go_out_together_have_each_their_own_call(install, provider, gpt):
    telemetry = install(CAPTURE="true")
    gpt().generate([[HumanMessage("first")], [HumanMessage("second")]])
    assert ["first" in span.attributes["gen_ai.input.messages"] for span in telemetry.leaves] == [True, False]
    assert len(telemetry.spans) == 2


def test_text_model_of_no_sdk(install):
    telemetry = install()
    FakeListLLM(responses=["one", "two"]).generate(["a", "b"])
    assert [span.attributes["gen_ai.operation.name"] for span in telemetry.spans] == ["text_completion"] * 2


def test_answer_out_of_the_cache_has_no_usage_and_says_so(install):
    telemetry = install()
    model = Local(cache=InMemoryCache())
    for _ in range(2):
        model.invoke("hello")
    run(model.ainvoke("hello"))
    assert [span.attributes.get("genspan.response.cached") for span in telemetry.spans] == [None, True, True]
    assert telemetry.usage() == telemetry.measured() == Counts(100, 30)


def test_cancelled_call_ends_and_leaves_no_context_behind(install):
    telemetry = install()

    async def program():
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(Local(wait=60).ainvoke("hello"), 0.05)
        return trace.get_current_span()

    assert not run(program()).get_span_context().is_valid
    (span,) = telemetry.spans
    assert verdict.failed(span) == "CancelledError"


def test_stream_closed_early_ends_without_error(install, provider, gpt):
    telemetry = install()
    stream = gpt().stream("hello")
    next(stream)
    assert not trace.get_current_span().get_span_context().is_valid, "no span is current while the program reads"
    stream.close()
    gc.collect()
    (span,) = telemetry.spans
    assert verdict.failed(span) is None
    assert span.attributes["genspan.response.partial"]


class Shelf(BaseRetriever):
    def _get_relevant_documents(self, query, *, run_manager):
        from langchain_core.documents import Document

        return [Document("noon", id="doc-1", metadata={"score": 0.5})]


@pytest.mark.parametrize("asynchronous", [False, True])
def test_retriever_has_query_and_documents(install, asynchronous):
    telemetry = install(CAPTURE="true")
    run(Shelf().ainvoke("when?")) if asynchronous else Shelf().invoke("when?")
    (span,) = telemetry.spans
    assert span.attributes["gen_ai.operation.name"] == "retrieval"
    assert span.attributes["gen_ai.retrieval.query.text"] == "when?"
    assert span.attributes["gen_ai.retrieval.documents"] == '[{"id":"doc-1","score":0.5}]'


def test_steps_of_a_chain_are_shown_where_they_are_asked_for(install):
    chain = ChatPromptTemplate.from_template("{x}") | Local() | StrOutputParser()
    telemetry = install(GENSPAN_LANGCHAIN_ALL_RUNS="true")
    chain.invoke({"x": "hello"})
    assert sorted(span.name for span in telemetry.spans) == [
        "chat nova-lite",
        "invoke_workflow",
        "invoke_workflow ChatPromptTemplate",
        "invoke_workflow StrOutputParser",
    ]


def test_named_step_is_a_workflow_and_default_names_are_not(install):
    chain = (
        ChatPromptTemplate.from_template("{x}") | Local().with_config(run_name="m") | RunnableLambda(str, name="tidy")
    )
    telemetry = install()
    chain.with_config(run_name="job").invoke({"x": "hello"})
    assert sorted(span.name for span in telemetry.spans) == [
        "chat nova-lite",
        "invoke_workflow job",
        "invoke_workflow tidy",
    ]


def test_handlers_of_the_program_are_called_in_order_and_ours_once(install):
    class Handler(BaseCallbackHandler):
        def on_chain_start(self, *args, **kwargs):
            seen.append("start")

        def on_chain_end(self, *args, **kwargs):
            seen.append("end")

    seen, mine = [], Handler()
    telemetry = install()
    callbacks = [mine]
    RunnableLambda(lambda _: RunnableLambda(str, name="inner").invoke(1), name="outer").invoke(
        1, {"callbacks": callbacks}
    )
    assert (seen, callbacks) == (["start", "start", "end", "end"], [mine])
    assert [span.name for span in telemetry.spans] == ["invoke_workflow inner", "invoke_workflow outer"]


def test_nothing_is_kept_of_runs_that_ended(install):
    from genspan.langchain import runs

    install(CAPTURE="true")
    Local().invoke("hello")
    with pytest.raises(ValueError, match="broken"):
        Local(error="broken").invoke("hello")
    (kept,) = [one for one in gc.get_objects() if isinstance(one, runs.Runs) and not one.telemetry._closed]
    assert kept._runs == {}


class Remembered(HumanMessage):
    """A message that weak references can tell of."""


def test_message_is_freed_although_a_context_of_the_call_is_kept(install):
    """As asyncio's handles keep contexts."""
    kept = []

    class Keeping(Local):
        def _generate(self, messages, stop=None, run_manager=None, **kwargs):
            kept.append(copy_context())
            return super()._generate(messages)

    install(CAPTURE="true")
    message = Remembered("hello")
    alive = ref(message)
    gc.disable()
    try:
        Keeping().invoke([message])
        del message
        assert alive() is None
    finally:
        gc.enable()


def test_uninstrument_restores_everything():
    from langchain_core.callbacks import manager
    from langchain_core.language_models import chat_models
    from langchain_core.runnables import config

    def found():
        return manager._configure, config._set_config_context, vars(chat_models.BaseChatModel)["generate"]

    before = found()
    LangChainInstrumentor().instrument()
    assert not any(one is other for one, other in zip(found(), before, strict=True))
    LangChainInstrumentor().uninstrument()
    assert found() == before
