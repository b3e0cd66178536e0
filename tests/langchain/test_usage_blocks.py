"""``genspan.usage`` around LangChain: each model call counts once, whichever instrumentation sees it."""

from __future__ import annotations

import pytest
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableLambda

import genspan


@pytest.mark.parametrize("stream", [False, True])
def test_a_model_over_a_traced_sdk(install, provider, gpt, stream):
    install()
    chain = gpt() | RunnableLambda(lambda message: message.content)
    with genspan.usage() as u:
        if stream:
            list(chain.stream("hello"))
        else:
            chain.batch(["hello", "you"])
    total = provider.ledger.total()
    assert (u.calls, u.input_tokens, u.output_tokens) == (len(provider.ledger), total.input, total.output)


def test_a_model_of_no_sdk_where_nobody_listens(instrumentor):
    usage = {"input_tokens": 5, "output_tokens": 2, "total_tokens": 7}
    model = GenericFakeChatModel(messages=iter([AIMessage("hi", usage_metadata=usage)]))
    instrumentor.instrument()
    try:
        with genspan.usage() as u:
            model.invoke("hello")
    finally:
        instrumentor.uninstrument()
    assert (u.calls, u.input_tokens, u.output_tokens) == (1, 5, 2)
