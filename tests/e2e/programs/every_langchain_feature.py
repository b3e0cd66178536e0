"""An agent, a chain, a retriever and a stream of LangChain, as a program without a line of ours."""

import asyncio
import os

from langchain.agents import create_agent
from langchain_core.documents import Document
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnablePassthrough
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI

model = ChatOpenAI(model="gpt-4.1-mini", base_url=os.environ["OPENAI_BASE_URL"], max_retries=0, stream_usage=True)


@tool
def get_weather(city: str) -> str:
    """The weather of a city."""
    return f"sunny in {city}"


class Shelf(BaseRetriever):
    def _get_relevant_documents(self, query, *, run_manager):
        return [Document("At the harbour.", id="doc-1")]


async def main():
    agent = create_agent(model, tools=[get_weather], name="weather")
    config = {"configurable": {"thread_id": "trip-7"}}
    agent.invoke({"messages": [("user", "agent call [[rounds=1]]")]}, config)
    await agent.ainvoke({"messages": [("user", "async agent [[rounds=1]]")]}, config)
    prompt = ChatPromptTemplate.from_template("{context} chain call: {question}")
    chain = {"context": Shelf(), "question": RunnablePassthrough()} | prompt | model | StrOutputParser()
    chain.with_config(run_name="answer").invoke("where?")
    list(model.stream("streamed call"))


asyncio.run(main())
