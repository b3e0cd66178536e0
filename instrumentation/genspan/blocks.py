"""Blocks around model calls: ``context`` and ``session`` say what they belong to, ``usage`` counts their tokens."""

from __future__ import annotations

from contextvars import ContextVar
from functools import partial, wraps
from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from opentelemetry import context as otel

from genspan._core.usage_tally import UsageTally, with_tally
from genspan._core.user_context import Facts, with_facts
from genspan_semconv import attributes as names
from genspan_semconv import render_mlflow

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping
    from contextvars import Token

    from opentelemetry.context import Context
    from typing_extensions import Self

_LINKED: Final = names.MLFLOW_TRACE_TAG_MLFLOW_LINKED_PROMPTS
_F = TypeVar("_F", bound="Callable[..., Any]")

_entered: ContextVar[tuple[tuple[object, Token[Context]], ...]] = ContextVar("genspan-entered", default=())


class _Block:
    """A ``with`` block that adds to OpenTelemetry's context. One object may be entered any number of times, at once."""

    def inside(self, around: Context) -> Context:
        """The context of what runs in the block."""
        raise NotImplementedError

    def _enter(self) -> None:
        token = otel.attach(self.inside(otel.get_current()))
        _entered.set((*_entered.get(), (self, token)))

    def __exit__(self, *_: object) -> None:
        """Leave the block. In another context than it was entered in (a finaliser's) there is nothing to leave."""
        entered = _entered.get()
        if entered and entered[-1][0] is self:
            _entered.set(entered[:-1])
            otel.detach(entered[-1][1])


class context(_Block):
    """Say of all model calls in a block, or in a decorated function, what they belong to.

    ``with genspan.context(session_id="chat-1", user_id="ada"):``, or ``@genspan.context(experiment="billing")`` on a
    function, a coroutine function or a generator function of either sort. Inner blocks add to outer ones, and win.

    It holds across ``await``, in tasks that begin in the block and in ``asyncio.to_thread``; a thread of your own gets
    it by ``contextvars.copy_context().run``. Nothing of it is sent to a provider, or put into W3C Baggage.

    Args:
        session_id: the conversation: ``gen_ai.conversation.id`` and ``session.id`` of every span. MLflow's session, at
            most 250 characters there.
        user_id: the user: ``user.id`` of every span.
        tags: tags, in MLflow, of the traces that begin in the block.
        prompt: name and version of a prompt of MLflow's registry: ``gen_ai.prompt.name`` and ``gen_ai.prompt.version``
            of the calls, whose traces MLflow links to it.
        run_id: the run of MLflow that the traces which begin in the block are linked to.
        experiment: the name of the experiment of MLflow that they are stored in, created if it is not there. A trace is
            in one experiment: the block in which it began decides.
    """

    def __init__(
        self,
        *,
        session_id: str | None = None,
        user_id: str | None = None,
        tags: Mapping[str, str] | None = None,
        prompt: tuple[str, str | int | None] | None = None,
        run_id: str | None = None,
        experiment: str | None = None,
    ) -> None:
        name, version = prompt or (None, None)
        session = {names.GEN_AI_CONVERSATION_ID: session_id, names.SESSION_ID: session_id}
        linked = render_mlflow.linked_prompt(name, version)
        tagged = {_LINKED: linked[names.MLFLOW_LINKED_PROMPTS]} if linked else {}
        self._facts = Facts(
            _given({**session, names.USER_ID: user_id}),
            {**render_mlflow.tags(_given(tags or {})), **tagged},
            {**_given({names.GEN_AI_PROMPT_NAME: name, names.GEN_AI_PROMPT_VERSION: version}), **linked},
            _given({names.MLFLOW_EXPERIMENT_NAME: experiment, names.MLFLOW_SOURCE_RUN: run_id}),
        )

    def inside(self, around: Context) -> Context:
        return with_facts(around, self._facts)

    def __enter__(self) -> Self:
        self._enter()
        return self

    def __call__(self, function: _F) -> _F:
        """The function, each call of which is in such a block."""
        decorate = next((made for is_one, made in _DECORATORS if is_one(function)), _function)
        return cast("_F", wraps(function)(decorate(self, function)))


