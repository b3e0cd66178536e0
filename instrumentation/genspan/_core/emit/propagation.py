"""Trace context for the hosts that an operator names (``GENSPAN_PROPAGATE_HOSTS``), and for no other.

It says in ``tracestate`` that the span carries the usage of its call, so that a gateway that is traced leaves it out.
https://www.w3.org/TR/trace-context/#tracestate-header
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from opentelemetry.trace import get_current_span

from genspan._core.context import trace_context
from genspan._core.routes.provider_names import PUBLIC, provider_of

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Span

_KEY: Final = "genspan"


def trace_headers(span: Span, host: str, port: int | None, hosts: tuple[str, ...]) -> dict[str, str]:
    """``traceparent`` and ``tracestate`` of a span, as headers for a host; none where it is not one of ``hosts``."""
    headers = trace_context(span) if hosts and _may_be_sent(host.lower(), port, hosts) else {}
    if headers:
        headers["tracestate"] = span.get_span_context().trace_state.update(_KEY, "counted").to_header()
    return headers


def is_counted_by_caller(context: Context) -> bool:
    """Whether the request that a server is answering came from a span that carries the usage."""
    return _KEY in get_current_span(context).get_span_context().trace_state


@lru_cache(maxsize=512)
def _may_be_sent(host: str, port: int | None, hosts: tuple[str, ...]) -> bool:
    """A public provider may not, whatever ``hosts`` says; a load balancer of Amazon's is none."""
    public = provider_of(host, PUBLIC)
    if public is not None and (public != "aws.bedrock" or "bedrock" in host):
        return False
    names = host, f"{host}:{port}"
    return any(name == named or (named[:2] == "*." and name.endswith(named[1:])) for named in hosts for name in names)
