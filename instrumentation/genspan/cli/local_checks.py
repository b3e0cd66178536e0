"""Checks of an installation that need no network."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, distribution, entry_points, version
from os import environ
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from opentelemetry.instrumentation.dependencies import get_dependency_conflicts

from genspan._core.config import (
    CAPTURE,
    DISABLED,
    OTHERS,
    defaults,
    exporters,
    is_left_out,
    keeps_others,
    read_settings,
    sdk_disabled,
)
from genspan._setup import other_instrumentations
from genspan.cli.check_result import fail, note, ok, warn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.metadata import EntryPoint

    from genspan.cli.check_result import CheckResult

_TRACES_EXPORTER: Final = "OTEL_TRACES_EXPORTER"
# SDKs that trace themselves: a file of theirs that shows it.
_NATIVE: Final = {"anthropic": "anthropic/_tracing.py"}


def versions() -> Iterator[CheckResult]:
    yield ok(f"Python {platform.python_version()} on {platform.system()}")
    for name in ("genspan", "opentelemetry-sdk", "opentelemetry-instrumentation"):
        yield ok(f"{name} {version(name)}")


class _Sdk(NamedTuple):
    """An SDK of ours: its instrumentation, what is installed (name and version), and whether calls of it are traced."""

    instrumentation: str
    supported: str
    installed: str | None
    is_supported: bool
    is_disabled: bool
    remark: str

    @property
    def is_traced(self) -> bool:
        return self.is_supported and not self.is_disabled


def _sdks() -> Iterator[_Sdk]:
    for point in other_instrumentations.own():
        instrumentor: Any = point.load()()
        supported = ", ".join(instrumentor.instrumentation_dependencies())
        conflict = get_dependency_conflicts(instrumentor.instrumentation_dependencies())
        sdk = instrumentor.sdk
        installed = f"{sdk.distribution} {version(sdk.distribution)}" if conflict is None else conflict.found
        is_newer = conflict is None and sdk.untested()
        remark = f"; newer than {sdk.tested[-1]}, the newest tested" if is_newer else ""
        yield _Sdk(point.name, supported, installed, conflict is None, is_left_out(point.name), remark)


def sdks() -> Iterator[CheckResult]:
    """Our instrumentations: whether each SDK is here, in a supported version, and not switched off."""
    found = list(_sdks())
    for sdk in found:
        if sdk.installed is None:
            yield note(f"{sdk.supported}: not installed")
        elif sdk.is_disabled:
            yield warn(f"{sdk.installed}: {DISABLED} switches {sdk.instrumentation} off")
        elif sdk.is_supported:
            yield ok(f"{sdk.installed}: traced by {sdk.instrumentation} (supported: {sdk.supported}{sdk.remark})")
        else:
            yield fail(f"{sdk.installed} is installed and not traced: {sdk.instrumentation} supports {sdk.supported}")
    if any(sdk.installed for sdk in found) and not any(sdk.is_traced for sdk in found):
        yield fail("No SDK is traced")


def loading() -> Iterator[CheckResult]:
    """Which distribution opentelemetry-instrument takes: the first that it finds, unless it is named."""
    for group, setting in (
        ("opentelemetry_distro", "OTEL_PYTHON_DISTRO"),
        ("opentelemetry_configurator", "OTEL_PYTHON_CONFIGURATOR"),
    ):
        chosen = _first(group, environ.get(setting))
        kind = group.partition("_")[2]
        if chosen is None:
            # Without a configurator there is no SDK, without a distro no default for OTEL_TRACES_EXPORTER.
            is_lost = kind == "configurator" or not environ.get(_TRACES_EXPORTER, "").strip()
            level = fail if is_lost else warn
            yield level(f"{setting}={environ.get(setting)}: there is no such {kind}")
        elif chosen.value.startswith("genspan."):
            yield ok(f"opentelemetry-instrument takes the {kind} of genspan")
        else:
            yield warn(f"opentelemetry-instrument takes the {kind} {chosen.name!r} ({chosen.value}): {setting}=genspan")
    yield note("In code genspan.configure() goes by the same variables; its arguments win over them")


def is_our_distro() -> bool:
    """Whether our defaults for the environment apply under opentelemetry-instrument."""
    chosen = _first("opentelemetry_distro", environ.get("OTEL_PYTHON_DISTRO"))
    return chosen is not None and chosen.value.startswith("genspan.")


def _first(group: str, name: str | None) -> EntryPoint | None:
    return next((point for point in entry_points(group=group) if name in (None, point.name)), None)


def destinations() -> Iterator[CheckResult]:
    if sdk_disabled():
        yield fail("OTEL_SDK_DISABLED=true: nothing is recorded")
    if environ.get("OTEL_TRACES_SAMPLER", "").strip().lower().endswith("always_off"):
        yield fail(f"OTEL_TRACES_SAMPLER={environ['OTEL_TRACES_SAMPLER']}: nothing is recorded")
    for name, default in defaults().items():
        value = environ.get(name, "").strip()
        if value:
            yield ok(f"{name}={value}")
        elif is_our_distro():
            yield ok(f"{name}={default} (not set; our default under opentelemetry-instrument)")
        else:
            yield warn(f"{name} is not set; ours would be {default}, but another distro decides")
    names = exporters()
    if tuple(name.lower() for name in names) == ("none",):
        yield fail(f"{_TRACES_EXPORTER}=none: spans go nowhere")
        return
    installed = {"otlp", *(point.name for point in entry_points(group="opentelemetry_traces_exporter"))}
    for name in names:
        if name not in installed:
            yield fail(f"There is no exporter {name!r}, and none is set up; installed: {', '.join(sorted(installed))}")
    if "console" in names:
        yield note("The console exporter prints spans on the standard output of the program")


def content() -> Iterator[CheckResult]:
    """Read as an instrumentor would; a value that is not known is logged."""
    settings = read_settings()
    places = [name for name, used in (("spans", settings.span_content), ("events", settings.event_content)) if used]
    why = f"{CAPTURE}={environ[CAPTURE]}" if environ.get(CAPTURE, "").strip() else f"{CAPTURE} is not set"
    yield ok(f"Prompts and answers on {' and '.join(places)}" if places else "No prompts and answers anywhere")
    yield note(f"{why}; the default is off, and on spans where MLflow is a destination")
    yield ok(f"Forms of content (GENSPAN_DIALECTS): {', '.join(sorted(settings.dialects))}")
    yield ok(f"Inline data up to {settings.max_blob_bytes:,} bytes is kept (GENSPAN_MAX_BLOB_BYTES)")


def rivals() -> Iterator[CheckResult]:
    """Whoever else traces the same calls."""
    found = other_instrumentations.found()
    for other, ours in found.items():
        if keeps_others():
            yield warn(f"{other} is loaded beside {ours}: calls are counted twice ({OTHERS}=keep)")
        elif not is_our_distro():
            yield warn(f"{other} is loaded beside {ours}: calls may have two spans, of which one has the usage")
        else:
            yield ok(f"{other} is left out for {ours} ({OTHERS}=keep loads both)")
    traced = {sdk.instrumentation for sdk in _sdks() if sdk.is_traced}
    for sdk, file in _NATIVE.items():
        if _has(sdk, file):
            spans = "genspan's spans stand in place of its own" if f"genspan-{sdk}" in traced else "genspan does not"
            yield note(f"{sdk} traces itself; {spans}")
    if not found:
        yield ok("No other instrumentation of these SDKs is installed")


def _has(name: str, file: str) -> bool:
    try:
        return any(str(path) == file for path in distribution(name).files or ())
    except PackageNotFoundError:
        return False
