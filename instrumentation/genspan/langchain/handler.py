"""The callback handler that sees LangChain's runs. https://docs.langchain.com/oss/python/langchain/callbacks"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, cast

from genspan._core.guard import swallow
from genspan.langchain.entry import current_entry
from genspan.langchain.runs import Facts
from genspan.langchain.spans import Start
from genspan_semconv import attributes as names
from genspan_semconv import render_genai
from genspan_semconv.model import obj, seq, text

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from genspan.langchain.entry import Entry
    from genspan.langchain.runs import Run, Runs
    from genspan_semconv.model import AttributeValue, Wire

    Begin = Callable[[Runs, Wire, Any, dict[str, Any]], None]

_NOTHING: Final[dict[str, object]] = {}
_STEPS: Final = ("prompt", "parser")
_DEFAULT_NAMES: Final = ("Runnable", "LangGraph", "ChannelWrite", "ChannelRead", "Branch", "_", "<")
"""How names begin that LangChain and LangGraph give; any other is the application's own."""


def make_handler(runs: Runs) -> Any:
    """The handler. Its class is made here, where the program has imported LangChain."""
    base: type[Any] = import_module("langchain_core.callbacks").BaseCallbackHandler
    starts = {name: _start(runs, begin) for name, begin in _STARTS.items()}
    ends = {name: _end(runs, answer) for name, answer in _ENDS.items()}
    errors = {f"on_{kind}_error": _error(runs) for kind in ("chain", "llm", "tool", "retriever")}
    # In the task of an asynchronous run, so that the context is the run's.
    made = type("Handler", (base,), {"run_inline": True, **starts, **ends, **errors})
    return made()


def _start(runs: Runs, begin: Begin) -> Callable[..., None]:
    def method(self: object, serialized: Any, given: Any, **run: Any) -> None:
        try:
            begin(runs, obj(serialized), given, run)
        except Exception as failure:
            swallow("start of a run of LangChain", failure)

    return method


def _end(runs: Runs, answer: Callable[[Any], dict[str, object]]) -> Callable[..., None]:
    def method(self: object, result: Any, *, run_id: UUID, **_: Any) -> None:
        try:
            runs.end(run_id, None, answer(result))
        except Exception as failure:
            swallow("end of a run of LangChain", failure)

    return method


def _error(runs: Runs) -> Callable[..., None]:
    """``response`` is what a model had answered until then."""

    def method(self: object, error: BaseException, *, run_id: UUID, response: Any = None, **_: Any) -> None:
        try:
            runs.end(run_id, error, _answer(response))
        except Exception as failure:
            swallow("end of a run of LangChain", failure)

    return method


def _facts(serialized: Wire, run: dict[str, Any], default: str) -> Facts:
    name = text(run.get("name")) or text(serialized.get("name"))
    if name is None:
        path = seq(serialized.get("id"))
        name = str(path[-1]) if path else default
    return Facts(run["run_id"], run.get("parent_run_id"), name, run.get("tags") or (), run.get("metadata") or _NOTHING)


def _chain(runs: Runs, serialized: Wire, given: Any, run: dict[str, Any]) -> None:
    facts = _facts(serialized, run, "chain")
    entry, kind = current_entry(), run.get("run_type")
    if entry is not None:
        entry.chain_began(facts.id)
    if kind == "llm":
        found = runs.begin(facts)
        if found is not None:
            runs.open_model(found, facts, {"messages": [given] if isinstance(given, str) else []})
        return
    operation = _operation(facts, runs.find(facts.parent), kind, runs.show_all, entry)
    if operation is None:
        runs.leave_out(facts)
        return
    found = runs.begin(facts)
    if found is None:
        return
    own = facts.name if _is_own(facts.name) else None
    attributes: dict[str, AttributeValue] = {names.GENSPAN_LANGCHAIN_RUN_NAME: facts.name}
    if operation == "invoke_agent":
        found.is_agent, found.agent_name = True, own
    if own is not None:
        attributes = {names.GEN_AI_AGENT_NAME if found.is_agent else names.GEN_AI_WORKFLOW_NAME: own}
    runs.open_span(found, Start(operation, own, given, attributes))


