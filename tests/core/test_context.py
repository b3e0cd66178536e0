"""What genspan reads of the context, and what of it leaves the process."""

from __future__ import annotations

import pytest
from opentelemetry import baggage, trace
from opentelemetry import context as otel
from opentelemetry.context import Context
from opentelemetry.sdk.trace import TracerProvider

from genspan._core.context import of_span_only, outside, suppressed, trace_context, with_value


@pytest.fixture(autouse=True)
def clean_context():
    token = otel.attach(Context())
    yield
    otel.detach(token)


def test_headers_for_another_process_hold_no_baggage():
    span = TracerProvider(shutdown_on_exit=False).get_tracer("t").start_span("s")
    otel.attach(baggage.set_baggage("user", "somebody", trace.set_span_in_context(span)))
    found = span.get_span_context()
    assert trace_context() == {"traceparent": f"00-{found.trace_id:032x}-{found.span_id:016x}-{found.trace_flags:02x}"}


@pytest.mark.parametrize(
    "key",
    [
        *("suppress_instrumentation", "suppress_language_model_instrumentation"),
        "opentelemetry.genai.client.inference.context",
    ],
)
def test_what_asks_for_no_tracing(key):
    assert suppressed(Context({key: True}))
    assert not suppressed(Context({key: None}))
    assert not suppressed(Context({"mine": True}))


def test_what_is_kept_of_a_context():
    span = trace.NonRecordingSpan(trace.INVALID_SPAN_CONTEXT)
    context = with_value(trace.set_span_in_context(span, Context({"mine": 1})), "more", 2)
    assert trace.get_current_span(of_span_only(context)) is span
    assert "mine" not in of_span_only(context)
    assert (outside(context)["mine"], outside(context)["more"]) == (1, 2)
