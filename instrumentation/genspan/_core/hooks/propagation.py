"""Trace context on requests to hosts that an operator names, so that a gateway's spans are in the caller's trace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genspan._core.calls.call import Call


def propagate(call: Call, request: Any, host: str, port: int | None) -> None:
    """Give a request of an SDK, which has a mapping ``headers``, the trace context of its call.

    The mapping is replaced, since it may be the program's. What the program sends itself stays.
    """
    found = call.trace_headers(host, port) if call.request.propagates else {}
    if found and not any(name.lower() == "traceparent" for name in request.headers):
        headers = request.headers.copy()
        headers.update(found)
        request.headers = headers