def _operation(facts: Facts, parent: Run | None, kind: object, show_all: bool, entry: Entry | None) -> str | None:
    """What a chain run is: an agent, a workflow of the application's, or nothing worth a span."""
    if entry is not None and entry.is_agent:
        entry.is_agent = False  # the runs inside see the same entry
        return "invoke_agent"
    if show_all:
        return "invoke_workflow"
    if kind in _STEPS or "langsmith:hidden" in facts.tags or _is_step_of_agent(facts, parent):
        return None
    return "invoke_workflow" if parent is None or _is_own(facts.name) else None


def _is_own(name: str) -> bool:
    """Whether the application gave a name, and not LangChain after a class."""
    return not name.startswith(_DEFAULT_NAMES) and "<" not in name


def _is_step_of_agent(facts: Facts, parent: Run | None) -> bool:
    while parent is not None and parent.span is None:
        parent = parent.parent
    step = any(tag.startswith(("graph:step:", "seq:step:")) for tag in facts.tags)
    return step and parent is not None and parent.is_agent


def _chat_model(runs: Runs, serialized: Wire, given: Any, run: dict[str, Any]) -> None:
    _model(runs, serialized, {"messages": next(iter(seq(given)), ())}, run)


def _llm(runs: Runs, serialized: Wire, given: Any, run: dict[str, Any]) -> None:
    _model(runs, serialized, {"prompts": given}, run)


def _model(runs: Runs, serialized: Wire, body: dict[str, object], run: dict[str, Any]) -> None:
    facts = _facts(serialized, run, "model")
    found = runs.begin(facts)
    if found is not None:
        entry = current_entry()
        owner = None if entry is None else entry.owner
        runs.open_model(found, facts, {**body, "params": run.get("invocation_params") or {}}, owner)
        if entry is not None:
            entry.enter(facts.id, found)


def _tool(runs: Runs, serialized: Wire, given: Any, run: dict[str, Any]) -> None:
    facts = _facts(serialized, run, "tool")
    found = runs.begin(facts)
    if found is None:
        return
    entry, call_id = current_entry(), text(run.get("tool_call_id"))
    if entry is not None:
        entry.began(facts.id)
        call_id = call_id or entry.tool_call_id
    name = text(serialized.get("name")) or facts.name
    attributes = render_genai.tool(name, call_id)
    description = text(serialized.get("description"))
    if description is not None:
        attributes[names.GEN_AI_TOOL_DESCRIPTION] = description
    inputs = run.get("inputs")
    runs.open_span(found, Start("execute_tool", name, given if inputs is None else inputs, attributes))


def _retriever(runs: Runs, serialized: Wire, given: Any, run: dict[str, Any]) -> None:
    facts = _facts(serialized, run, "retriever")
    found = runs.begin(facts)
    if found is not None:
        runs.open_span(found, Start("retrieval", "", given, {names.GENSPAN_LANGCHAIN_RUN_NAME: facts.name}))
        entry = current_entry()
        if entry is not None:
            entry.enter(facts.id, found)


def _answer(result: Any) -> dict[str, object]:
    """An ``LLMResult`` as the response that ``chat`` reads."""
    generations = [cast("Any", one) for several in seq(getattr(result, "generations", None)) for one in seq(several)]
    messages = [one.message for one in generations if getattr(one, "message", None) is not None]
    texts = [] if messages else [one.text for one in generations if getattr(one, "text", None)]
    return {"messages": messages, "texts": texts, "llm_output": getattr(result, "llm_output", None)}


def _result(result: Any) -> dict[str, object]:
    return {"result": result}


def _chain_result(result: Any) -> dict[str, object]:
    """The result, with the usage of a chain that is a model (``run_type`` is ``llm``)."""
    return {"result": result, "usage": getattr(result, "usage", None)}


_STARTS: Final[dict[str, Begin]] = {
    "on_chain_start": _chain,
    "on_chat_model_start": _chat_model,
    "on_llm_start": _llm,
    "on_tool_start": _tool,
    "on_retriever_start": _retriever,
}
_ENDS: Final = {
    "on_chain_end": _chain_result,
    "on_llm_end": _answer,
    "on_tool_end": _result,
    "on_retriever_end": _result,
}
