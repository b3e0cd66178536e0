"""What of LangChain and LangGraph is wrapped.

Runs are seen by one callback handler. LangChain runs what is inside a chain or a tool in contexts of its own: the run's
OpenTelemetry context is put into those, so that the caller's is never changed. Models and retrievers have none; around
their methods the context is put back, and what began in them and did not end, ends.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from opentelemetry import context as otel

from genspan._core.config import flag
from genspan._core.guard import Guard
from genspan._core.hooks.patches import Patch
from genspan._core.hooks.wrappers import named
from genspan.langchain.handler import ENTRY, Entry, make_handler
from genspan.langchain.runs import Runs
from genspan_semconv.model import obj

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator

    from genspan._core.emit.telemetry import Telemetry
    from genspan._core.hooks.wrappers import Args, Kwargs, Wrapped, Wrapper

SHOW_ALL = "GENSPAN_LANGCHAIN_ALL_RUNS"
"""``true`` shows prompt templates, parsers and the steps of agents too."""

_AGENTS: Final = ("langchain.agents.factory", "langgraph.prebuilt.chat_agent_executor")


class Hooks:
    """The patch points of one instrumentation, which share what is known of runs."""

    def __init__(self) -> None:
        self._runs: Runs | None = None
        self._handler: Any = None

    def patches(self) -> tuple[Patch, ...]:
        """The patch points."""
        chat, llm = "langchain_core.language_models.chat_models", "langchain_core.language_models.llms"
        tools, retrievers = "langchain_core.tools.base", "langchain_core.retrievers"
        fallbacks = "langchain_core.runnables.fallbacks"
        scoped = (
            *((chat, "BaseChatModel", name) for name in ("generate", "agenerate", "stream", "astream")),
            *((llm, "BaseLLM", name) for name in ("generate", "agenerate", "stream", "astream")),
            *((retrievers, "BaseRetriever", name) for name in ("invoke", "ainvoke")),
            *((tools, "BaseTool", name) for name in ("run", "arun")),
        )
        return (
            Patch("langchain_core.callbacks.manager", "_configure", self._configured),
            Patch("langchain_core.runnables.config", "_set_config_context", self._inside),
            Patch("langgraph._internal._runnable", "_set_config_context", self._inside),
            *(Patch(module, f"{owner}.{name}", self._scoped(name)) for module, owner, name in scoped),
            Patch(fallbacks, "RunnableWithFallbacks.stream", partial(self._scoped_stream, read=_read, closes=True)),
            Patch(fallbacks, "RunnableWithFallbacks.astream", partial(self._scoped_stream, read=_aread, closes=True)),
            Patch("langgraph.pregel.main", "Pregel.stream", partial(self._graph, read=_read)),
            Patch("langgraph.pregel.main", "Pregel.astream", partial(self._graph, read=_aread)),
            Patch(chat, "BaseChatModel._generate_with_cache", self._one),
            Patch(chat, "BaseChatModel._agenerate_with_cache", self._aone),
            Patch(chat, "BaseChatModel._convert_cached_generations", self._cached),
        )

    def _of(self, telemetry: Telemetry) -> Runs:
        if self._runs is None:
            self._runs = Runs(telemetry, flag(SHOW_ALL))
            self._handler = make_handler(self._runs)
        return self._runs

    def _configured(self, telemetry: Telemetry) -> Wrapper:
        """``_configure(callback_manager_cls, ...)``: add the handler, after the program's own, once."""
        runs = self._of(telemetry)

        def wrapper(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
            manager = wrapped(*args, **kwargs)
            with Guard("callbacks of LangChain"):
                # LangGraph's own managers take handlers of its own class alone.
                ours = type(manager).__module__.startswith("langchain_core.")
                if ours and runs.telemetry.listening() and self._handler not in manager.handlers:
                    manager.add_handler(self._handler, inherit=True)
            return manager

        return wrapper

    def _inside(self, telemetry: Telemetry) -> Wrapper:
        """``_set_config_context(config, ...)``, called in the context that a run's code is going to run in."""
        runs = self._of(telemetry)

        def wrapper(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
            result = wrapped(*args, **kwargs)
            with Guard("context of a run of LangChain"):
                config = args[0] if args else kwargs["config"]
                runs.enter(getattr(config.get("callbacks"), "parent_run_id", None))
            return result

        return wrapper

    def _scoped(self, name: str) -> Callable[[Telemetry], Wrapper]:
        asynchronous = name.startswith("a")
        if name.endswith("stream"):
            return partial(self._scoped_stream, read=_aread if asynchronous else _read)
        return self._ascoped_call if asynchronous else self._scoped_call

    def _scoped_call(self, telemetry: Telemetry) -> Wrapper:
        runs = self._of(telemetry)

        def wrapper(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
            with entered(runs, Entry(instance, tool_call_id=kwargs.get("tool_call_id"))):
                return wrapped(*args, **kwargs)

        return wrapper

    def _ascoped_call(self, telemetry: Telemetry) -> Wrapper:
        runs = self._of(telemetry)

        async def wrapper(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
            with entered(runs, Entry(instance, tool_call_id=kwargs.get("tool_call_id"))):
                return await wrapped(*args, **kwargs)

        return wrapper

    def _scoped_stream(self, telemetry: Telemetry, read: Callable[..., Any], closes: bool = False) -> Wrapper:
        runs = self._of(telemetry)

        def wrapper(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
            inner = wrapped(*args, **kwargs)
            return named(read(runs, inner, Entry(instance, closes=closes)), inner)

        return wrapper

    def _graph(self, telemetry: Telemetry, read: Callable[..., Any]) -> Wrapper:
        """``Pregel.stream(...)``, which ``invoke`` reads too."""
        runs = self._of(telemetry)

        def wrapper(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
            inner = wrapped(*args, **kwargs)
            with Guard("callbacks of LangChain"):
                if _is_agent(instance):
                    return named(read(runs, inner, Entry(is_agent=True)), inner)
            return inner

        return wrapper

    def _one(self, telemetry: Telemetry) -> Wrapper:
        """``_generate_with_cache(messages, *, run_manager, ...)``: one of several runs that began together."""
        runs = self._of(telemetry)

        def wrapper(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
            with within(runs, kwargs.get("run_manager")):
                return wrapped(*args, **kwargs)

        return wrapper

    def _aone(self, telemetry: Telemetry) -> Wrapper:
        runs = self._of(telemetry)

        async def wrapper(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
            with within(runs, kwargs.get("run_manager")):
                return await wrapped(*args, **kwargs)

        return wrapper

    def _cached(self, telemetry: Telemetry) -> Wrapper:
        """``_convert_cached_generations(...)`` is called where an answer comes out of a cache."""
        runs = self._of(telemetry)

        def wrapper(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
            with Guard("context of a run of LangChain"):
                runs.answered_from_cache()
            return wrapped(*args, **kwargs)

        return wrapper


def _is_agent(graph: Any) -> bool:
    """Whether a graph has the model's node of ``create_agent``, or of LangGraph's own ``create_react_agent``."""
    nodes = obj(getattr(getattr(graph, "builder", None), "nodes", None))
    runnables = [getattr(nodes.get(name), "runnable", None) for name in ("model", "agent")]
    return any(getattr(getattr(one, "func", None), "__module__", None) in _AGENTS for one in runnables)


@contextmanager
def entered(runs: Runs, entry: Entry) -> Generator[None]:
    """Put the context back afterwards. Where the block raises, end what began in it: not every error is reported."""
    token = otel.attach(otel.set_value(ENTRY, entry))
    try:
        yield
    except BaseException as error:
        with Guard("context of a run of LangChain"):
            for identity in entry.began:
                runs.end(identity, error)
        raise
    finally:
        entry.began.clear()
        entry.owner = None
        otel.detach(token)


@contextmanager
def within(runs: Runs, manager: Any) -> Generator[None]:
    """Make the context of a manager's run current."""
    run = runs.find(getattr(manager, "run_id", None))
    token = otel.attach(otel.get_current() if run is None else run.context)
    try:
        yield
    finally:
        otel.detach(token)


def _read(runs: Runs, inner: Generator[Any, Any, Any], entry: Entry) -> Generator[Any, Any, Any]:
    try:
        while True:
            try:
                with entered(runs, entry):
                    item = next(inner)
            except StopIteration:
                return
            yield item
    finally:
        inner.close()
        _close(runs, entry)


async def _aread(runs: Runs, inner: AsyncGenerator[Any, Any], entry: Entry) -> AsyncGenerator[Any, Any]:
    try:
        while True:
            try:
                with entered(runs, entry):
                    item = await anext(inner)
            except StopAsyncIteration:
                return
            yield item
    finally:
        await inner.aclose()
        _close(runs, entry)


def _close(runs: Runs, entry: Entry) -> None:
    """End the run of a stream that is over, where LangChain did not."""
    if entry.run is not None:
        with Guard("context of a run of LangChain"):
            runs.end(entry.run, GeneratorExit())
