"""What a user's program can notice of a call, so that a run with tracing can be compared with one without."""

from __future__ import annotations

import asyncio
import inspect
import re
import traceback
from typing import TYPE_CHECKING, Any

from opentelemetry import context as otel
from opentelemetry import trace
from pydantic import BaseModel

if TYPE_CHECKING:
    from tests.support.provider import FakeProvider

# Numbered by the fake provider, or different from run to run: ids, addresses of objects, clocks.
_VARIABLE = re.compile(
    r"(?<=response-)\d+|(?<=[a-z]-)\d{8}|(?<=call-)\d+|0x[0-9a-f]{6,}|(?<=received )\d+ bytes|(?<=expected )\d+"
    r"|\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT|\d{4}-\d\d-\d\d[T ][\d:.]+(Z|\+00:00)"
)
_OURS = re.compile(r"[/\\](genspan|genspan_semconv|wrapt|opentelemetry)[/\\]")


class Seen:
    """Notes in the order in which they were made. Two runs of one program have equal `notes`."""

    def __init__(self, provider: FakeProvider) -> None:
        self.provider = provider
        self.notes: list[tuple[Any, ...]] = []
        self.errors: list[BaseException] = []
        self.results: list[Any] = []
        self.tool_runs = 0
        self.traceless = False
        """The error was thrown into a generator that had not begun: nothing of the SDK has run."""
        self._context = otel.get_current()

    def note(self, what: str, *values: Any) -> None:
        self.notes.append((what, *map(plain, values)))

    def here(self, where: str) -> None:
        """The caller's context, and how many requests have been made."""
        same = otel.get_current() == self._context and not trace.get_current_span().get_span_context().is_valid
        self.note(where, "context unchanged" if same else "context changed", len(self.provider.ledger))

    def result(self, value: Any) -> None:
        self.results.append(value)
        self.note("result", type(value).__qualname__, value)

    def stream(self, stream: Any) -> None:
        kinds = inspect.isgenerator(stream), inspect.isasyncgen(stream), type(stream).__qualname__
        self.note("stream", *kinds, stream.__name__, stream.__qualname__)

    def error(self, error: BaseException) -> None:
        self.errors.append(error)
        if isinstance(error, (asyncio.CancelledError, asyncio.TimeoutError)):
            self.note("error", type(error).__qualname__)  # where it came depends on the clock
            return
        if type(error).__module__.startswith("aiohttp."):
            # Which of its errors a lost connection is depends on the moment at which aiohttp notices.
            self.note("error", "aiohttp.ClientError" if "ClientError" in str(type(error).__mro__) else type(error))
            return
        self.note("error", *described(error), None if self.traceless else tail(error))

    @property
    def usage(self) -> tuple[int, int] | None:
        """Input and output of the last usage that the program was given."""
        found = [one.usage_metadata for one in self.results if getattr(one, "usage_metadata", None)]
        if not found:
            return None
        last = found[-1]
        output = (getattr(last, "candidates_token_count", 0) or 0) + (getattr(last, "thoughts_token_count", 0) or 0)
        return (last.prompt_token_count or 0) + (getattr(last, "tool_use_prompt_token_count", 0) or 0), output


def plain(value: Any) -> Any:
    """The value as data that compares equal from run to run."""
    if isinstance(value, BaseModel):
        return plain(value.model_dump())
    if isinstance(value, dict):
        return {str(name): plain(inner) for name, inner in value.items() if str(name).lower() != "content-length"}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    return value if isinstance(value, (bool, int, float, type(None))) else _VARIABLE.sub("#", str(value))


def described(error: BaseException) -> list[Any]:
    """An exception's type, arguments, message, attributes, and what it came from."""
    chain = [type(one).__qualname__ for one in (error.__cause__, error.__context__) if one is not None]
    own = {name: value for name, value in vars(error).items() if isinstance(value, (str, int, dict, list))}
    return [type(error).__qualname__, plain(error.args), plain(_text(error)), plain(own), chain]


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as inner:
        return f"no text: {inner!r}"


def tail(error: BaseException) -> list[str]:
    """Where it was raised and through what it came, without the frames that tracing puts between."""
    frames = traceback.extract_tb(error.__traceback__)
    return [f"{one.filename}:{one.name}:{one.lineno}" for one in frames if not _OURS.search(one.filename)]
