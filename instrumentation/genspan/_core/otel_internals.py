"""What OpenTelemetry for Python has no public name for, from 1.40 on; nothing else here reads its private names.

Each name is looked up once, at import. Where a version lacks it, a slower way or a safe answer takes its place: nobody
is taken for absent who may be listening.
"""

from __future__ import annotations

import contextvars
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Literal

from opentelemetry import _logs as logs
from opentelemetry import metrics, trace
from opentelemetry.context import Context, get_current
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.trace import ProxyTracerProvider, set_span_in_context

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from opentelemetry.trace import Span

SPAN_KEY: Final = next(iter(set_span_in_context(trace.INVALID_SPAN, Context())))
"""The key of the current span in a context."""


def _keys_of_suppression() -> frozenset[str]:
    with suppress_instrumentation():
        return frozenset(get_current())


SUPPRESSION_KEYS: Final = contextvars.Context().run(_keys_of_suppression)
"""What ``suppress_instrumentation()`` sets in a context."""


def _names(module: str) -> Mapping[str, Any]:
    try:
        return vars(import_module(module))
    except ImportError:
        return {}


def _classes(*found: Any) -> tuple[type, ...]:
    return tuple(kind for kind in found if isinstance(kind, type))


_TRACE, _METRICS, _LOGS = map(
    _names, ("opentelemetry.trace", "opentelemetry.metrics._internal", "opentelemetry._logs._internal")
)
_PROXIES: Final = _classes(ProxyTracerProvider, _METRICS.get("_ProxyMeterProvider"), _LOGS.get("ProxyLoggerProvider"))
_PROXY_LOGGERS: Final = _classes(_LOGS.get("ProxyLogger"))


def is_proxy(provider: object) -> bool:
    """Whether a provider is what stands in until the program sets the global one."""
    return isinstance(provider, _PROXIES)


def is_proxy_logger(logger: object) -> bool:
    """Whether a logger was made before the program set the global provider, which it then asks."""
    return isinstance(logger, _PROXY_LOGGERS)


def _is_set(names: Mapping[str, Any], variable: str, get: Callable[[], object]) -> Callable[[], bool]:
    """Reads the variable that holds the global provider: the getters look into the environment each time."""
    if variable in names:
        return lambda: names[variable] is not None
    return lambda: not is_proxy(get())


has_tracer_provider: Final = _is_set(_TRACE, "_TRACER_PROVIDER", trace.get_tracer_provider)
"""Whether there is a global tracer provider."""
has_meter_provider: Final = _is_set(_METRICS, "_METER_PROVIDER", metrics.get_meter_provider)
has_logger_provider: Final = _is_set(_LOGS, "_LOGGER_PROVIDER", logs.get_logger_provider)


def configured(what: Literal["sampler", "id_generator"]) -> Any:
    """What the environment names, also of another package; ``None``: the SDK's own choice.

    ``OTEL_TRACES_SAMPLER``, ``OTEL_PYTHON_ID_GENERATOR``.
    """
    names = _names("opentelemetry.sdk._configuration")  # not at import: it loads the SDK
    named, imported = names.get(f"_get_{what}"), names.get(f"_import_{what}")
    return imported(named()) if named and imported else None


def bounded_attributes(span: Span) -> Any:
    """The attributes of a span of the SDK, with their limits ``maxlen`` and ``max_value_len``; else ``None``."""
    return getattr(span, "_attributes", None)
