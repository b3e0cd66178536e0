"""A method of LangChain's that a run is about to begin in, and what only its caller knows of that run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from opentelemetry import context as otel
from opentelemetry.context import create_key

from genspan._core.guard import Guard
from genspan_semconv.model import text

if TYPE_CHECKING:
    from contextvars import Token
    from types import TracebackType
    from uuid import UUID

    from opentelemetry.context import Context

    from genspan.langchain.runs import Run, Runs

_ENTRY: Final = create_key("genspan-langchain-entry")


class Entry:
    """``with entry:`` around a method of a model, a retriever, a tool or a graph.

    Puts the context back afterwards. Where the block raises, ends what began in it: LangChain does not report every
    error (a cancelled model call; before langchain-core 1.8 what is no ``Exception``, of a tool).
    """

    __slots__ = ("_began", "_closes", "_run", "_runs", "_token", "is_agent", "owner", "tool_call_id")

    def __init__(
        self,
        runs: Runs,
        owner: object = None,
        is_agent: bool = False,
        closes: bool = False,
        tool_call_id: object = None,
    ) -> None:
        self._runs = runs
        self.owner = owner
        """Whose method it is, until its run has begun."""
        self._began: list[UUID] = []
        """Ids of the runs that began in it."""
        self.is_agent = is_agent
        """Whether the next run to begin is that of an agent."""
        self._closes = closes
        """Whether LangChain does not end its run where the stream is closed early."""
        self._run: UUID | None = None
        """The id of that run."""
        self.tool_call_id = text(tool_call_id)
        """The id of the model's call: before langchain-core 1.1 handlers are not given it."""
        self._token: Token[Context] | None = None

    def __enter__(self) -> None:
        self._token = otel.attach(otel.set_value(_ENTRY, self))

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if error is not None:
            with Guard("context of a run of LangChain"):
                for identity in self._began:
                    self._runs.end(identity, error)
        self._began.clear()
        self.owner = None
        token, self._token = self._token, None
        if token is not None:
            otel.detach(token)

    def began(self, identity: UUID) -> None:
        """A run began, which ends with the block at the latest if that raises."""
        self._began.append(identity)

    def enter(self, identity: UUID, run: Run) -> None:
        """A run began whose context is current until the block ends: LangChain makes none for it."""
        self._began.append(identity)
        otel.attach(run.context)

    def chain_began(self, identity: UUID) -> None:
        """A chain began. The first one is the stream's."""
        if self._closes and self._run is None:
            self._run = identity

    def close(self) -> None:
        """The stream is over: end its run, where LangChain did not."""
        if self._run is not None:
            with Guard("context of a run of LangChain"):
                self._runs.end(self._run, GeneratorExit())


def current_entry() -> Entry | None:
    """The innermost entry."""
    return cast("Entry | None", otel.get_value(_ENTRY))
