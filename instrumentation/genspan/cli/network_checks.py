"""Whether the destinations answer. Nothing is stored, except by ``--probe``; no secret is printed."""

from __future__ import annotations

import re
import socket
import time
from dataclasses import replace
from importlib import metadata
from os import environ
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from genspan._core.config import defaults
from genspan._core.routes.provider_names import default_port
from genspan.cli.check_result import fail, note, ok, warn
from genspan.mlflow.destination import SettingsError, read_destination
from genspan.mlflow.errors import ExportError, error_of
from genspan.mlflow.experiments import DEFAULT_ID, RestExperiments, find
from genspan.mlflow.http_session import MlflowSession
from genspan.mlflow.sql_store import REQUIREMENT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.sdk.trace import ReadableSpan

    from genspan.cli.check_result import CheckResult
    from genspan.mlflow.destination import Destination

_PORTS: Final = {"grpc": 4317, "http/protobuf": 4318}
"""OTLP's own ports, https://opentelemetry.io/docs/specs/otlp/."""


def mlflow(probe: bool) -> Iterator[CheckResult]:
    """The server, the login and the experiment that the exporter ``mlflow`` would use."""
    try:
        destination = read_destination()
    except SettingsError as error:
        yield fail(str(error))
        return
    if not environ.get("MLFLOW_TRACKING_URI"):
        yield note(f"MLFLOW_TRACKING_URI is not set; using {destination.shown}")
    failed = False
    for result in _server(destination) if destination.is_server else _sql_store(destination):
        failed = failed or result.level == "FAIL"
        yield result
    if probe and not failed:
        yield _probe()


def _server(destination: Destination) -> Iterator[CheckResult]:
    session = MlflowSession(replace(destination, timeout=min(destination.timeout, 10)))
    try:
        health = session.call("GET", "/health")
        if health.status != 200 or health.body.strip() != "OK":  # before MLflow 3.17 its type is text/html
            error = error_of(health, destination)
            yield fail(str(error) if error else f"{destination.shown}/health does not say OK: is this MLflow?")
            return
        number = session.call("GET", "/version")
        version = number.body.strip() if number.status == 200 else ""
        yield ok(f"{destination.shown} answers" + (f", MLflow {version}" if version else ""))
        yield from _version("server", version)
        yield _experiment(session, destination)
    finally:
        session.close()


def _experiment(session: MlflowSession, destination: Destination) -> CheckResult:
    name, number = destination.experiment_name, destination.experiment_id or DEFAULT_ID
    login = " with the login given" if destination.has_credentials else ""
    try:
        found = find(destination, RestExperiments(session, destination))
    except ExportError as error:
        return fail(str(error))
    if found is not None:
        return ok(f"Experiment {name or number!r} can be read{login}")
    if name is not None:
        return ok(f"Experiment {name!r} is not there yet; the first span creates it{login}")
    return fail(f"There is no experiment {number} on {destination.shown}: correct MLFLOW_EXPERIMENT_ID")


def _sql_store(destination: Destination) -> Iterator[CheckResult]:
    try:
        version = metadata.version("mlflow")
    except metadata.PackageNotFoundError:
        yield fail(f"{destination.shown} is written by the mlflow package: pip install '{REQUIREMENT}'")
        return
    yield ok(f"{destination.shown} is written by the installed mlflow {version}")
    yield from _version("package", version)


_LIMITS: Final = (
    ((3, 6), fail, "takes no spans: 3.6 is the oldest that does"),
    ((3, 7), warn, "does not add up the tokens of a trace: 3.7 does"),
    ((3, 13), warn, "keeps neither names nor tags of traces: 3.13 does"),
)
"""What an MLflow older than each version lacks."""


def _version(what: str, version: str) -> Iterator[CheckResult]:
    numbers = tuple(int(digits) for digits in re.findall(r"\d+", version)[:2])
    if numbers:
        yield from (judge(f"This {what} {text}") for oldest, judge, text in _LIMITS if numbers < oldest)


def _probe() -> CheckResult:
    from opentelemetry.sdk.trace.export import SpanExportResult

    from genspan.mlflow import MlflowSpanExporter

    span = _small_span()
    exporter = MlflowSpanExporter()
    stored = exporter.export([span]) is SpanExportResult.SUCCESS
    exporter.shutdown()
    if stored and span.context is not None:
        return ok(f"A probe span is stored: tr-{span.context.trace_id:032x}")
    return fail("The probe span was not stored; the log says why")


def _small_span() -> ReadableSpan:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
    from opentelemetry.trace import SpanContext, TraceFlags

    ids, now = RandomIdGenerator(), time.time_ns()
    context = SpanContext(ids.generate_trace_id(), ids.generate_span_id(), False, TraceFlags(TraceFlags.SAMPLED))
    return ReadableSpan("genspan doctor --probe", context=context, start_time=now, end_time=now)


def otlp() -> Iterator[CheckResult]:
    """The endpoint of the OTLP exporter: whether something listens there."""
    endpoint = environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") or environ.get("OTEL_EXPORTER_OTLP_ENDPOINT")
    protocol = environ.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or environ.get("OTEL_EXPORTER_OTLP_PROTOCOL")
    protocol = (protocol or defaults()["OTEL_EXPORTER_OTLP_PROTOCOL"]).strip()
    if protocol not in _PORTS:
        yield fail(f"OTEL_EXPORTER_OTLP_PROTOCOL={protocol}: no such protocol; there are {' and '.join(_PORTS)}")
        return
    standard = _PORTS[protocol]
    given = endpoint or f"http://localhost:{standard}"
    parts = urlsplit(given if "://" in given else f"//{given}")
    try:
        plain_grpc = protocol == "grpc" and parts.scheme != "https"
        port = parts.port or (standard if plain_grpc else default_port(parts.scheme)) or 80
        host = parts.hostname or ""
    except ValueError:
        yield fail("The OTLP endpoint is no address")
        return
    if port in _PORTS.values() and port != standard:
        yield warn(f"Port {port} is usually not the one for {protocol}: set OTEL_EXPORTER_OTLP_PROTOCOL or the port")
    names = sorted(_header_names())
    yield note(f"Headers sent: {', '.join(names)} (values not shown)" if names else "No headers are sent")
    yield _connect(host, port, protocol)


def _connect(host: str, port: int, protocol: str) -> CheckResult:
    try:
        with socket.create_connection((host, port), timeout=3):
            return ok(f"{host}:{port} listens ({protocol})")
    except OSError as error:
        return fail(f"{host}:{port} cannot be reached ({error.strerror or error})")


def _header_names() -> set[str]:
    value = environ.get("OTEL_EXPORTER_OTLP_TRACES_HEADERS") or environ.get("OTEL_EXPORTER_OTLP_HEADERS") or ""
    return {item.partition("=")[0].strip() for item in value.split(",") if "=" in item}
