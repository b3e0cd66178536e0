"""What must hold of the telemetry of any call of the user's, however it ended."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from opentelemetry.trace import StatusCode

from tests.support.registry import event_violations, metric_violations, violations
from tests.support.telemetry import BY, LEAVES, Counts

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

    from tests.support.provider import FakeProvider
    from tests.support.telemetry import Telemetry


def sound(telemetry: Telemetry) -> None:
    """Each span ended once, one trace, everything as the registry says, metrics equal spans."""
    assert len({span.context.trace_id for span in telemetry.spans}) <= 1
    sound_but_traces(telemetry)


def sound_but_traces(telemetry: Telemetry) -> None:
    """The same for several calls, which are traces of their own."""
    assert telemetry.unbalanced() == {}
    assert [(span.name, found) for span in telemetry.spans if (found := violations(span))] == []
    assert [found for metric in telemetry.metrics.values() if (found := metric_violations(metric))] == []
    assert [found for record in telemetry.logs if (found := event_violations(record))] == []
    assert telemetry.measured() == telemetry.usage()
    _durations(telemetry)
    for span in telemetry.spans:
        if operation(span) not in LEAVES:
            assert not [name for name in span.attributes if "usage" in name.lower()], "usage is on leaves alone"


def _durations(telemetry: Telemetry) -> None:
    """One duration for each leaf, with the same operation, model and error."""
    expected = Counter(tuple(span.attributes.get(name) for name in BY) for span in telemetry.leaves)
    assert telemetry.durations() == expected


def operation(span: ReadableSpan) -> str:
    return span.attributes["gen_ai.operation.name"]


def failed(span: ReadableSpan) -> str | None:
    """The error's type, where the span is one of an error."""
    if span.status.status_code is StatusCode.ERROR:
        return span.attributes["error.type"]
    assert "error.type" not in span.attributes
    return None


def ended(span: ReadableSpan) -> str | None:
    """How a partial response ended; None where it was whole."""
    return span.attributes.get("genspan.response.end")


def billed(telemetry: Telemetry, provider: FakeProvider) -> None:
    """The sum over spans is what the provider has billed; where a response is partial, not more than that."""
    total = provider.ledger.total()
    usage = telemetry.usage()
    if any(ended(span) for span in telemetry.leaves):
        assert usage.input <= total.input
        assert usage.output <= total.output
    else:
        assert usage == Counts(total.input, total.output)


def nested(telemetry: Telemetry, agent: bool) -> None:
    """A plain call is one span; where tools can run, an agent's span is the parent of leaves and tools."""
    agents = telemetry.named("invoke_agent")
    assert len(agents) == (1 if agent and telemetry.spans else 0)
    parents = {agents[0].context.span_id} if agents else {None}
    for span in telemetry.spans:
        if span not in agents:
            assert (span.parent.span_id if span.parent else None) in parents
            assert not agents or agents[0].start_time <= span.start_time <= span.end_time <= agents[0].end_time
