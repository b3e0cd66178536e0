"""What uvicorn serves in each of its workers in place of MLflow's application: the same, with the gateway traced."""

from __future__ import annotations

from importlib import import_module
from os import environ
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, Final

from genspan._core.otel_internals import has_tracer_provider

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Application = Callable[[Any, Any, Any], Awaitable[None]]

WRAPPED: Final = "_GENSPAN_MLFLOW_APPLICATION"
"""``module:name`` of MLflow's application, or ``module:name()`` of the function that makes it."""
_FASTAPI: Final = "fastapi.telemetry"
"""Whose state of a request this is in its scope; ``None`` where another traces it."""
TRACE_CONTEXT: Final = frozenset({"traceparent", "tracestate", "baggage"})


def create() -> Application:
    """Make the application."""
    if not has_tracer_provider():  # an older opentelemetry-instrument leaves the children of a process alone
        import_module("opentelemetry.instrumentation.auto_instrumentation").initialize()
    name, factory, _ = environ[WRAPPED].partition("()")
    made = resolve_name(name)
    return traced(made() if factory else made)


def traced(application: Application) -> Application:
    """The application with a SERVER span for each request to the gateway, and none for any other.

    MLflow sees no trace context: it would put copies of its own spans into the caller's trace, with the usage again.
    FastAPI, whose new versions trace by themselves, is told not to: it would trace the arrival of our own spans.
    """

    async def unlinked(scope: Any, receive: Any, send: Any) -> None:
        headers = [pair for pair in scope["headers"] if pair[0].decode("latin-1").lower() not in TRACE_CONTEXT]
        await application({**scope, "headers": headers, _FASTAPI: None}, receive, send)

    middleware: Any = import_module("opentelemetry.instrumentation.asgi").OpenTelemetryMiddleware
    gateway = middleware(unlinked, exclude_spans=["receive", "send"])

    async def serve(scope: Any, receive: Any, send: Any) -> None:
        if _is_for_gateway(scope):
            await gateway(scope, receive, send)
        else:
            await application({**scope, _FASTAPI: None}, receive, send)

    return serve


def _is_for_gateway(scope: Any) -> bool:
    """Under ``/gateway/``, perhaps behind a prefix; but not MLflow's REST API about it."""
    before, found, _ = scope.get("path", "").partition("/gateway/")
    return scope["type"] == "http" and bool(found) and "api/" not in before