def session(id: str, *, user: str | None = None, tags: Mapping[str, str] | None = None) -> context:
    """The conversation that a block belongs to: the same as ``context(session_id=id, user_id=user, tags=tags)``."""
    return context(session_id=id, user_id=user, tags=tags)


class usage(_Block):
    """Count the tokens of the model calls that begin in a block: ``with genspan.usage() as u: ...``.

    ``u.input_tokens``, ``u.output_tokens``, ``u.total_tokens``, ``u.calls``, and ``u.by_model``: a ``ModelUsage`` for
    each model. Nothing need be exported, sampled or set up but ``genspan.instrument()``. A call is added when it ends,
    also after the block: a stream when it has been read or let go of. A call in a task or thread that has the block's
    context is one of the block's. Each call counts once in every block around it.
    """

    def __init__(self) -> None:
        self._tally = UsageTally()

    def inside(self, around: Context) -> Context:
        return with_tally(around, self._tally)

    def __enter__(self) -> UsageTally:
        self._enter()
        return self._tally


class _Steps:
    """A block around each step of a generator, whose own context comes back with each: it may hold spans."""

    def __init__(self, block: context) -> None:
        self._block = block
        self._own: Context | None = None
        self._token: Token[Context] | None = None

    def __enter__(self) -> None:
        own = self._own
        self._token = otel.attach(self._block.inside(otel.get_current()) if own is None else own)

    def __exit__(self, *_: object) -> None:
        self._own = otel.get_current()
        if self._token is not None:
            otel.detach(self._token)

    def end(self, error: BaseException | None = None) -> None:
        """Nothing is left."""


def _function(block: context, function: Callable[..., Any]) -> Callable[..., Any]:
    def run(*args: Any, **kwargs: Any) -> Any:
        with block:
            return function(*args, **kwargs)

    return run


def _coroutine_function(block: context, function: Callable[..., Awaitable[Any]]) -> Callable[..., Any]:
    async def run(*args: Any, **kwargs: Any) -> Any:
        with block:
            return await function(*args, **kwargs)

    return run


def _generator_function(block: context, function: Callable[..., Generator[Any, Any, Any]]) -> Callable[..., Any]:
    def run(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        inner, steps = function(*args, **kwargs), _Steps(block)
        step: Callable[[], Any] | None = partial(inner.send, None)
        try:
            while True:
                try:
                    with steps:
                        item = step()
                except StopIteration as stop:
                    return stop.value
                try:
                    sent = yield item
                except BaseException as error:
                    step = partial(inner.throw, error)
                else:
                    step = partial(inner.send, sent)
        finally:
            step = None  # it may hold an error whose traceback holds this frame
            with steps:
                inner.close()

    return run


def _async_generator_function(block: context, function: Callable[..., AsyncGenerator[Any, Any]]) -> Callable[..., Any]:
    async def run(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        inner, steps = function(*args, **kwargs), _Steps(block)
        step: Callable[[], Awaitable[Any]] | None = partial(inner.asend, None)
        try:
            while True:
                try:
                    with steps:
                        item = await step()
                except StopAsyncIteration:
                    return
                try:
                    sent = yield item
                except BaseException as error:
                    step = partial(inner.athrow, error)
                else:
                    step = partial(inner.asend, sent)
        finally:
            step = None  # as above
            with steps:
                await inner.aclose()

    return run


_DECORATORS: Final = (
    (iscoroutinefunction, _coroutine_function),
    (isgeneratorfunction, _generator_function),
    (isasyncgenfunction, _async_generator_function),
)


def _given(values: Mapping[str, object]) -> dict[str, str]:
    return {str(name): str(value) for name, value in values.items() if value is not None}
