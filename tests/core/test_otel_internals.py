"""OpenTelemetry's private names: where they are, where one is gone, and nowhere else."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry.context import Context, get_current, get_value
from opentelemetry.instrumentation.utils import is_instrumentation_enabled, suppress_instrumentation
from opentelemetry.sdk.trace import SpanLimits, TracerProvider

from genspan._core import otel_internals
from genspan._core.context import suppressed

ROOT = Path(__file__).resolve().parents[2] / "instrumentation" / "genspan"

# What a program may do before and after genspan is there; `gone` are private names that this OpenTelemetry has not got.
PROGRAM = """
import sys
from importlib import import_module

for place in sys.argv[1:]:
    module, _, name = place.partition(":")
    kept = vars(import_module(module)).pop(name)  # its own functions find a module variable gone at the next use
    RESTORE = [*globals().get("RESTORE", []), (module, name, kept)]

from opentelemetry import _logs as logs, metrics, trace
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import TracerProvider
from genspan._core import otel_internals as found

for module, name, kept in globals().get("RESTORE", []):
    setattr(import_module(module), name, kept)

logger = logs.get_logger("early")
proxies = trace.get_tracer_provider(), metrics.get_meter_provider(), logs.get_logger_provider()
print("before", found.has_tracer_provider(), found.has_meter_provider(), found.has_logger_provider())
print("proxies", *map(found.is_proxy, proxies), found.is_proxy_logger(logger))
trace.set_tracer_provider(TracerProvider(shutdown_on_exit=False))
metrics.set_meter_provider(MeterProvider(shutdown_on_exit=False))
logs.set_logger_provider(LoggerProvider(shutdown_on_exit=False))
providers = trace.get_tracer_provider(), metrics.get_meter_provider(), logs.get_logger_provider()
print("after", found.has_tracer_provider(), found.has_meter_provider(), found.has_logger_provider())
print("proxies", *map(found.is_proxy, providers), found.is_proxy_logger(logs.get_logger("late")))
"""
EXPECTED = ["before False False False", "proxies True True True True", "after True True True"]
LAST = "proxies False False False False"


def _run(*gone: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *gone], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_global_providers():
    assert _run() == [*EXPECTED, LAST]


@pytest.mark.parametrize(
    ("gone", "lines"),
    [
        # The variable is gone: asked by the getter.
        ("opentelemetry.trace:_TRACER_PROVIDER", EXPECTED),
        ("opentelemetry.metrics._internal:_METER_PROVIDER", EXPECTED),
        ("opentelemetry._logs._internal:_LOGGER_PROVIDER", EXPECTED),
        # The class is gone: who stands in is taken for a listener.
        (
            "opentelemetry.metrics._internal:_ProxyMeterProvider",
            [EXPECTED[0], "proxies True False True True", EXPECTED[2]],
        ),
        (
            "opentelemetry._logs._internal:ProxyLoggerProvider",
            [EXPECTED[0], "proxies True True False True", EXPECTED[2]],
        ),
        ("opentelemetry._logs._internal:ProxyLogger", [EXPECTED[0], "proxies True True True False", EXPECTED[2]]),
    ],
)
def test_where_a_name_is_gone(gone, lines):
    assert _run(gone) == [*lines, LAST]


def test_a_module_that_is_gone_has_no_names():
    assert otel_internals._names("opentelemetry.no_such_module") == {}


def test_the_key_of_the_current_span():
    span = trace.NonRecordingSpan(trace.SpanContext(1, 2, False))
    assert trace.get_current_span(Context({otel_internals.SPAN_KEY: span})) is span


def test_the_keys_of_suppression():
    assert is_instrumentation_enabled()
    for key in otel_internals.SUPPRESSION_KEYS:
        assert suppressed(Context({key: True}))
    assert "suppress_instrumentation" in otel_internals.SUPPRESSION_KEYS
    assert not suppressed(Context())
    with suppress_instrumentation():
        assert all(get_value(key) for key in otel_internals.SUPPRESSION_KEYS)
        assert suppressed(get_current())


def test_the_limits_of_a_span():
    provider = TracerProvider(
        span_limits=SpanLimits(max_span_attributes=7, max_span_attribute_length=300), shutdown_on_exit=False
    )
    span = provider.get_tracer("t").start_span("s", attributes={"one": 1, "two": 2})
    held = otel_internals.bounded_attributes(span)
    assert (held.maxlen, held.max_value_len, len(held)) == (7, 300, 2)
    span.end()
    assert otel_internals.bounded_attributes(trace.INVALID_SPAN) is None


@pytest.mark.parametrize(
    ("what", "variable"), [("sampler", "OTEL_TRACES_SAMPLER"), ("id_generator", "OTEL_PYTHON_ID_GENERATOR")]
)
def test_what_the_environment_names(what, variable, monkeypatch):
    named = {"sampler": ("always_off", "_AlwaysOff"), "id_generator": ("random", "RandomIdGenerator")}[what]
    monkeypatch.setenv(variable, named[0])
    found = otel_internals.configured(what)
    assert named[1] in repr(found)
    monkeypatch.setattr(otel_internals, "_names", lambda module: {})
    assert otel_internals.configured(what) is None


# Files that may name what is private, beside the module under test, and what of it.
ELSEWHERE = {"distro.py": {"opentelemetry.sdk._configuration"}}  # what every distribution of OpenTelemetry derives from


def test_nothing_else_uses_private_names():
    files = {str(path.relative_to(ROOT)): path for path in ROOT.rglob("*.py") if path.name != "otel_internals.py"}
    used = {name: _private_names(ast.parse(path.read_text("utf-8"))) for name, path in files.items()}
    assert {name: found for name, found in used.items() if found - ELSEWHERE.get(name, set())} == {}


def _private_names(tree: ast.Module) -> set[str]:
    """`opentelemetry._logs` is the public API of logs, which is named so until it is stable."""
    found, modules = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("opentelemetry"):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            modules |= {alias.asname or alias.name for alias in node.names}
            found |= {node.module if _is_private(node.module) else name for name in names if _is_private(name)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
            found |= {f"{node.value.id}.{node.attr}"} if _is_private(node.attr) else set()
    return found


def _is_private(name: str) -> bool:
    return any(part.startswith("_") and part != "_logs" and not part.endswith("__") for part in name.split("."))
