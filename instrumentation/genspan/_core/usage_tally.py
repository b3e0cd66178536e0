"""Token counts of the model calls in a block of the program, added up in the process, whatever is exported."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Final, cast

from opentelemetry import context as otel
from opentelemetry.context import create_key

from genspan._core.context import with_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from opentelemetry.context import Context

    from genspan_semconv.model import Key, Response, Usage

_TALLIES: Final = create_key("genspan-usage-tallies")
_COUNTED: Final = frozenset(("chat", "generate_content", "text_completion", "embeddings"))
"""Operations that cost tokens, also where the provider does not say how many."""


@dataclass(slots=True)
class ModelUsage:
    """Token counts of the calls of one model, as the provider billed them.

    ``input_tokens`` includes cached tokens, ``output_tokens`` reasoning. What is billed beside the two is in
    ``additional``: by kind (``tool``, ``compaction``, ...) the tokens in and out.
    """

    calls: int = 0
    calls_without_usage: int = 0
    """Those of ``calls`` for which the provider reported no counts, such as failed ones: they add nothing."""
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    additional: dict[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])

    @property
    def total_tokens(self) -> int:
        """Input and output."""
        return self.input_tokens + self.output_tokens

    def count(self, usage: Usage | None) -> None:
        """Add one call."""
        self.calls += 1
        if usage is None:
            self.calls_without_usage += 1
            return
        self.input_tokens += usage.input or 0
        self.output_tokens += usage.output or 0
        self.cache_read_tokens += usage.cache_read or 0
        self.cache_write_tokens += usage.cache_write or 0
        self.reasoning_tokens += usage.reasoning or 0
        for kind, (tokens_in, tokens_out) in usage.additional.items():
            earlier = self.additional.get(kind, (0, 0))
            self.additional[kind] = earlier[0] + (tokens_in or 0), earlier[1] + (tokens_out or 0)


class UsageTally:
    """Token counts of the calls that began in a block: sums, and ``by_model``. Calls are added when they end."""

    def __init__(self) -> None:
        self._ended: deque[tuple[str, Usage | None]] = deque()
        self._by_model: dict[str, ModelUsage] = {}
        self._lock = Lock()

    def add(self, model: str | None, usage: Usage | None) -> None:
        """Add one call. Waits for nobody: a finaliser may call this while its thread is in here already."""
        self._ended.append((model or "", usage))
        if self._lock.acquire(blocking=False):
            try:
                self._count()
            finally:
                self._lock.release()

    @property
    def by_model(self) -> Mapping[str, ModelUsage]:
        """By the name of the model that answered, else of the one that was asked for (``""`` where there is none)."""
        with self._lock:
            self._count()
            return dict(self._by_model)

    @property
    def calls(self) -> int:
        """Calls that have ended."""
        return sum(one.calls for one in self.by_model.values())

    @property
    def calls_without_usage(self) -> int:
        """Those for which the provider reported no counts."""
        return sum(one.calls_without_usage for one in self.by_model.values())

    @property
    def input_tokens(self) -> int:
        """Input tokens of all models."""
        return sum(one.input_tokens for one in self.by_model.values())

    @property
    def output_tokens(self) -> int:
        """Output tokens of all models."""
        return sum(one.output_tokens for one in self.by_model.values())

    @property
    def total_tokens(self) -> int:
        """Input and output tokens of all models."""
        return sum(one.total_tokens for one in self.by_model.values())

    def __repr__(self) -> str:
        return f"UsageTally({self.by_model!r})"

    def _count(self) -> None:
        while self._ended:
            model, usage = self._ended.popleft()
            self._by_model.setdefault(model, ModelUsage()).count(usage)


def count(counting: Iterable[UsageTally], key: Key, response: Response) -> None:
    """Count a call that has ended, if it generates or has cost anything."""
    if response.usage is not None or key.operation in _COUNTED:
        for tally in counting:
            tally.add(response.model or key.model, response.usage)


def tallying() -> bool:
    """Whether the calls that are made now are counted."""
    return _TALLIES in otel.get_current()


def tallies(context: Context) -> tuple[UsageTally, ...]:
    """Those of the blocks around."""
    return cast("tuple[UsageTally, ...]", context.get(_TALLIES, ()))


def with_tally(context: Context, tally: UsageTally) -> Context:
    """The context in whose calls are counted, beside what counts them already."""
    return with_value(context, _TALLIES, (*tallies(context), tally))
