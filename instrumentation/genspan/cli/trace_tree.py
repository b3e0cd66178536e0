"""Traces as trees for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from rich.text import Text
from rich.tree import Tree

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class UsageDict(TypedDict, total=False):
    """Tokens as the span says; what is absent was not reported."""

    input: int
    output: int
    total: int


class _Identity(TypedDict):
    id: str
    name: str


class SpanDict(_Identity, total=False):
    """One span."""

    parent: str | None
    type: str
    model: str
    usage: UsageDict
    start: int
    """Nanoseconds since the epoch."""
    duration: float
    """Seconds."""
    status: str
    """OK, ERROR or UNSET."""
    message: str
    partial: bool
    """The response was not received whole."""


def render(spans: Sequence[SpanDict], title: Text | str | None = None) -> Tree:
    """The spans of one trace. A span whose parent is not among them stands at the top."""
    known = {span["id"] for span in spans}
    children: dict[str | None, list[SpanDict]] = {}
    for span in sorted(spans, key=lambda span: span.get("start", 0)):
        parent = span.get("parent")
        children.setdefault(parent if parent in known and parent != span["id"] else None, []).append(span)
    tops = children.pop(None, [])
    if title is None and len(tops) == 1:
        tree = Tree(_label(tops[0]))
        _grow(tree, children.pop(tops[0]["id"], []), children)
    else:
        tree = Tree(title or Text(f"{len(spans)} spans", "dim"))
        _grow(tree, tops, children)
    return tree


def _grow(tree: Tree, spans: Iterable[SpanDict], children: dict[str | None, list[SpanDict]]) -> None:
    for span in spans:
        _grow(tree.add(_label(span)), children.pop(span["id"], []), children)


def _label(span: SpanDict) -> Text:
    status = span.get("status", "UNSET")
    label = Text(span["name"], "bold red" if status == "ERROR" else "bold")
    model = span.get("model", "")
    if model and model not in span["name"]:
        label.append(f"  {model}", "cyan")
    if usage := tokens(span.get("usage", {})):
        label.append(f"  {usage}", "green")
    if "duration" in span:
        label.append(f"  {seconds(span['duration'])}", "dim")
    if span.get("partial"):
        label.append("  partial", "yellow")
    if status != "ERROR":
        label.append("  ok", "dim")
    else:
        label.append(f"  {' '.join(('ERROR', span.get('message', '').partition(chr(10))[0])).strip()}", "red")
    return label


def tokens(usage: UsageDict) -> str:
    """Such as ``12 in + 34 out = 46 tokens``; empty where nothing was reported."""
    parts = [f"{usage[side]:,} {word}" for side, word in (("input", "in"), ("output", "out")) if side in usage]
    total = f"{usage['total']:,} tokens" if "total" in usage else ""
    return " = ".join(filter(None, (" + ".join(parts), total)))


def seconds(duration: float) -> str:
    """Such as ``350 ms`` or ``1.20 s``."""
    return f"{duration * 1000:.0f} ms" if duration < 1 else f"{duration:.2f} s"
