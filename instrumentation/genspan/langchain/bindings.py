"""What of LangChain and LangGraph is wrapped.

Runs are seen by one callback handler. LangChain runs what is inside a chain or a tool in contexts of its own: the run's
OpenTelemetry context is put into those, so that the caller's is never changed. Models and retrievers have none; around
their methods the context is put back, and what began in them and did not end, ends.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast

from opentelemetry import context as otel

from genspan._core.config import flag
from genspan._core.guard import Guard
from genspan._core.hooks.patches import Patch
from genspan._core.hooks.wrappers import named
from genspan.anthropic.usage import read_usage
from genspan.langchain.entry import Entry
from genspan.langchain.handler import make_handler
from genspan.langchain.runs import Runs
from genspan_semconv.model import obj

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator
    from contextvars import Token

    from opentelemetry.context import Context

    from genspan._core.emit.telemetry import Telemetry
    from genspan._core.hooks.wrappers import Args, Kwargs, Wrapped, Wrapper

SHOW_ALL = "GENSPAN_LANGCHAIN_ALL_RUNS"
"""``true`` shows prompt templates, parsers and the steps of agents too."""

_EVENT: Final = "_make_message_chunk_from_anthropic_event"
_ANTHROPIC_EVENT: Final = (_EVENT, f"ChatAnthropic.{_EVENT}")
"""A function in older versions of langchain-anthropic, a method in newer ones."""
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
            *(Patch("langchain_anthropic.chat_models", name, self._event) for name in _ANTHROPIC_EVENT),
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
            with Entry(runs, instance, tool_call_id=kwargs.get("tool_call_id")):
                return wrapped(*args, **kwargs)

        return wrapper

    def _ascoped_call(self, telemetry: Telemetry) -> Wrapper:
        runs = self._of(telemetry)

        async def wrapper(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
            with Entry(runs, instance, tool_call_id=kwargs.get("tool_call_id")):
                return await wrapped(*args, **kwargs)

        return wrapper

    def _scoped_stream(self, telemetry: Telemetry, read: Callable[..., Any], closes: bool = False) -> Wrapper:
        runs = self._of(telemetry)

        def wrapper(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
            inner = wrapped(*args, **kwargs)
            return named(read(inner, Entry(runs, instance, closes=closes)), inner)

        return wrapper

    def _graph(self, telemetry: Telemetry, read: Callable[..., Any]) -> Wrapper:
        """``Pregel.stream(...)``, which ``invoke`` reads too."""
        runs = self._of(telemetry)

        def wrapper(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
            inner = wrapped(*args, **kwargs)
            with Guard("callbacks of LangChain"):
                if _is_agent(instance):
                    return named(read(inner, Entry(runs, is_agent=True)), inner)
            return inner

        return wrapper

    def _one(self, telemetry: Telemetry) -> Wrapper:
        """``_generate_with_cache(messages, *, run_manager, ...)``: one of several runs that began together."""
        runs = self._of(telemetry)

        def wrapper(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
            with _Within(runs, kwargs.get("run_manager")):
                return wrapped(*args, **kwargs)

        return wrapper

    def _aone(self, telemetry: Telemetry) -> Wrapper:
        runs = self._of(telemetry)

        async def wrapper(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
            with _Within(runs, kwargs.get("run_manager")):
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

    def _event(self, telemetry: Telemetry) -> Wrapper:
        """``_make_message_chunk_from_anthropic_event(event, ...)``.

        langchain-anthropic takes the usage of ``message_delta`` alone, which may have no more than the output.
        """
        runs = self._of(telemetry)

        def wrapper(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
            with Guard("usage of a response"):
                event = args[0] if args else kwargs["event"]
                if event.type == "message_start":
                    runs.answer_began(read_usage(_fields(event.message.usage)))
            return wrapped(*args, **kwargs)

        return wrapper


def _fields(usage: Any) -> dict[str, object]:
    """A usage of the SDK's as the wire has it: an object of objects."""
    fields = cast("dict[str, object]", vars(usage))
    return {name: getattr(value, "__dict__", value) for name, value in fields.items()}


def _is_agent(graph: Any) -> bool:
    """Whether a graph has the model's node of ``create_agent``, or of LangGraph's own ``create_react_agent``."""
    nodes = obj(getattr(getattr(graph, "builder", None), "nodes", None))
    runnables = [getattr(nodes.get(name), "runnable", None) for name in ("model", "agent")]
    return any(getattr(getattr(one, "func", None), "__module__", None) in _AGENTS for one in runnables)


class _Within:
    """Makes the context of a manager's run current."""

    __slots__ = ("_run", "_token")

    def __init__(self, runs: Runs, manager: Any) -> None:
        self._run = runs.find(getattr(manager, "run_id", None))
        self._token: Token[Context] | None = None

    def __enter__(self) -> None:
        if self._run is not None:
            self._token = otel.attach(self._run.context)

    def __exit__(self, *_: object) -> None:
        if self._token is not None:
            otel.detach(self._token)


_OVER: Final = object()


def _read(inner: Generator[Any, Any, Any], entry: Entry) -> Generator[Any, Any, Any]:
    """The stream. Its run begins before the first item, and that alone needs the entry."""
    try:
        with entry:
            first = next(inner, _OVER)
        if first is not _OVER:
            yield first
            yield from inner
    finally:
        inner.close()
        entry.close()


async def _aread(inner: AsyncGenerator[Any, Any], entry: Entry) -> AsyncGenerator[Any, Any]:
    try:
        with entry:
            first = await anext(inner, _OVER)
        if first is not _OVER:
            yield first
            async for item in inner:
                yield item
    finally:
        await inner.aclose()
        entry.close()
