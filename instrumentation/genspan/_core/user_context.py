"""What the program says of the model calls in a block: session, user, tags, prompt, run and experiment.

It is kept in OpenTelemetry's context, so it goes where a current span goes, and never in W3C Baggage, which is sent to
providers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from opentelemetry.context import create_key

from genspan._core.context import with_value
from genspan_semconv import attributes as names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.context import Context
    from opentelemetry.trace import Span

    from genspan_semconv.model import AttributeValue

    Attributes = Mapping[str, AttributeValue]

_EXPERIMENT: Final = (names.MLFLOW_EXPERIMENT_NAME, names.MLFLOW_EXPERIMENT_ID)
PLACE: Final = (*_EXPERIMENT, names.MLFLOW_SOURCE_RUN)
"""Where MLflow keeps a trace: one place for all of its spans, noted on each."""
_FACTS: Final = create_key("genspan-user-context")
_NOTHING: Final[Attributes] = {}


class Facts(NamedTuple):
    """What is said, as attributes."""

    everywhere: Attributes = _NOTHING
    """Of every span."""
    first: Attributes = _NOTHING
    """Of the first span of a trace."""
    calls: Attributes = _NOTHING
    """Of calls that generate."""
    place: Attributes = _NOTHING
    """Those of ``PLACE``, for traces that begin."""


_NO_FACTS: Final = Facts()


def facts(context: Context) -> Facts:
    """What the blocks around say."""
    return cast("Facts", context.get(_FACTS, _NO_FACTS))


def with_facts(context: Context, added: Facts) -> Context:
    """The context with more facts, which win over those that are there."""
    around = facts(context)
    return with_value(context, _FACTS, Facts(*({**one, **other} for one, other in zip(around, added, strict=True))))


def with_attributes(context: Context, attributes: Attributes) -> Context:
    """The context with attributes for every span that starts in it."""
    return with_facts(context, Facts(everywhere=attributes))


def has_session(context: Context) -> bool:
    """Whether the program, or a framework, says which session this is."""
    return names.SESSION_ID in facts(context).everywhere


def in_session(context: Context, session: str) -> Context:
    """The context in a session that only tracing has a name for, unless there is one that the program has named."""
    return context if has_session(context) else with_attributes(context, {names.SESSION_ID: session})


def attributes_in(context: Context, parent: Span, generates: bool) -> Attributes:
    """What is said of a span of ours that starts in a context, below ``parent``."""
    found = facts(context)
    if found is _NO_FACTS:
        return _NOTHING
    more = {**found.calls, **found.everywhere} if generates and found.calls else found.everywhere
    if not parent.get_span_context().is_valid:
        return {**found.first, **found.place, **more}
    place = place_below(parent, found.place) if found.place else _NOTHING
    return {**place, **more} if place else more


def place_below(parent: Span, given: Attributes) -> Attributes:
    """The place of a span: that of its trace. Spans of others that began before anybody named one have none."""
    known = cast("Any", getattr(parent, "attributes", None)) or _NOTHING
    if names.MLFLOW_SPAN_TYPE in known or not _NO_PLACE.isdisjoint(known):
        return {name: known[name] for name in PLACE if name in known}
    return given


_NO_PLACE: Final = frozenset(PLACE)
