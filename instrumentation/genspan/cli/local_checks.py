"""What can be said about an installation without asking anybody."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, distribution, entry_points, version
from os import environ
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.instrumentation.dependencies import get_dependency_conflicts

from genspan import _other_instrumentations
from genspan._core.config import (
    CAPTURE,
    OTHERS,
    defaults,
    exporters,
    is_left_out,
    keeps_others,
    read_settings,
    sdk_disabled,
)
from genspan.cli.findings import note, ok, warn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.metadata import EntryPoint

    from genspan.cli.findings import Finding

# SDKs that trace themselves: a file of theirs that shows it, and how to switch that off.
_NATIVE: Final = {"anthropic": ("anthropic/_tracing.py", "ANTHROPIC_OPEN_TELEMETRY=false")}


def versions() -> Iterator[Finding]:
    yield ok(f"Python {platform.python_version()} on {platform.system()}")
    for name in ("genspan", "opentelemetry-sdk", "opentelemetry-instrumentation"):
        yield ok(f"{name} {version(name)}")


def sdks() -> Iterator[Finding]:
    """Our instrumentations: whether each SDK is here, in a version that was tested, and not switched off."""
    for point in _other_instrumentations.own():
        instrumentor: Any = point.load()()
        wanted = ", ".join(instrumentor.instrumentation_dependencies())
        conflict = get_dependency_conflicts(instrumentor.instrumentation_dependencies())
        if conflict is None:
            is_off = is_left_out(point.name)
            name = instrumentor.sdk.distribution
            text = f"{name} {version(name)}"
            newest = instrumentor.sdk.tested[-1]
            tested = f"; newer than {newest}, the newest tested" if instrumentor.sdk.untested() else ""
            yield (
                warn(f"{text}: OTEL_PYTHON_DISABLED_INSTRUMENTATIONS switches {point.name} off")
                if is_off
                else ok(f"{text}: traced by {point.name} (supported: {wanted}{tested})")
            )
        elif conflict.found:
            yield warn(f"{conflict.found} is installed and not traced: {point.name} supports {wanted}")
        else:
            yield note(f"{wanted}: not installed")


def loading() -> Iterator[Finding]:
    """Which distribution opentelemetry-instrument takes: the first that it finds, unless it is told."""
    for group, setting in (
        ("opentelemetry_distro", "OTEL_PYTHON_DISTRO"),
        ("opentelemetry_configurator", "OTEL_PYTHON_CONFIGURATOR"),
    ):
        chosen = _first(group, environ.get(setting))
        kind = group.partition("_")[2]
        if chosen is None:
            yield warn(f"{setting}={environ.get(setting)}: there is no such {kind}")
        elif chosen.value.startswith("genspan."):
            yield ok(f"opentelemetry-instrument takes the {kind} of genspan")
        else:
            yield warn(f"opentelemetry-instrument takes the {kind} {chosen.name!r} ({chosen.value}): {setting}=genspan")


def is_our_distro() -> bool:
    """Whether our defaults for the environment apply under opentelemetry-instrument."""
    chosen = _first("opentelemetry_distro", environ.get("OTEL_PYTHON_DISTRO"))
    return chosen is not None and chosen.value.startswith("genspan.")


def _first(group: str, name: str | None) -> EntryPoint | None:
    return next((point for point in entry_points(group=group) if name in (None, point.name)), None)


def destinations() -> Iterator[Finding]:
    if sdk_disabled():
        yield warn("OTEL_SDK_DISABLED=true: nothing is recorded")
    for name, default in defaults().items():
        value = environ.get(name, "").strip()
        if value:
            yield ok(f"{name}={value}")
        elif is_our_distro():
            yield ok(f"{name}={default} (not set; our default under opentelemetry-instrument)")
        else:
            yield warn(f"{name} is not set; ours would be {default}, but another distro decides")
    if "console" in exporters():
        yield note("The console exporter prints spans on the standard output of the program")


def content() -> Iterator[Finding]:
    """Read as an instrumentor would; a value that is not known is said in the log."""
    settings = read_settings()
    places = [name for name, used in (("spans", settings.span_content), ("events", settings.event_content)) if used]
    why = f"{CAPTURE}={environ[CAPTURE]}" if environ.get(CAPTURE, "").strip() else f"{CAPTURE} is not set"
    yield ok(f"Prompts and answers on {' and '.join(places)}" if places else "No prompts and answers anywhere")
    yield note(f"{why}; the default is off, and on spans where MLflow is a destination")
    yield ok(f"Forms of content (GENSPAN_DIALECTS): {', '.join(sorted(settings.dialects))}")
    yield ok(f"Inline data up to {settings.max_blob_bytes:,} bytes is kept (GENSPAN_MAX_BLOB_BYTES)")


def rivals() -> Iterator[Finding]:
    """Whoever else traces the same calls."""
    found = _other_instrumentations.found()
    for other, ours in found.items():
        if keeps_others() or not is_our_distro():
            yield warn(f"{other} is loaded beside {ours}: calls may be counted twice")
        else:
            yield ok(f"{other} is left out for {ours} ({OTHERS}=keep loads both)")
    for sdk, (file, switch) in _NATIVE.items():
        if _has(sdk, file):
            yield note(f"{sdk} traces itself too; {switch} switches that off")
    if not found:
        yield ok("No other instrumentation of these SDKs is installed")


def _has(name: str, file: str) -> bool:
    try:
        return any(str(path) == file for path in distribution(name).files or ())
    except PackageNotFoundError:
        return False
